import type { CallTerms } from "../calls/call.ts";
import { CallerTrace } from "../calls/caller_trace.ts";
import { ChunkSize } from "../map/chunk_size.ts";
import type { Engine } from "./engine.ts";
import { type Future, makeFuture } from "../calls/future.ts";
import { type AnyIterable, Items } from "../map/items.ts";
import { watchLimits } from "../calls/watch_limits.ts";
import type { MapResults } from "../map/map_results.ts";
import { prepareMap } from "../map/map_run.ts";
import { type MapInputs, parseInputs } from "../map/map_inputs.ts";
import type { CallOptions } from "../options/call_options.ts";
import type { MapOptions } from "../options/map_options.ts";
import { PromisedCall } from "../calls/promised_call.ts";
import { renamedMembers } from "../util/renamed_members.ts";
import { callSettings, mapSettings } from "../options/settings.ts";
import type { TaskLike } from "../tasks/task.ts";

/** The most pending calls of which a pool notes whether they are awaited. */
const MAX_OBSERVED = 64;

/**
 * What runs tasks: a {@linkcode Pool}, or the same pool with options for the
 * calls, from {@linkcode TaskRunner.options}.
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
  readonly #options: CallOptions;
  readonly #terms: CallTerms;

  /** Constructs a runner; a program gets one from a pool. */
  protected constructor(engine: Engine, options: CallOptions) {
    this.#engine = engine;
    this.#options = options;
    const { host, retries = engine.retries } = options;
    this.#terms = { host, retries };
  }

  /**
   * The same pool with options for the calls that are made with what this
   * returns.
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
   * @param options The options, besides those that this has already.
   * @returns Something to call tasks with.
   * @throws {TypeError} If there is no such option.
   * @throws {RangeError} If an option has a value that it can't have.
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
   * assertEquals(await pool.run((a: number, b: number) => a + b, 1, 2), 3);
   * ```
   *
   * @typeParam Args The task's arguments.
   * @typeParam Result What it returns, awaited.
   * @param task The task.
   * @param args Its arguments; leave them as they are until the task is done,
   * for they are read when they are sent, and big binary values in their place.
   * @returns A promise of what the task returns, which is rejected with what
   * it throws, or with one of these: a {@linkcode WorkerLostError}, a
   * {@linkcode BrokenPoolError}, a {@linkcode PoolClosedError}, the signal's
   * reason, or a `DOMException` named `"TimeoutError"`, `"AbortError"` if the
   * pool is shut down with `cancelFutures`, or `"DataCloneError"` if its
   * arguments or its result can't be sent.
   * @throws {TypeError} If `task` can't be sent.
   */
  run<Args extends unknown[], Result>(
    task: TaskLike<Args, Result>,
    ...args: Args
  ): Promise<Result> {
    return this.#call<Result>(task, args, this.run).promise;
  }

  /**
   * Runs a task on one of the workers, as {@linkcode TaskRunner.run} does, and
   * returns a {@linkcode Future} that can be asked and cancelled.
   *
   * @example Usage
   * ```ts
   * import { Pool } from "@distex/pool";
   * import { assertEquals } from "@std/assert";
   *
   * await using pool = new Pool(1);
   * const future = pool.submit((x: number) => x * 2, 21);
   * assertEquals(await future, 42);
   * ```
   *
   * @typeParam Args The task's arguments.
   * @typeParam Result What it returns, awaited.
   * @param task The task.
   * @param args Its arguments; leave them as they are until the task is done.
   * @returns The future of what the task returns, which is rejected as the
   * promise of {@linkcode TaskRunner.run} is, and with a `DOMException` named
   * `"AbortError"` if it is cancelled.
   * @throws {TypeError} If `task` can't be sent.
   */
  submit<Args extends unknown[], Result>(
    task: TaskLike<Args, Result>,
    ...args: Args
  ): Future<Result> {
    const call = this.#call<Result>(task, args, this.submit);
    return makeFuture(call);
  }

  /**
   * Calls a task with each of the items, and iterates over the results.
   *
   * Of several iterables, sync or async, the task gets one value each as its
   * arguments, until the shortest ends. They can be unbounded: no more is
   * taken from them than the workers have room for, and not much more than
   * what was read of the results.
   *
   * A map is lazy: it begins when its first result is asked for. It ends at
   * the first error. If the task or an iterable throws, the results before it
   * can be read, then the iteration throws it, and tasks that haven't begun
   * are dropped.
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
   * @example Lists of arguments
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
   * @typeParam Args The task's arguments.
   * @typeParam Result What it returns, awaited.
   * @param task The task.
   * @param items Lists of arguments.
   * @param options How the map is done.
   * @returns The results, to be iterated once. Reading them throws what the
   * task throws, or one of the errors of {@linkcode TaskRunner.run}.
   * @throws {TypeError} If `task` can't be sent, something isn't iterable,
   * there is no such option, or `spread` has several iterables.
   * @throws {RangeError} If an option has a value that it can't have.
   */
  map<Args extends unknown[], Result>(
    task: TaskLike<Args, Result>,
    items: AnyIterable<Readonly<Args>>,
    options: MapOptions & { readonly spread: true },
  ): MapResults<Result>;
  /**
   * Calls a task with each of the items, and iterates over the results.
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
   * @typeParam Item The task's argument.
   * @typeParam Result What it returns, awaited.
   * @param task The task.
   * @param items Its arguments.
   * @param options How the map is done.
   * @returns The results, to be iterated once. Reading them throws what the
   * task throws, or one of the errors of {@linkcode TaskRunner.run}.
   * @throws {TypeError} If `task` can't be sent, something isn't iterable, or
   * there is no such option.
   * @throws {RangeError} If an option has a value that it can't have.
   */
  map<Item, Result>(
    task: TaskLike<[Item], Result>,
    items: AnyIterable<Item>,
    options?: MapOptions,
  ): MapResults<Result>;
  /**
   * Calls a task with the items of two iterables in step, and iterates over
   * the results.
   *
   * @example Usage
   * ```ts
   * import { Pool } from "@distex/pool";
   * import { assertEquals } from "@std/assert";
   *
   * await using pool = new Pool(2);
   * const sum = (a: number, b: number) => a + b;
   * assertEquals(await pool.map(sum, [1, 2], [10, 20]).toArray(), [11, 22]);
   * ```
   *
   * @typeParam First The task's first argument.
   * @typeParam Second The task's second argument.
   * @typeParam Result What it returns, awaited.
   * @param task The task.
   * @param first Its first arguments.
   * @param second Its second arguments.
   * @param options How the map is done.
   * @returns The results, to be iterated once. Reading them throws what the
   * task throws, or one of the errors of {@linkcode TaskRunner.run}.
   * @throws {TypeError} If `task` can't be sent, something isn't iterable, or
   * there is no such option.
   * @throws {RangeError} If an option has a value that it can't have.
   */
  map<First, Second, Result>(
    task: TaskLike<[First, Second], Result>,
    first: AnyIterable<First>,
    second: AnyIterable<Second>,
    options?: MapOptions,
  ): MapResults<Result>;
  /**
   * Calls a task with the items of several iterables in step, and iterates
   * over the results.
   *
   * @example Usage
   * ```ts
   * import { Pool } from "@distex/pool";
   * import { assertEquals } from "@std/assert";
   *
   * await using pool = new Pool(2);
   * const sum = (a: number, b: number, c: number) => a + b + c;
   * const sums = pool.map(sum, [1, 2], [3, 4], [5, 6], { ordered: true });
   * assertEquals(await sums.toArray(), [9, 12]);
   * ```
   *
   * @typeParam Args The task's arguments.
   * @typeParam Result What it returns, awaited.
   * @param task The task.
   * @param inputs An iterable for each argument, then the options.
   * @returns The results, to be iterated once. Reading them throws what the
   * task throws, or one of the errors of {@linkcode TaskRunner.run}.
   * @throws {TypeError} If `task` can't be sent, something isn't iterable, or
   * there is no such option.
   * @throws {RangeError} If an option has a value that it can't have.
   */
  map<Args extends unknown[], Result>(
    task: TaskLike<Args, Result>,
    ...inputs: MapInputs<Args>
  ): MapResults<Result>;
  map(
    task: TaskLike<never[], unknown>,
    ...inputs: readonly unknown[]
  ): MapResults<unknown> {
    const { iterables, options } = parseInputs(inputs);
    const { signal: callSignal, timeout: callTimeout } = this.#options;
    const { chunkSize, ordered, spread, timeout = callTimeout, signal } =
      mapSettings(options);
    if (spread && iterables.length > 1) {
      throw new TypeError(
        `With 'spread' there must be one iterable, of arrays of arguments, and there are ${iterables.length}`,
      );
    }
    const plan = {
      task: this.#engine.tasks.register(task),
      items: new Items(iterables),
      spread: spread || iterables.length > 1,
      chunkSize: new ChunkSize(chunkSize),
      ordered,
      timeout,
      signal: anySignal(signal, callSignal),
      trace: new CallerTrace(this.map),
      terms: { ...this.#terms, group: {} },
    };
    this.#engine.start();
    const { scheduler, unreadMaps } = this.#engine;
    return prepareMap(plan, scheduler, unreadMaps);
  }

  /**
   * Runs a task once on every worker at the same time, when the tasks that
   * are under way or queued are done; tasks that come later wait. With the
   * option `host` these are the workers of that host. The option `retries`
   * isn't heeded, as each call is for the worker that it is sent to.
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
   * @typeParam Args The task's arguments.
   * @typeParam Result What it returns, awaited.
   * @param task The task.
   * @param args Its arguments.
   * @returns A promise of what it returns on each worker: in the order of the
   * hosts, then from those that have taken the place of lost ones. It is
   * rejected with what the task throws on one, or as the promise of
   * {@linkcode TaskRunner.run} is.
   * @throws {TypeError} If `task` can't be sent.
   */
  runOnAll<Args extends unknown[], Result>(
    task: TaskLike<Args, Result>,
    ...args: Args
  ): Promise<Result[]> {
    const registered = this.#engine.tasks.register(task);
    const trace = new CallerTrace(this.runOnAll);
    const { host, signal } = this.#options;
    if (signal?.aborted) return Promise.reject(signal.reason);
    const { scheduler } = this.#engine;
    const terms = { host, retries: 0, group: {}, pinned: true };
    const calls: PromisedCall<unknown>[] = [];
    const makeCall = () => {
      const call = new PromisedCall<unknown>(registered, args, trace, terms);
      calls.push(call);
      return call;
    };
    this.#engine.start();
    const results = scheduler.submitToAll(makeCall, host) as Promise<Result[]>;
    if (!this.#isLimited) return results;
    const { promise, resolve, reject } = Promise.withResolvers<Result[]>();
    const end = (reason: unknown) => {
      reject(reason);
      scheduler.withdraw(makeCall);
      for (const call of calls) call.abort(reason);
    };
    const unwatch = watchLimits(this.#options, end, trace);
    results.then(resolve, reject)
      .then(() => Promise.allSettled(calls.map(({ promise }) => promise)))
      .then(unwatch);
    return promise;
  }

  get #isLimited(): boolean {
    const { timeout, signal } = this.#options;
    return timeout !== undefined || signal !== undefined;
  }

  #call<Result>(
    task: TaskLike<never[], unknown>,
    args: unknown[],
    below: (...args: never[]) => unknown,
  ): PromisedCall<Result> {
    const registered = this.#engine.tasks.register(task);
    const trace = this.#engine.tracer.trace(below);
    const { signal } = this.#options;
    // Ending a call that takes too long must not cost others in its message.
    const terms = this.#isLimited ? { ...this.#terms, group: {} } : this.#terms;
    const isObserved = this.#engine.scheduler.pending < MAX_OBSERVED;
    const call = new PromisedCall<Result>(
      registered,
      args,
      trace,
      terms,
      isObserved,
    );
    if (signal?.aborted) {
      call.abort(signal.reason);
      return call;
    }
    this.#engine.start();
    if (this.#isLimited) {
      const end = (reason: unknown) => this.#end(call, reason);
      call.whenSettled(watchLimits(this.#options, end));
    }
    this.#engine.scheduler.submit(call);
    return call;
  }

  #end(call: PromisedCall<unknown>, reason: unknown): void {
    // A reason that the user gives is thrown as it is.
    if (reason === this.#options.signal?.reason) call.abort(reason);
    else call.cancel(reason);
  }
}

renamedMembers(TaskRunner.prototype, {
  options: "There is no 'options': use with(), as in pool.with({ timeout })",
  run_async: "There is no 'run_async': use run() or submit()",
  map_async: "There is no 'map_async': use map()",
  run_on_all: "There is no 'run_on_all': use runOnAll()",
  run_on_all_async: "There is no 'run_on_all_async': use runOnAll()",
});

function anySignal(
  ...signals: (AbortSignal | undefined)[]
): AbortSignal | undefined {
  const given = signals.filter((signal) => signal !== undefined);
  return given.length > 1 ? AbortSignal.any(given) : given[0];
}
