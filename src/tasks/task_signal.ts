/**
 * Returns the signal of the running task. It is aborted when the task is
 * cancelled or times out.
 *
 * Call it in a task, before the task awaits anything. In a task that isn't an
 * arrow function, `this.signal` is the same signal.
 *
 * @example In a task module
 * ```ts ignore
 * import { taskSignal } from "@distex/pool";
 *
 * export async function download(url: string): Promise<Uint8Array> {
 *   const response = await fetch(url, { signal: taskSignal() });
 *   return await response.bytes();
 * }
 * ```
 *
 * @example In an inline task
 * ```ts
 * import { Pool } from "@distex/pool";
 * import { assertRejects } from "@std/assert";
 *
 * async function wait(this: { signal: AbortSignal }): Promise<void> {
 *   const { promise, reject } = Promise.withResolvers<void>();
 *   this.signal.addEventListener("abort", () => reject(this.signal.reason));
 *   await promise;
 * }
 *
 * await using pool = new Pool(1);
 * const impatient = pool.with({ timeout: 100 });
 * await assertRejects(() => impatient.run(wait), DOMException, "100 ms");
 * ```
 *
 * @returns The signal.
 * @throws {Error} If no task is running, or it has already awaited something.
 */
export function taskSignal(): AbortSignal {
  const current = (globalThis as Record<symbol, unknown>)[
    Symbol.for("@distex/pool taskSignal")
  ] as (() => AbortSignal | undefined) | undefined;
  const signal = current?.();
  if (signal !== undefined) return signal;
  throw new Error(
    "No task is running: a task must call taskSignal() before it awaits anything",
  );
}
