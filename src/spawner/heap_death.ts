import type { MemoryUse } from "../errors/out_of_memory_error.ts";

/** The line that V8 prints when it ends the process because its heap is full. */
const FATAL_LINE = /^# Fatal (?:JavaScript|process) out of memory: /m;

/** The size of the heap after a garbage collection, in MiB, as V8 prints it. */
const HEAP_SIZE = / -> [\d.]+ \(([\d.]+)\) MB/g;

/**
 * Returns how much memory a process used if V8 has ended it because its heap was
 * full, and `undefined` if it ended otherwise.
 *
 * @param status How it ended. V8 ends it by a signal; Windows has none.
 * @param stderrTail The end of its stderr.
 */
export function readHeapDeath(
  { signal, success }: Deno.CommandStatus,
  stderrTail: string,
): MemoryUse | undefined {
  const isFatal = Deno.build.os === "windows" ? !success : signal !== null;
  if (!isFatal || !FATAL_LINE.test(stderrTail)) return undefined;
  const last = [...stderrTail.matchAll(HEAP_SIZE)].at(-1);
  const bytes = last === undefined ? 0 : Math.round(Number(last[1]) * 2 ** 20);
  return { kind: "heap", bytes };
}
