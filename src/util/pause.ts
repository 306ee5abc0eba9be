/**
 * Waits without keeping the program alive.
 *
 * `delay()` of `@std/async` can't do that in Deno 2.9: it unrefs timers by
 * number, which has no effect there.
 *
 * @param milliseconds The duration.
 * @param signal Rejects the promise with its reason when it is aborted.
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
