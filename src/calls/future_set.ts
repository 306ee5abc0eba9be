import { Future } from "./future.ts";

/**
 * Returns futures without duplicates.
 *
 * @throws {TypeError} If they aren't an iterable of futures.
 */
export function futureSet<AnyFuture extends Future<unknown>>(
  futures: Iterable<AnyFuture>,
): Set<AnyFuture> {
  if (typeof futures?.[Symbol.iterator] !== "function") {
    throw new TypeError(
      `'futures' must be an iterable of futures, as submit() returns them, but is ${
        Deno.inspect(futures)
      }`,
    );
  }
  const all = new Set<AnyFuture>();
  let index = 0;
  for (const future of futures) {
    if (!((future as unknown) instanceof Future)) {
      throw new TypeError(
        `'futures' must contain futures, as submit() returns them, but its element ${index} is ${
          Deno.inspect(future)
        }`,
      );
    }
    all.add(future);
    index++;
  }
  return all;
}
