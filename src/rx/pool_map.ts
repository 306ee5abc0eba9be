import { Observable, type OperatorFunction, type Subscriber } from "rxjs";
import { CallerTrace } from "../calls/caller_trace.ts";
import type { MapOptions } from "../options/map_options.ts";
import { mapSettings } from "../options/map_settings.ts";
import { mapFor, TaskRunner } from "../pool/task_runner.ts";
import type { AnyTask, TaskLike, YieldingTaskLike } from "../tasks/task.ts";
import type { Transferred } from "../tasks/transferred.ts";
import { ItemQueue } from "./item_queue.ts";

/**
 * Makes an RxJS operator that calls a task with each list of arguments that the
 * source emits. The next signature describes the operator in full.
 *
 * @example Usage
 * ```ts
 * import { Pool } from "@distex/pool";
 * import { poolMap } from "@distex/pool/rx";
 * import { assertEquals } from "@std/assert";
 * import { lastValueFrom, of, toArray } from "rxjs";
 *
 * await using pool = new Pool(2);
 * const points: [number, number][] = [[3, 4], [5, 12]];
 * const distances = of(...points).pipe(
 *   poolMap(pool, (x, y) => Math.sqrt(x * x + y * y), { spread: true }),
 *   toArray(),
 * );
 * assertEquals(await lastValueFrom(distances), [5, 13]);
 * ```
 *
 * @typeParam Args The types of the task's arguments.
 * @typeParam Result The type of its result, awaited.
 * @param pool The pool, or a view of it with other options.
 * @param task The task.
 * @param options The options of the map, among them `spread: true`.
 * @returns The operator.
 * @throws {TypeError} If `pool` isn't a pool, or an option doesn't exist or has
 * the wrong type.
 * @throws {RangeError} If an option is out of range.
 */
export function poolMap<Args extends unknown[], Result>(
  pool: TaskRunner,
  task: TaskLike<Args, Result>,
  options: MapOptions<Readonly<NoInfer<Args>>> & { readonly spread: true },
): OperatorFunction<Readonly<Args>, Transferred<Result>>;
/**
 * Makes an RxJS operator that calls a task in the pool with each value of the
 * source, and emits the results: in the order of the source, or with
 * `ordered: false` as they arrive.
 *
 * Each subscription has a map of its own, which works as
 * {@linkcode TaskRunner.map} does. It begins when the operator is subscribed
 * to, which is also when its `timeout` begins.
 *
 * - If the task or the source throws an error, the operator emits the results
 *   before the error, then the error. It unsubscribes from the source, and
 *   cancels the tasks that are left.
 * - It completes after the last result.
 * - When its subscriber unsubscribes, as `take(1)` does after a value, it
 *   unsubscribes from the source and cancels the tasks that are left, which
 *   aborts the signals of those that run.
 *
 * RxJS has no back-pressure, so the values that workers have no room for wait
 * in a queue without a limit. If they may not fit in memory, either have
 * `mergeMap` make each value when an earlier one is done, as in the second
 * example, or let the pool read from an iterable:
 * `from(pool.map(task, iterable))` emits the same results, and takes values no
 * faster than they are processed. {@linkcode TaskRunner.transform} is the same
 * stage for streams, which have back-pressure.
 *
 * @example Usage
 * ```ts
 * import { Pool } from "@distex/pool";
 * import { poolMap } from "@distex/pool/rx";
 * import { assertEquals } from "@std/assert";
 * import { filter, lastValueFrom, range, toArray } from "rxjs";
 *
 * await using pool = new Pool(2);
 * const squares = range(1, 5).pipe(
 *   poolMap(pool, (x) => x * x),
 *   filter((square) => square > 5),
 *   toArray(),
 * );
 * assertEquals(await lastValueFrom(squares), [9, 16, 25]);
 * ```
 *
 * @example At most four large values at a time
 * ```ts
 * import { Pool } from "@distex/pool";
 * import { poolMap } from "@distex/pool/rx";
 * import { assertEquals } from "@std/assert";
 * import { lastValueFrom, mergeMap, of, range, reduce } from "rxjs";
 *
 * const sum = (bytes: Uint8Array) => bytes.reduce((a, b) => a + b, 0);
 *
 * await using pool = new Pool(2);
 * const total = range(1, 20).pipe(
 *   mergeMap((n) => {
 *     const bytes = new Uint8Array(100_000).fill(n);
 *     return of(bytes).pipe(poolMap(pool, sum));
 *   }, 4),
 *   reduce((a, b) => a + b),
 * );
 * assertEquals(await lastValueFrom(total), 21_000_000);
 * ```
 *
 * @typeParam Item The type of the task's argument.
 * @typeParam Result The type of its result, awaited.
 * @param pool The pool, or a view of it with other options
 * ({@linkcode TaskRunner.with}).
 * @param task The task.
 * @param options The options of the map.
 * @returns The operator. It emits the errors that reading the results of
 * {@linkcode TaskRunner.map} throws, and a `TypeError` if `task` can't be sent.
 * @throws {TypeError} If `pool` isn't a pool, or an option doesn't exist or has
 * the wrong type.
 * @throws {RangeError} If an option is out of range.
 */
