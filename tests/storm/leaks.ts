import { delay } from "@std/async/delay";
import { openFiles } from "./processes.ts";
import type { StormSite } from "./site.ts";

/** How long remote processes may take to end, in milliseconds. */
const TIMEOUT = 60_000;

/** How much the heap may grow, in bytes. */
const MAX_GROWTH = 24 * 2 ** 20;

/** The resources that could leak, at some time. */
export interface Levels {
  readonly files: Map<string, string>;
  /** The used bytes of the heap, if known. */
  readonly heap: number | undefined;
}

/** Measures the current levels. */
export async function levels(): Promise<Levels> {
  // Deno opens a pair of sockets for signals when it first needs them.
  const listener = () => {};
  Deno.addSignalListener("SIGUSR2", listener);
  Deno.removeSignalListener("SIGUSR2", listener);
  return { heap: await usedHeap(), files: openFiles() };
}

/** Waits for a while until nothing of the pool is left; returns the remains. */
export async function findLeaks(
  site: StormSite,
  before: Levels,
): Promise<string[]> {
  const find = async () => [
    ...site.poolProcesses().map(({ pid, command }) =>
      `process ${pid} ${command}`
    ),
    ...site.poolFiles(),
    ...newFiles(before),
    ...await site.clusters?.remains() ?? [],
  ];
  const end = performance.now() + TIMEOUT;
  // No event reports that the other end of a cut connection has ended.
  while ((await find()).length > 0 && performance.now() < end) await delay(50);
  const heap = await usedHeap();
  const growth = (heap ?? 0) - (before.heap ?? 0);
  const leaks = await find();
  if (growth > MAX_GROWTH) leaks.push(`${growth} bytes of memory`);
  return leaks;
}

/** Returns the kinds of open files whose number has grown. */
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

/** Returns the used bytes of the heap, if run with --expose-gc. */
async function usedHeap(): Promise<number | undefined> {
  const { gc } = globalThis as { gc?: () => void };
  if (gc === undefined) return undefined;
  for (let round = 0; round < 3; round++) {
    gc();
    // Objects finalized in one turn can be collected in the next.
    await delay(0);
  }
  return Deno.memoryUsage().heapUsed;
}
