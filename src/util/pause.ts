/**
 * Waits without keeping the program alive.
 *
 * `delay()` of `@std/async` knows timers by number only, by which this Deno
 * doesn't unref them.
 *
 * @param milliseconds How long.
 * @param signal Ends the pause; the promise is rejected with its reason then.
 */
export function pause(
  milliseconds: number,
  signal?: AbortSignal,
): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const abort = () => {
      clearTimeout(timer);
      reject(signal!.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", abort);
      resolve();
    }, milliseconds);
    Deno.unrefTimer(timer);
    signal?.addEventListener("abort", abort, { once: true });
  });
}