export function poolMap<Item, Result>(
  pool: TaskRunner,
  task: TaskLike<[Item], Result>,
  options?: MapOptions<NoInfer<Item>>,
): OperatorFunction<Item, Transferred<Result>>;
/**
 * Makes an RxJS operator that calls a task with each value of the source, and
 * emits the values that the task yields, in order. The signature before this one
 * describes the operator in full.
 *
 * @example Usage
 * ```ts
 * import { Pool } from "@distex/pool";
 * import { poolMap } from "@distex/pool/rx";
 * import { assertEquals } from "@std/assert";
 * import { lastValueFrom, of, toArray } from "rxjs";
 *
 * await using pool = new Pool(2);
 * const words = of("to be", "or not").pipe(
 *   poolMap(pool, function* (line) {
 *     yield* line.split(" ");
 *   }),
 *   toArray(),
 * );
 * assertEquals(await lastValueFrom(words), ["to", "be", "or", "not"]);
 * ```
 *
 * @typeParam Item The type of the task's argument.
 * @typeParam Value The type of the values that it yields.
 * @param pool The pool, or a view of it with other options.
 * @param task The task, such as a generator.
 * @param options The options of the map.
 * @returns The operator.
 * @throws {TypeError} If `pool` isn't a pool, or an option doesn't exist or has
 * the wrong type.
 * @throws {RangeError} If an option is out of range.
 */
export function poolMap<Item, Value>(
  pool: TaskRunner,
  task: YieldingTaskLike<[Item], Value>,
  options?: MapOptions<NoInfer<Item>>,
): OperatorFunction<Item, Transferred<Awaited<Value>>>;
export function poolMap(
  pool: TaskRunner,
  task: AnyTask,
  options: MapOptions = {},
): OperatorFunction<unknown, unknown> {
  if (!(pool instanceof TaskRunner)) {
    throw new TypeError(`'pool' must be a Pool, but is ${Deno.inspect(pool)}`);
  }
  const settings = mapSettings(options, "poolMap()");
  // Subscriptions come from within RxJS, whose frames would help nobody.
  const trace = new CallerTrace(poolMap);
  return (source) =>
    new Observable((subscriber) => {
      const items = new ItemQueue<unknown>();
      const results = mapFor(pool, trace, task, [items, settings]);
      subscriber.add(() => void results[Symbol.asyncDispose]());
      emit(results, subscriber);
      subscriber.add(source.subscribe({
        next: (item) => items.push(item),
        error: (reason) => items.fail(reason),
        complete: () => items.end(),
      }));
    });
}

/** Passes the results of a map on to a subscriber. */
async function emit(
  results: AsyncIterable<unknown>,
  subscriber: Subscriber<unknown>,
): Promise<void> {
  try {
    for await (const result of results) subscriber.next(result);
    subscriber.complete();
  } catch (reason) {
    subscriber.error(reason);
  }
}
