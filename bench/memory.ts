/**
 * Measures the memory of a map with many items. Run as a program, with a number
 * of items, this module does such a map and prints the peak; the peak of a
 * process that did other work before would mean nothing.
 *
 * @module
 */

import { Pool } from "../mod.ts";
import { type Effort, type Row, row, scaled, type Section } from "./measure.ts";

const ITEMS = 10_000_000;
const REPETITIONS = 2;

/** The number of results between two readings of the memory. */
const LOOK = 100_000;

/** Measures the peak memory of the process with the pool. */
export const memory: Section = {
  title: "Peak memory, a map of 10 million integers",
  names: ["memory/peak"],
  run,
};

async function run(
  _wanted: ReadonlySet<string>,
  effort: Effort,
): Promise<Row[]> {
  const items = scaled(ITEMS, effort);
  const peaks: number[] = [];
  for (let turn = 0; turn < REPETITIONS; turn++) {
    const peak = await peakOfChild(items);
    if (peak === null) {
      return [{ name: "memory/peak", unit: "MB", value: null, ratios: {} }];
    }
    peaks.push(peak / 1e6);
  }
  return [row("memory/peak", "MB", peaks)];
}

async function peakOfChild(items: number): Promise<number | null> {
  const { code, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", import.meta.url, String(items)],
    stdin: "null",
    stderr: "inherit",
  }).output();
  if (code !== 0) throw new Error(`The map ended with exit code ${code}`);
  return JSON.parse(new TextDecoder().decode(stdout));
}

/** Runs the map, counts its results, and returns the peak in bytes. */
async function peakOfMap(items: number): Promise<number | null> {
  await using pool = new Pool(2);
  let count = 0;
  let peak = 0;
  for await (const _ of pool.map((x: number) => x + 1, integers(items))) {
    if (++count % LOOK === 0) {
      peak = Math.max(peak, Deno.memoryUsage().rss);
    }
  }
  if (count !== items) {
    throw new Error(`There were ${count} of ${items} results`);
  }
  return highWaterMark() ?? (peak > 0 ? peak : null);
}

/** Returns the peak that Linux recorded, in bytes. */
function highWaterMark(): number | undefined {
  if (Deno.build.os !== "linux") return undefined;
  const status = Deno.readTextFileSync("/proc/self/status");
  const [, kilobytes] = status.match(/^VmHWM:\s+(\d+) kB$/m) ?? [];
  return kilobytes === undefined ? undefined : Number(kilobytes) * 1024;
}

function* integers(count: number): Generator<number> {
  for (let index = 0; index < count; index++) yield index;
}

if (import.meta.main) {
  console.log(JSON.stringify(await peakOfMap(Number(Deno.args[0]))));
}
