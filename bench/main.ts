/**
 * Measures the pool: `deno task bench`, see README.md.
 *
 * @module
 */

import { parseArgs } from "@std/cli/parse-args";
import { cpus } from "node:os";
import { latency } from "./latency.ts";
import {
  type Effort,
  FULL,
  QUICK,
  type Row,
  type Section,
  type Spread,
} from "./measure.ts";
import { memory } from "./memory.ts";
import { payload } from "./payload.ts";
import { remote } from "./remote.ts";
import { spawnerStartup } from "./spawner_startup.ts";
import { sshStartup } from "./ssh_startup.ts";
import { startup } from "./startup.ts";
import { startMany } from "./start_many.ts";
import { streams } from "./streams.ts";
import { throughput } from "./throughput.ts";
import { transform } from "./transform.ts";

/** All sections, in the order in which they run. */
export const SECTIONS: readonly Section[] = [
  throughput,
  transform,
  latency,
  payload,
  streams,
  remote,
  startup,
  startMany,
  sshStartup,
  spawnerStartup,
  memory,
];

const HELP = `Measures the throughput, latency and memory of a pool.

Usage: deno task bench [options]

Options:
  --only <name>  Run the rows whose names contain this; can be repeated
  --quick        Do a tenth of the work; the figures mean little
  --json         Print one JSON document instead of a table
  --help         Print this

Rows:
${SECTIONS.map(({ names }) => `  ${names.join(" ")}`).join("\n")}
`;

interface Machine {
  readonly deno: string;
  readonly cpu: string | null;
  readonly cores: number;
  readonly os: string;
}

function describeMachine(): Machine {
  return {
    deno: Deno.version.deno,
    cpu: cpus()[0]?.model ?? null,
    cores: navigator.hardwareConcurrency,
    os: `${Deno.build.os} ${Deno.osRelease()} ${Deno.build.arch}`,
  };
}

interface Request {
  readonly help: boolean;
  readonly json: boolean;
  readonly quick: boolean;
  readonly wanted: ReadonlySet<string>;
}

/** @throws {TypeError} If an option or a row doesn't exist. */
function parseRequest(args: string[]): Request {
  const { help, json, quick, only } = parseArgs(args, {
    boolean: ["quick", "json", "help"],
    string: ["only"],
    collect: ["only"],
    unknown: (arg) => {
      throw new TypeError(`There is no option '${arg}', see --help`);
    },
  });
  return { help, json, quick, wanted: wantedNames(only) };
}

/** Returns the names that contain one of the parts; all without parts. */
function wantedNames(parts: readonly string[]): ReadonlySet<string> {
  const names = SECTIONS.flatMap((section) => section.names);
  for (const part of parts) {
    if (names.some((name) => name.includes(part))) continue;
    throw new TypeError(`There is no row with '${part}', see --help`);
  }
  if (parts.length === 0) return new Set(names);
  return new Set(
    names.filter((name) => parts.some((part) => name.includes(part))),
  );
}

async function measure(
  wanted: ReadonlySet<string>,
  effort: Effort,
  onRows: (section: Section, rows: readonly Row[]) => void,
): Promise<void> {
  for (const section of SECTIONS) {
    if (!section.names.some((name) => wanted.has(name))) continue;
    onRows(section, await section.run(wanted, effort));
  }
}

function printMachine({ deno, cpu, cores, os }: Machine): void {
  console.log(`Deno ${deno}, ${cpu ?? "unknown CPU"}, ${cores} cores, ${os}`);
}

function printSection({ title }: Section, rows: readonly Row[]): void {
  console.log(`\n${title}`);
  for (const { name, unit, value, ratios } of rows) {
    const figure = value === null ? "not available" : format(value.median);
    const range = value === null ? "" : formatRange(value);
    const ratio = Object.entries(ratios)
      .map(([limit, { median }]) => `${format(median)} × ${limit}`)
      .join(", ");
    const columns = [
      name.padEnd(20),
      figure.padStart(12),
      unit.padEnd(5),
      range.padEnd(26),
      ratio,
    ];
    console.log(columns.join(" ").trimEnd());
  }
}

function formatRange({ min, max }: Spread): string {
  return `(${format(min)} – ${format(max)})`;
}

/** Formats with three significant digits, or all before the point. */
function format(value: number): string {
  const magnitude = Math.floor(Math.log10(Math.abs(value) || 1));
  const digits = Math.max(0, 2 - magnitude);
  return value.toLocaleString("en-US", {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
}

async function main({ help, json, quick, wanted }: Request): Promise<void> {
  if (help) return console.log(HELP);
  const effort = quick ? QUICK : FULL;
  const machine = describeMachine();
  if (!json) {
    printMachine(machine);
    return await measure(wanted, effort, printSection);
  }
  const rows: Row[] = [];
  await measure(wanted, effort, (_section, measured) => {
    rows.push(...measured);
  });
  console.log(JSON.stringify({ machine, quick, rows }, null, 2));
}

function requestOrExit(args: string[]): Request {
  try {
    return parseRequest(args);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    console.error(`error: ${error.message}`);
    Deno.exit(1);
  }
}

if (import.meta.main) await main(requestOrExit(Deno.args));
