import { CallerTrace } from "../calls/caller_trace.ts";
import { type Future, makeFuture } from "../calls/future.ts";
import type { AnyIterable } from "../map/items.ts";
import type { MapIterables } from "../map/map_inputs.ts";
import type { MapResults } from "../map/map_results.ts";
import type { CallOptions } from "../options/call_options.ts";
import type { MapOptions } from "../options/map_options.ts";
import { type CallSettings, callSettings } from "../options/call_settings.ts";
import type { TransformOptions } from "../options/transform_options.ts";
import type {
  AnyTask,
  StreamTaskLike,
  TaskLike,
  YieldingTaskLike,
} from "../tasks/task.ts";
import type { SendableResult } from "../tasks/task_result.ts";
import type { Transferred } from "../tasks/transferred.ts";
import type {
  AnyResultOf,
  ArgsOf,
  ResultOf,
  SentArgs,
} from "../tasks/signatures.ts";
import { renamedMembers } from "../util/renamed_members.ts";
import type { Engine } from "./engine.ts";
import { TaskCalls } from "./task_calls.ts";
import { TaskMaps } from "./task_maps.ts";

/** Does what {@linkcode TaskRunner.map} does, for the caller in `trace`. */
export let mapFor: (
  runner: TaskRunner,
  trace: CallerTrace,
  task: AnyTask,
  inputs: readonly unknown[],
) => MapResults<unknown>;

/**
 * The methods that run tasks. A {@linkcode Pool} has them, and so does the view
 * of a pool with options for calls that {@linkcode TaskRunner.with} returns.
 *
 * @example Usage
 * ```ts
 * import { Pool, type TaskRunner } from "@distex/pool";
 * import { assertEquals } from "@std/assert";
 *
 * async function squares(runner: TaskRunner, numbers: number[]) {
 *   return await runner.map((x: number) => x * x, numbers).toArray();
 * }
 *
 * await using pool = new Pool(1);
 * assertEquals(await squares(pool, [1, 2]), [1, 4]);
 * assertEquals(await squares(pool.with({ retries: 1 }), [3]), [9]);
 * ```
 */
export class TaskRunner {
  readonly #engine: Engine;
  readonly #options: CallSettings;
  readonly #calls: TaskCalls;
  readonly #maps: TaskMaps;

  static {
    mapFor = (runner, trace, task, inputs) =>
      runner.#maps.map(trace, task, inputs);
  }

  /** For {@linkcode Pool} only. Programs get a runner from a pool. */
  protected constructor(engine: Engine, options: CallSettings) {
    this.#engine = engine;
    this.#options = options;
    this.#calls = new TaskCalls(engine, options);
    this.#maps = new TaskMaps(engine, options);
  }

