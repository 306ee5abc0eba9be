import { delay } from "@std/async/delay";
import { openFiles } from "./processes.ts";
import type { StormSite } from "./site.ts";

/** How long what is left over there may take to end, in milliseconds. */
const TIMEOUT = 60_000;

/** By how much memory may grow, in bytes. */
const MAX_GROWTH = 24 * 2 ** 20;

/** How much there is at some time of what might leak. */
export interface Levels {
  readonly files: Map<string, string>;
  /** The bytes of the heap that are in use, if that can be told. */
  readonly heap: number | undefined;
}

/** Measures what is there now. */
export async function levels(): Promise<Levels> {
  // Deno has a pair of sockets for signals from when they are first needed.
  const listener = () => {};
  Deno.addSignalListener("SIGUSR2", listener);
  Deno.removeSignalListener("SIGUSR2", listener);
  return { heap: await usedHeap(), files: openFiles() };
}

/** Waits until nothing is left of the pool, and tells what is. */
export async function findLeaks(
  site: StormSite,
  before: Levels,
): Promise<string[]> {
  const find = () => [
    ...site.poolProcesses().map(({ pid, command }) =>
      `process ${pid} ${command}`
    ),
    ...site.poolFiles(),
    ...newFiles(before),
  ];
  const end = performance.now() + TIMEOUT;
  // Nothing tells when the other side of a connection that was cut has ended.
  while (find().length > 0 && performance.now() < end) await delay(50);
  const heap = await usedHeap();
  const growth = (heap ?? 0) - (before.heap ?? 0);
  const leaks = find();
  if (growth > MAX_GROWTH) leaks.push(`${growth} bytes of memory`);
  return leaks;
}

/** What more there is of each kind of open files. */
function newFiles({ files }: Levels): string[] {
  const before = Map.groupBy(files.values(), kindOf);
  const now = Map.groupBy(openFiles().values(), kindOf);
  return [...now].flatMap(([kind, { length }]) => {
    const more = length - (before.get(kind)?.length ?? 0);
    return more > 0 ? [`${more} open files ${kind}`] : [];
  });
}

function kindOf(path: string): string {
  return path.replace(/\[\d+\]$/, "");
}

/** The bytes of the heap that are in use, where --expose-gc is given. */
async function usedHeap(): Promise<number | undefined> {
  const { gc } = globalThis as { gc?: () => void };
  if (gc === undefined) return undefined;
  for (let round = 0; round < 3; round++) {
    gc();
    // What is finalized in one turn can be collected in the next.
    await delay(0);
  }
  return Deno.memoryUsage().heapUsed;
}
