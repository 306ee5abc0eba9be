import {
  checkChoice,
  checkNames,
  checkObject,
} from "../options/option_checks.ts";
import { withinLimit } from "../util/within_limit.ts";
import { checkTimeLimit } from "./check_time_limit.ts";
import { type Future, whenDone } from "./future.ts";
import { futureSet } from "./future_set.ts";

/**
 * The options of {@linkcode wait}.
 *
 * @example Usage
 * ```ts
 * import { Pool, wait, type WaitOptions } from "@distex/pool";
 * import { assertEquals } from "@std/assert";
 *
 * const options: WaitOptions = { returnWhen: "firstCompleted" };
 * await using pool = new Pool(2);
 * const quick = pool.submit(() => "done");
 * const endless = pool.submit(() => new Promise<string>(() => {}));
 * const { done, notDone } = await wait([quick, endless], options);
 * assertEquals([...done], [quick]);
 * for (const future of notDone) future.cancel();
 * ```
 */
export interface WaitOptions {
  /**
   * How long to wait, in milliseconds. The default is no limit.
   *
   * @default {undefined}
   */
  readonly timeout?: number;
  /**
   * When to stop waiting: when all futures are done, when any of them is, or
   * when any of them has thrown; a cancelled one hasn't thrown.
   *
   * @default {"allCompleted"}
   */
  readonly returnWhen?: "allCompleted" | "firstCompleted" | "firstException";
}

/**
 * The futures that {@linkcode wait} has waited for.
 *
 * @example Usage
 * ```ts
 * import { Pool, wait, type WaitedFutures } from "@distex/pool";
 * import { assertEquals } from "@std/assert";
 *
 * await using pool = new Pool(1);
 * const future = pool.submit(() => "done");
 * const waited: WaitedFutures<typeof future> = await wait([future]);
 * assertEquals(waited.notDone.size, 0);
 * ```
 *
 * @typeParam AnyFuture The type of the futures.
 */
export interface WaitedFutures<AnyFuture> {
  /** Those that returned, threw or were cancelled. */
  readonly done: Set<AnyFuture>;
  /** The others. */
  readonly notDone: Set<AnyFuture>;
}

/**
 * Waits for futures: for all of them, or for the first that is done or throws.
 * It never throws an error of a task, and cancels nothing.
 *
 * @example Usage
 * ```ts
 * import { Pool, wait } from "@distex/pool";
 * import { assertEquals } from "@std/assert";
 *
 * await using pool = new Pool(2);
 * const futures = [1, 2, 3].map((x) => pool.submit((x: number) => x * x, x));
 * const { done, notDone } = await wait(futures);
 * assertEquals(await Promise.all(done), [1, 4, 9]);
 * assertEquals(notDone.size, 0);
 * ```
 *
 * @typeParam AnyFuture The type of the futures.
 * @param futures The futures; one that occurs twice counts once.
 * @param options The options.
 * @returns The futures that are done, and the others, each in their order.
 * @throws {TypeError} If `futures` contains anything else, or an option doesn't
 * exist or has the wrong type.
 * @throws {RangeError} If an option is out of range.
 * @see {@link https://peps.python.org/pep-3148/#module-functions}
 */
export async function wait<AnyFuture extends Future<unknown>>(
  futures: Iterable<AnyFuture>,
  options: WaitOptions = {},
): Promise<WaitedFutures<AnyFuture>> {
  checkObject("wait()", options);
  const { timeout, returnWhen = "allCompleted" } = options;
  checkNames("wait()", options, { timeout, returnWhen });
  checkTimeLimit(timeout);
  checkChoice("returnWhen", returnWhen, [
    "allCompleted",
    "firstCompleted",
    "firstException",
  ]);
  const all = futureSet(futures);
  const { enough, unwatch } = watchFutures(all, returnWhen);
  try {
    if (timeout === undefined) await enough;
    // It is rejected only when the time is over.
    else await withinLimit(enough, timeout).catch(() => {});
  } finally {
    unwatch();
  }
  const done = new Set<AnyFuture>();
  for (const future of all) if (future.done()) done.add(future);
  return { done, notDone: all.difference(done) };
}

/** Returns a promise that resolves when enough futures are done. */
function watchFutures(
  futures: Set<Future<unknown>>,
  returnWhen: WaitOptions["returnWhen"],
): { enough: Promise<void>; unwatch: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  let left = futures.size;
  if (left === 0) resolve();
  const ended = (hasThrown: boolean) => {
    left--;
    if (
      left === 0 || returnWhen === "firstCompleted" ||
      hasThrown && returnWhen === "firstException"
    ) resolve();
  };
  const unwatch = Array.from(
    futures,
    (future) =>
      whenDone(future, (hasThrown) => ended(hasThrown && !future.cancelled())),
  );
  return {
    enough: promise,
    unwatch: () => {
      for (const stop of unwatch) stop();
    },
  };
}