  /**
   * Returns a view of the same pool that applies options to its calls and maps.
   *
   * @example Usage
   * ```ts
   * import { Pool } from "@distex/pool";
   * import { assertEquals } from "@std/assert";
   *
   * await using pool = new Pool(1);
   * const here = pool.with({ host: "local" });
   * assertEquals(await here.run((x: number) => x + 1, 1), 2);
   * ```
   *
   * @param options The options, which are added to those of this runner.
   * @returns A runner with these options.
   * @throws {TypeError} If an option doesn't exist or has the wrong type.
   * @throws {RangeError} If an option is out of range.
   */
  with(options: CallOptions): TaskRunner {
    const known = this.#engine.hostNames;
    return new TaskRunner(this.#engine, {
      ...this.#options,
      ...callSettings(options, known),
    });
  }

  /**
   * Runs a task on one of the workers.
   *
   * @example Usage
   * ```ts
   * import { Pool } from "@distex/pool";
   * import { assertEquals } from "@std/assert";
   *
   * await using pool = new Pool(1);
   * const scale = (x: number, factor = 2) => x * factor;
   * assertEquals(await pool.run(scale, 3), 6);
   * ```
   *
   * @typeParam Arg The type of the task's argument.
   * @typeParam Result The type of its result, awaited.
   * @param task The task.
   * @param arg Its argument.
   * @returns A promise of the task's result.
   * @throws {TypeError} If `task` can't be sent.
   */
  run<Arg, Result>(
    task: TaskLike<[Arg], Result>,
    arg: Arg,
  ): Promise<Transferred<Result>>;
  /**
   * Runs a task on one of the workers.
   *
   * The pool reads arguments when it sends them to a worker, not when the task
   * is submitted, so the task may see a change in between. Don't change
   * arguments until the task is done. Large binary data is never copied before
   * it is sent.
   *
   * @example Usage
   * ```ts
   * import { Pool } from "@distex/pool";
   * import { assertEquals } from "@std/assert";
   *
   * await using pool = new Pool(1);
   * assertEquals(await pool.run((a: number, b: number) => a + b, 1, 2), 3);
   * ```
   *
   * @typeParam Args The types of the task's arguments.
   * @typeParam Result The type of its result, awaited.
   * @param task The task.
   * @param args Its arguments. A `ReadableStream` or another async iterable
   * arrives as a `ReadableStream` and is read as fast as the task reads it.
   * @returns A promise of the task's result. It is rejected with what the
   * task throws, or with one of these: a {@linkcode WorkerLostError}, a
   * {@linkcode BrokenPoolError}, a {@linkcode PoolClosedError}, a
   * {@linkcode QueueFullError}, the signal's reason, a `TypeError` if the task
   * returns a generator or a stream, or a `DOMException` named
   * `"TimeoutError"`, `"AbortError"` if the pool is shut down with
   * `cancelFutures`, or `"DataCloneError"` if its arguments or its result can't
   * be sent.
   * @throws {TypeError} If `task` can't be sent, or an argument is a stream that
   * is locked or that is passed twice.
   */
  run<Args extends unknown[], Result>(
    task: TaskLike<Args, Result>,
    ...args: Args
  ): Promise<Transferred<Result>>;
  /**
   * Runs an overloaded task on one of the workers. The arguments choose the
   * signature.
   *
   * @example Usage
   * ```ts
   * import { Pool } from "@distex/pool";
   * import { assertEquals } from "@std/assert";
   *
   * function double(value: number): number;
   * function double(value: string): string;
   * function double(value: number | string): number | string {
   *   return typeof value === "number" ? value * 2 : value + value;
   * }
   *
   * await using pool = new Pool(1);
   * const four: number = await pool.run(double, 2);
   * assertEquals(four, 4);
   * ```
   *
   * @typeParam Call The task's type.
   * @typeParam Args The types of the task's arguments.
   * @param task The task.
   * @param args Its arguments.
   * @returns A promise of the task's result.
   * @throws {TypeError} If `task` can't be sent.
   */
  run<Call, Args extends ArgsOf<Call>>(
    task: Call & SendableResult<AnyResultOf<Call>>,
    ...args: Args
  ): Promise<Transferred<ResultOf<Call, Args>>>;
  run(task: AnyTask, ...args: unknown[]): Promise<unknown> {
    // V8 makes no array of the arguments if they are only passed on.
    return this.#calls.run(this.run, task, ...args);
  }

  /**
   * Runs a task on one of the workers, as {@linkcode TaskRunner.run} does, and
   * returns a {@linkcode Future}.
   *
   * @example Usage
   * ```ts
   * import { Pool } from "@distex/pool";
   * import { assertEquals } from "@std/assert";
   *
   * await using pool = new Pool(1);
   * const future = pool.submit((x: number, factor = 2) => x * factor, 21);
   * assertEquals(await future, 42);
   * ```
   *
   * @typeParam Arg The type of the task's argument.
   * @typeParam Result The type of its result, awaited.
   * @param task The task.
   * @param arg Its argument.
   * @returns The future of the task's result.
   * @throws {TypeError} If `task` can't be sent.
   */
  submit<Arg, Result>(
    task: TaskLike<[Arg], Result>,
    arg: Arg,
  ): Future<Transferred<Result>>;
  /**
   * Runs a task on one of the workers, as {@linkcode TaskRunner.run} does, and
   * returns a {@linkcode Future}, which reports its state and can be cancelled.
   *
   * @example Usage
   * ```ts
   * import { Pool } from "@distex/pool";
   * import { assertEquals } from "@std/assert";
   *
   * await using pool = new Pool(1);
   * const future = pool.submit((a: number, b: number) => a * b, 6, 7);
   * assertEquals(await future, 42);
   * ```
   *
   * @typeParam Args The types of the task's arguments.
   * @typeParam Result The type of its result, awaited.
   * @param task The task.
   * @param args Its arguments, as for {@linkcode TaskRunner.run}.
   * @returns The future of the task's result. It is rejected as the promise of
   * {@linkcode TaskRunner.run} is, and with a `DOMException` named
   * `"AbortError"` if it is cancelled.
   * @throws {TypeError} If `task` can't be sent, or an argument is a stream that
   * is locked or that is passed twice.
   */
  submit<Args extends unknown[], Result>(
    task: TaskLike<Args, Result>,
    ...args: Args
  ): Future<Transferred<Result>>;
  /**
   * Runs an overloaded task on one of the workers, and returns a
   * {@linkcode Future}. The arguments choose the signature.
   *
   * @example Usage
   * ```ts
   * import { Pool } from "@distex/pool";
   * import { assertEquals } from "@std/assert";
   *
   * function double(value: number): number;
   * function double(value: string): string;
   * function double(value: number | string): number | string {
   *   return typeof value === "number" ? value * 2 : value + value;
   * }
   *
   * await using pool = new Pool(1);
   * const future = pool.submit(double, "ab");
   * const text: string = await future;
   * assertEquals(text, "abab");
   * ```
   *
   * @typeParam Call The task's type.
   * @typeParam Args The types of the task's arguments.
   * @param task The task.
   * @param args Its arguments.
   * @returns The future of the task's result.
   * @throws {TypeError} If `task` can't be sent.
   */
  submit<Call, Args extends ArgsOf<Call>>(
    task: Call & SendableResult<AnyResultOf<Call>>,
    ...args: Args
  ): Future<Transferred<ResultOf<Call, Args>>>;
  submit(task: AnyTask, ...args: unknown[]): Future<unknown> {
    return makeFuture(this.#calls.submit(this.submit, task, ...args));
  }

  /**
   * Calls a task with each item of an iterable, and iterates over the results.
   *
   * The iterable may be sync, async or endless. The map takes no more items
   * than the workers have room for, and gets only a limited number of items
   * ahead of the results that have been read. The pool reads an item when it
   * sends it to a worker, so don't change it until its result has arrived.
   *
   * Items begin in their order. If the items are arrays, and the results are
   * collected by `toArray()` or come as the tasks finish, they may begin in
   * another order, so a few long ones among them take less time in all.
   *
   * A map starts when its first result is requested. It ends at the first
   * error: if the task or an iterable throws, the iteration yields the results
   * before the error, throws it, and drops the tasks that haven't begun.
   *
   * @example Usage
   * ```ts
   * import { Pool } from "@distex/pool";
   * import { assertEquals } from "@std/assert";
   *
   * await using pool = new Pool(2);
   * const lengths = pool.map((word: string) => word.length, ["to", "be?"]);
   * assertEquals(await lengths.toArray(), [2, 3]);
   * ```
   *
   * @typeParam Item The type of the task's argument.
   * @typeParam Result The type of its result, awaited.
   * @param task The task.
   * @param items Its arguments.
   * @param options The options of the map.
   * @returns The results, which can be iterated once. Reading them throws what
   * the task throws, or one of the errors of {@linkcode TaskRunner.run}.
   * @throws {TypeError} If `task` can't be sent, something isn't iterable, or
   * an option doesn't exist or has the wrong type.
   * @throws {RangeError} If an option is out of range.
   */
  map<Item, Result>(
    task: TaskLike<[Item], Result>,
    items: AnyIterable<Item>,
    options?: MapOptions<NoInfer<Item>>,
  ): MapResults<Transferred<Result>>;
  /**
   * Calls a task with one item of each of two iterables, until the shorter one
   * ends, and iterates over the results.
   *
   * @example Usage
   * ```ts
   * import { Pool } from "@distex/pool";
   * import { assertEquals } from "@std/assert";
   *
   * await using pool = new Pool(2);
   * const powers = pool.map((x: number, y: number) => x ** y, [2, 3], [5, 2]);
   * assertEquals(await powers.toArray(), [32, 9]);
   * ```
   *
   * @typeParam First The type of the task's first argument.
   * @typeParam Second The type of the task's second argument.
   * @typeParam Result The type of its result, awaited.
   * @param task The task.
   * @param first Its first arguments.
   * @param second Its second arguments.
   * @param options The options of the map.
   * @returns The results, which can be iterated once. Reading them throws what
   * the task throws, or one of the errors of {@linkcode TaskRunner.run}.
   * @throws {TypeError} If `task` can't be sent, something isn't iterable, or
   * an option doesn't exist or has the wrong type.
   * @throws {RangeError} If an option is out of range.
   */
  map<First, Second, Result>(
    task: TaskLike<[First, Second], Result>,
    first: AnyIterable<First>,
    second: AnyIterable<Second>,
    options?: MapOptions<[NoInfer<First>, NoInfer<Second>]>,
  ): MapResults<Transferred<Result>>;
  /**
   * Calls a task with each list of arguments of an iterable, and iterates over
   * the results.
   *
   * @example Usage
   * ```ts
   * import { Pool } from "@distex/pool";
   * import { assertEquals } from "@std/assert";
   *
   * await using pool = new Pool(2);
   * const points: [number, number][] = [[3, 4], [5, 12]];
   * const lengths = pool.map(
   *   (x: number, y: number) => Math.sqrt(x * x + y * y),
   *   points,
   *   { spread: true },
   * );
   * assertEquals(await lengths.toArray(), [5, 13]);
   * ```
   *
   * @typeParam Args The types of the task's arguments.
   * @typeParam Result The type of its result, awaited.
   * @param task The task.
   * @param items Lists of arguments.
   * @param options The options of the map.
   * @returns The results, which can be iterated once. Reading them throws what
   * the task throws, or one of the errors of {@linkcode TaskRunner.run}.
   * @throws {TypeError} If `task` can't be sent, something isn't iterable, or
   * an option doesn't exist or has the wrong type.
   * @throws {RangeError} If an option is out of range.
   */
  map<Args extends unknown[], Result>(
    task: TaskLike<Args, Result>,
    items: AnyIterable<Readonly<Args>>,
    options: MapOptions<Readonly<NoInfer<Args>>> & { readonly spread: true },
  ): MapResults<Transferred<Result>>;
  /**
   * Calls a task with one item of each iterable, until the shortest ends, and
   * iterates over the results.
   *
   * @example Usage
   * ```ts
   * import { Pool } from "@distex/pool";
   * import { assertEquals } from "@std/assert";
   *
   * await using pool = new Pool(2);
   * const sums = pool.map((x, y, z) => x + y + z, [1, 2], [3, 4], [5, 6]);
   * assertEquals(await sums.toArray(), [9, 12]);
   * ```
   *
   * @typeParam Args The types of the task's arguments.
   * @typeParam Result The type of its result, awaited.
   * @param task The task.
   * @param iterables An iterable for each argument.
   * @returns The results, which can be iterated once. Reading them throws what
   * the task throws, or one of the errors of {@linkcode TaskRunner.run}.
   * @throws {TypeError} If `task` can't be sent or something isn't iterable.
   */
  map<Args extends unknown[], Result>(
    task: TaskLike<Args, Result>,
    ...iterables: MapIterables<Args>
  ): MapResults<Transferred<Result>>;
  /**
   * Calls a task with one item of each iterable, until the shortest ends, and
   * iterates over the results.
   *
   * @example Usage
   * ```ts
   * import { Pool } from "@distex/pool";
   * import { assertEquals } from "@std/assert";
   *
   * await using pool = new Pool(2);
   * const sum = (x: number, y: number, z: number) => x + y + z;
   * const sums = pool.map(sum, [1, 2], [3, 4], [5, 6], { chunkSize: 1 });
   * assertEquals(await sums.toArray(), [9, 12]);
   * ```
   *
   * @typeParam First The type of the task's first argument.
   * @typeParam Rest The types of the task's other arguments.
   * @typeParam Result The type of its result, awaited.
   * @param task The task.
   * @param first Its first arguments.
   * @param inputs An iterable for each of its other arguments, then the options
   * of the map.
   * @returns The results, which can be iterated once. Reading them throws what
   * the task throws, or one of the errors of {@linkcode TaskRunner.run}.
   * @throws {TypeError} If `task` can't be sent, something isn't iterable, or
   * an option doesn't exist or has the wrong type.
   * @throws {RangeError} If an option is out of range.
   */
  map<First, Rest extends unknown[], Result>(
    task: TaskLike<[First, ...Rest], Result>,
    first: AnyIterable<First>,
    ...inputs: [
      ...MapIterables<Rest>,
      options: MapOptions<[NoInfer<First>, ...Rest]> | undefined,
    ]
  ): MapResults<Transferred<Result>>;
  /**
   * Calls a generator with each item of an iterable, and iterates over all the
   * values that it yields, in order. The task may also return another iterator
   * or an async iterable, such as a `ReadableStream`, or a promise of it. An
   * array or another collection remains one result.
   *
   * A call gets at most 4,096 values or 512 KiB ahead of the reader, so an item
   * may yield any number of values.
   *
   * @example Usage
   * ```ts
   * import { Pool } from "@distex/pool";
   * import { assertEquals } from "@std/assert";
   *
   * await using pool = new Pool(2);
   * const words = pool.map(function* (line: string) {
   *   yield* line.split(" ");
   * }, ["to be", "or not"]);
   * assertEquals(await words.toArray(), ["to", "be", "or", "not"]);
   * ```
   *
   * @typeParam Item The type of the task's argument.
   * @typeParam Value The type of the values that it yields.
   * @param task The task.
   * @param items Its arguments.
   * @param options The options of the map.
   * @returns The values, which can be iterated once.
   * @throws {TypeError} If `task` can't be sent, something isn't iterable, or
   * an option doesn't exist or has the wrong type.
   * @throws {RangeError} If an option is out of range.
   */
  map<Item, Value>(
    task: YieldingTaskLike<[Item], Value>,
    items: AnyIterable<Item>,
    options?: MapOptions<NoInfer<Item>>,
  ): MapResults<Transferred<Awaited<Value>>>;
  /**
   * Calls a generator with each item, an array of arguments, and iterates over
   * all the values that it yields, in order.
   *
   * @example Usage
   * ```ts
   * import { Pool } from "@distex/pool";
   * import { assertEquals } from "@std/assert";
   *
   * await using pool = new Pool(2);
   * const copies = pool.map(
   *   function* (word: string, times: number) {
   *     for (let time = 0; time < times; time++) yield word;
   *   },
   *   [["a", 1], ["b", 2]],
   *   { spread: true },
   * );
   * assertEquals(await copies.toArray(), ["a", "b", "b"]);
   * ```
   *
   * @typeParam Args The types of the task's arguments.
   * @typeParam Value The type of the values that it yields.
   * @param task The task.
   * @param items The arguments of each call.
   * @param options The options of the map, with `spread: true`.
   * @returns The values, which can be iterated once.
   * @throws {TypeError} If `task` can't be sent, something isn't iterable, or
   * an option doesn't exist or has the wrong type.
   * @throws {RangeError} If an option is out of range.
   */
  map<Args extends unknown[], Value>(
    task: YieldingTaskLike<Args, Value>,
    items: AnyIterable<Readonly<Args>>,
    options: MapOptions<Readonly<NoInfer<Args>>> & { readonly spread: true },
  ): MapResults<Transferred<Awaited<Value>>>;
  /**
   * Calls a generator with one item of each of several iterables, and iterates
   * over all the values that it yields, in order.
   *
   * @example Usage
   * ```ts
   * import { Pool } from "@distex/pool";
   * import { assertEquals } from "@std/assert";
   *
   * await using pool = new Pool(2);
   * const copies = pool.map(function* (word: string, times: number) {
   *   for (let time = 0; time < times; time++) yield word;
   * }, ["a", "b"], [1, 2]);
   * assertEquals(await copies.toArray(), ["a", "b", "b"]);
   * ```
   *
   * @typeParam Args The types of the task's arguments.
   * @typeParam Value The type of the values that it yields.
   * @param task The task.
   * @param inputs An iterable for each of its arguments, then the options of the
   * map.
   * @returns The values, which can be iterated once.
   * @throws {TypeError} If `task` can't be sent, something isn't iterable, or
   * an option doesn't exist or has the wrong type.
   * @throws {RangeError} If an option is out of range.
   */
  map<Args extends unknown[], Value>(
    task: YieldingTaskLike<Args, Value>,
    ...inputs: [...MapIterables<Args>, options?: MapOptions]
  ): MapResults<Transferred<Awaited<Value>>>;
  map(
    task: AnyTask,
    ...inputs: readonly unknown[]
  ): MapResults<unknown> {
    return this.#maps.map(new CallerTrace(this.map), task, inputs);
  }

  /**
   * Runs a task once on every worker at the same time. It waits for queued and
   * running tasks; later tasks wait for it. With the option `host`, the task
   * runs only on the workers of that host. The option `retries` doesn't apply.
   *
   * @example Usage
   * ```ts
   * import { Pool } from "@distex/pool";
   * import { assertEquals } from "@std/assert";
   *
   * await using pool = new Pool(2);
   * const pids = await pool.runOnAll(() => Deno.pid);
   * assertEquals(new Set(pids).size, 2);
   * ```
   *
   * @typeParam Args The types of the task's arguments.
   * @typeParam Result The type of its result, awaited.
   * @param task The task.
   * @param args Its arguments, none of which may be a stream.
   * @returns A promise of the results of all workers: in the order of the
   * hosts, then those of workers that replaced lost ones. It is rejected with
   * the error that the task throws on any worker, or with an error of
   * {@linkcode TaskRunner.run}.
   * @throws {TypeError} If `task` can't be sent.
   */
  runOnAll<Args extends unknown[], Result>(
    task: TaskLike<Args, Result>,
    ...args: Args
  ): Promise<Transferred<Result>[]> {
    const trace = new CallerTrace(this.runOnAll);
    return this.#calls.runOnAll(trace, task, args) as Promise<
      Transferred<Result>[]
    >;
  }

  /**
   * Runs a task on one of the workers, and returns a stream of the values that
   * it yields while it runs.
   *
   * The task is a generator, sync or async, or returns an iterable object such
   * as a `ReadableStream`. It starts at once. It gets at most 8,192 values or
   * 8 MiB ahead of the reader. Then it waits, and the worker may run other tasks
   * meanwhile. The worker may also do so while the task waits for a stream among
   * its arguments.
   *
   * The option `timeout` covers the whole stream, until the task has yielded its
   * last value. {@linkcode Pool.shutdown} waits until the stream was read or
   * cancelled. So does the end of the pool's block, if the stream has a reader.
   *
   * Leaving a loop over the stream early, or cancelling the stream, aborts the
   * task's signal, runs the `finally` blocks of the generator, and waits for
   * them. If the worker is lost before the first value has arrived, the option
   * `retries` applies; after that the stream fails, so no value comes twice.
   *
   * @example Usage
   * ```ts
   * import { Pool } from "@distex/pool";
   * import { assertEquals } from "@std/assert";
   *
   * await using pool = new Pool(1);
   * const squares = pool.stream(function* (n: number) {
   *   for (let x = 1; x <= n; x++) yield x * x;
   * }, 4);
   * assertEquals(await Array.fromAsync(squares), [1, 4, 9, 16]);
   * ```
   *
   * @example Compress a request's body in a worker
   * ```ts ignore
   * import { Pool } from "@distex/pool";
   *
   * const pool = new Pool();
   * const gzip = (body: ReadableStream<Uint8Array<ArrayBuffer>>) =>
   *   body.pipeThrough(new CompressionStream("gzip"));
   *
   * Deno.serve(({ body }) =>
   *   new Response(pool.stream(gzip, body ?? new Blob().stream()))
   * );
   * ```
   *
   * @typeParam Args The types of the task's arguments.
   * @typeParam Item The type of the values that it yields.
   * @param task The task.
   * @param args Its arguments. A `ReadableStream` or another async iterable
   * arrives as a `ReadableStream` and is read as fast as the task reads it.
   * @returns The stream of the values. It fails with what the task throws, or
   * with one of the errors of {@linkcode TaskRunner.run}.
   * @throws {TypeError} If `task` can't be sent, or an argument is a stream that
   * is locked or that is passed twice.
   * @see {@link https://streams.spec.whatwg.org/#rs-model}
   */
  stream<Args extends unknown[], Item>(
    task: StreamTaskLike<Args, Item>,
    ...args: SentArgs<Args>
  ): ReadableStream<Transferred<Awaited<Item>>> {
    const { readable } = this.#calls.stream(
      new CallerTrace(this.stream),
      task,
      args,
    );
    return readable as ReadableStream<Transferred<Awaited<Item>>>;
  }

  /**
   * Returns a transform stream that calls a task with each list of arguments
   * written to it.
   *
   * @example Usage
   * ```ts
   * import { Pool } from "@distex/pool";
   * import { assertEquals } from "@std/assert";
   *
   * await using pool = new Pool(2);
   * const points: [number, number][] = [[3, 4], [5, 12]];
   * const lengths = ReadableStream.from(points).pipeThrough(
   *   pool.transform(
   *     (x: number, y: number) => Math.sqrt(x * x + y * y),
   *     { spread: true },
   *   ),
   * );
   * assertEquals(await Array.fromAsync(lengths), [5, 13]);
   * ```
   *
   * @typeParam Args The types of the task's arguments.
   * @typeParam Result The type of its result, awaited.
   * @param task The task.
   * @param options The options of the transform.
   * @returns The transform stream. Its sides fail with what the task throws, or
   * with one of the errors of {@linkcode TaskRunner.run}.
   * @throws {TypeError} If `task` can't be sent, or an option doesn't exist or
   * has the wrong type.
   * @throws {RangeError} If an option is out of range.
   */
  transform<Args extends unknown[], Result>(
    task: TaskLike<Args, Result>,
    options:
      & TransformOptions<
        Readonly<NoInfer<Args>>,
        Transferred<NoInfer<Result>>
      >
      & { readonly spread: true },
  ): TransformStream<Readonly<Args>, Transferred<Result>>;
  /**
   * Returns a transform stream that calls a task with each value written to it.
   * It makes the pool a stage of a pipeline of streams.
   *
   * It is a map whose items are written and whose results are read. It takes a
   * value only when the workers have room, and gets only a limited number of
   * values ahead of the results that have been read, so a slow reader slows the
   * writer down. It starts at the first read. Don't change a value until its
   * result has arrived.
   *
   * Each side ends the other, as in any transform stream: cancelling the
   * readable side and aborting the writable side make the other side fail with
   * the reason and cancel the tasks, and closing the writable side closes the
   * readable side after the last result. If the task throws, the results before
   * the error can be read, then both sides fail with it.
   *
   * @example Usage
   * ```ts
   * import { Pool } from "@distex/pool";
   * import { assertEquals } from "@std/assert";
   *
   * await using pool = new Pool(2);
   * const lengths = ReadableStream.from(["to", "be?"])
   *   .pipeThrough(pool.transform((word: string) => word.length));
   * assertEquals(await Array.fromAsync(lengths), [2, 3]);
   * ```
   *
   * @typeParam Item The type of the task's argument.
   * @typeParam Result The type of its result, awaited.
   * @param task The task.
   * @param options The options of the transform.
   * @returns The transform stream. Its sides fail with what the task throws, or
   * with one of the errors of {@linkcode TaskRunner.run}.
   * @throws {TypeError} If `task` can't be sent, or an option doesn't exist or
   * has the wrong type.
   * @throws {RangeError} If an option is out of range.
   * @see {@link https://streams.spec.whatwg.org/#ts-model}
   */
  transform<Item, Result>(
    task: TaskLike<[Item], Result>,
    options?: TransformOptions<NoInfer<Item>, Transferred<NoInfer<Result>>>,
  ): TransformStream<Item, Transferred<Result>>;
  /**
   * Returns a transform stream that calls a task with each value written to it,
   * and gives the values that the task yields, one after the other.
   *
   * @example Usage
   * ```ts
   * import { Pool } from "@distex/pool";
   * import { assertEquals } from "@std/assert";
   *
   * await using pool = new Pool(2);
   * const words = ReadableStream.from(["to be", "or not"]).pipeThrough(
   *   pool.transform(function* (text: string) {
   *     yield* text.split(" ");
   *   }),
   * );
   * assertEquals(await Array.fromAsync(words), ["to", "be", "or", "not"]);
   * ```
   *
   * @typeParam Item The type of the task's argument.
   * @typeParam Value The type of the values that it yields.
   * @param task The task, such as a generator.
   * @param options The options of the transform.
   * @returns The transform stream. Its sides fail with what the task throws, or
   * with one of the errors of {@linkcode TaskRunner.run}.
   * @throws {TypeError} If `task` can't be sent, or an option doesn't exist or
   * has the wrong type.
   * @throws {RangeError} If an option is out of range.
   */
  transform<Item, Value>(
    task: YieldingTaskLike<[Item], Value>,
    options?: TransformOptions<NoInfer<Item>, Transferred<NoInfer<Value>>>,
  ): TransformStream<Item, Transferred<Awaited<Value>>>;
  transform(
    task: AnyTask,
    options: TransformOptions<never, never> = {},
  ): TransformStream<never, never> {
    return this.#maps.transform(
      new CallerTrace(this.transform),
      task,
      options,
    );
  }
}

renamedMembers(TaskRunner.prototype, {
  options: "There is no 'options': use with(), as in pool.with({ timeout })",
  run_async: "There is no 'run_async': use run() or submit()",
  map_async: "There is no 'map_async': use map()",
  run_on_all: "There is no 'run_on_all': use runOnAll()",
  run_on_all_async: "There is no 'run_on_all_async': use runOnAll()",
});
