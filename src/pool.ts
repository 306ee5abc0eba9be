import { CallerTrace, CallerTracer } from "./caller_trace.ts";
import { ChunkSize } from "./chunk_size.ts";
import { BrokenPoolError, PoolClosedError } from "./errors.ts";
import { Future } from "./future.ts";
import { type ConnectedWorker, Supervisor } from "./hosts/supervisor.ts";
import { type AnyIterable, Items } from "./items.ts";
import { KeepAlive } from "./keep_alive.ts";
import { type MapResults, MapRun } from "./map.ts";
import { type MapInputs, parseInputs } from "./map_inputs.ts";
import {
  type MapOptions,
  mapSettings,
  type PoolOptions,
  type PoolSettings,
  poolSettings,
  type ShutdownOptions,
} from "./options.ts";
import { PromisedCall } from "./promised_call.ts";
import { QueueWindow } from "./queue_window.ts";
import { Scheduler } from "./scheduler.ts";
import type { TaskLike } from "./task.ts";
import { type RegisteredTask, TaskRegistry } from "./task_registry.ts";
import { WorkerLink } from "./worker_link.ts";

/**
 * A pool of worker processes that run tasks.
 *
 * Construction starts the workers (unless `lazyCreate`), and every call waits
 * by itself until they are ready. The pool has the interface of an executor
 * of PEP 3148, in the way of promises and async iteration. A pool that is not
 * shut down ends with the program.
 *
 * @example Usage
 * ```ts
 * import { Pool } from "@distex/pool";
 * import { assertEquals } from "@std/assert";
 *
 * await using pool = new Pool(2);
 * const squares: number[] = [];
 * for await (const y of pool.map((x: number) => x * x, [1, 2, 3])) {
 *   squares.push(y);
 * }
 * assertEquals(squares, [1, 4, 9]);
 * ```
 *
 * @see {@link https://peps.python.org/pep-3148/}
 */
export class Pool implements AsyncDisposable {
  readonly #settings: PoolSettings;
  readonly #keepAlive = new KeepAlive();
  readonly #supervisor: Supervisor;
  readonly #scheduler: Scheduler;
  readonly #tasks: TaskRegistry;
  readonly #tracer = new CallerTracer();
  #starting: Promise<void> | undefined;
  #stopping: Promise<void> | undefined;
  #isReady = false;

  /**
   * Makes a pool.
   *
   * @example Usage
   * ```ts
   * import { Pool } from "@distex/pool";
   * import { assertEquals } from "@std/assert";
   *
   * await using pool = new Pool({ workers: 2, concurrency: 8 });
   * assertEquals(pool.totalWorkers, 2);
   * ```
   *
   * @param options How the pool is made.
   * @throws {TypeError} If there is no such option.
   * @throws {RangeError} If an option has a value that it can't have.
   */
  constructor(options?: PoolOptions);
  /**
   * Makes a pool.
   *
   * @param workers How many workers run on this machine; 0 means one for each
   * CPU.
   * @param hosts Other machines: none in this version.
   * @param options Further options.
   * @throws {TypeError} If there is no such option.
   * @throws {RangeError} If an option has a value that it can't have.
   */
  constructor(
    workers: number,
    hosts?: readonly never[],
    options?: PoolOptions,
  );
  constructor(
    first: number | PoolOptions = {},
    hosts: readonly never[] = [],
    options: PoolOptions = {},
  ) {
    if (hosts.length > 0) {
      throw new RangeError(
        "'hosts' must be empty: this version has workers on this machine only",
      );
    }
    this.#settings = poolSettings(
      typeof first === "object" ? first : { ...options, workers: first },
    );
    this.#supervisor = new Supervisor(this.#settings);
    this.#scheduler = new Scheduler(this.#keepAlive, (lost) => {
      // What goes wrong when the rest is ended, shutdown() throws too.
      this.#break("No worker is left", lost).catch(() => {});
    });
    this.#tasks = new TaskRegistry((task) => this.#scheduler.forget(task));
    if (this.#settings.initializer !== undefined) {
      this.#tasks.register(this.#settings.initializer);
    }
    if (!this.#settings.lazyCreate) this.#start();
  }

  /**
   * Resolved when all workers have connected and run the initializer. Of a
   * pool with `lazyCreate` this starts the workers.
   *
   * It is rejected with a {@linkcode BrokenPoolError} if one of them doesn't
   * start or the initializer fails; so are all calls then.
   */
  get ready(): Promise<void> {
    return this.#start();
  }

  /** Whether all workers have connected and the pool isn't shut down. */
  get isReady(): boolean {
    return this.#isReady && this.#stopping === undefined;
  }

  /** How many workers the pool is made of. */
  get totalWorkers(): number {
    return this.#settings.workers;
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
   * it throws.
   * @throws {TypeError} If `task` can't be sent.
   */
  run<Args extends unknown[], Result>(
    task: TaskLike<Args, Result>,
    ...args: Args
  ): Promise<Result> {
    return this.#call<Result>(task, args, this.run).promise;
  }

  /**
   * Runs a task on one of the workers, as {@linkcode Pool.run} does, and
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
   * @returns The future of what the task returns.
   * @throws {TypeError} If `task` can't be sent.
   */
  submit<Args extends unknown[], Result>(
    task: TaskLike<Args, Result>,
    ...args: Args
  ): Future<Result> {
    const call = this.#call<Result>(task, args, this.submit);
    return new Future(call, () => this.#scheduler.cancel(call));
  }

  /**
   * Calls a task with each of the items, and iterates over the results.
   *
   * Of several iterables, sync or async, the task gets one value each as its
   * arguments, until the shortest ends. They can be unbounded: no more is
   * taken from them than the workers have room for, and not much more than
   * what was read of the results. If the task or an iterable throws, the
   * results before it can be read, then the iteration throws it, and tasks
   * that haven't begun are dropped.
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
   *   { star: true },
   * );
   * assertEquals(await lengths.toArray(), [5, 13]);
   * ```
   *
   * @typeParam Args The task's arguments.
   * @typeParam Result What it returns, awaited.
   * @param task The task.
   * @param items Lists of arguments.
   * @param options How the map is done.
   * @returns The results, to be iterated once. A time-out is thrown as a
   * `DOMException` named `"TimeoutError"`.
   * @throws {TypeError} If `task` can't be sent, or something isn't iterable.
   * @throws {RangeError} If an option has a value that it can't have.
   */
  map<Args extends unknown[], Result>(
    task: TaskLike<Args, Result>,
    items: AnyIterable<Readonly<Args>>,
    options: MapOptions & { readonly star: true },
  ): MapResults<Result>;
  /**
   * Calls a task with each of the items, and iterates over the results.
   *
   * @typeParam Item The task's argument.
   * @typeParam Result What it returns, awaited.
   * @param task The task.
   * @param items Its arguments.
   * @param options How the map is done.
   * @returns The results, to be iterated once. A time-out is thrown as a
   * `DOMException` named `"TimeoutError"`.
   * @throws {TypeError} If `task` can't be sent, or something isn't iterable.
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
   * @typeParam First The task's first argument.
   * @typeParam Second The task's second argument.
   * @typeParam Result What it returns, awaited.
   * @param task The task.
   * @param first Its first arguments.
   * @param second Its second arguments.
   * @param options How the map is done.
   * @returns The results, to be iterated once. A time-out is thrown as a
   * `DOMException` named `"TimeoutError"`.
   * @throws {TypeError} If `task` can't be sent, or something isn't iterable.
   * @throws {RangeError} If an option has a value that it can't have.
   */
  map<First, Second, Result>(
    task: TaskLike<[First, Second], Result>,
    first: AnyIterable<First>,
    second: AnyIterable<Second>,
    options?: MapOptions,
  ): MapResults<Result>;
  /**
   * Calls a task with each of the items, and iterates over the results.
   *
   * @typeParam Args The task's arguments.
   * @typeParam Result What it returns, awaited.
   * @param task The task.
   * @param inputs An iterable for each argument, then the options.
   * @returns The results, to be iterated once. A time-out is thrown as a
   * `DOMException` named `"TimeoutError"`.
   * @throws {TypeError} If `task` can't be sent, or something isn't iterable.
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
    const { chunksize, ordered, star, timeout } = mapSettings(options);
    if (star && iterables.length > 1) {
      throw new TypeError(
        `With 'star' there must be one iterable, of arrays of arguments, and there are ${iterables.length}`,
      );
    }
    const plan = {
      task: this.#tasks.register(task),
      items: new Items(iterables),
      spread: star || iterables.length > 1,
      chunkSize: new ChunkSize(chunksize),
      ordered,
      timeout,
      trace: new CallerTrace(this.map),
    };
    this.#start();
    return new MapRun(plan, this.#scheduler);
  }

  /**
   * Runs a task once on every worker at the same time, when the tasks that
   * are under way or queued are done; tasks that come later wait.
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
   * @returns A promise of what it returns on each worker, which is rejected
   * with what it throws on one.
   * @throws {TypeError} If `task` can't be sent.
   */
  runOnAll<Args extends unknown[], Result>(
    task: TaskLike<Args, Result>,
    ...args: Args
  ): Promise<Result[]> {
    const registered = this.#tasks.register(task);
    const trace = new CallerTrace(this.runOnAll);
    this.#start();
    return this.#scheduler.submitToAll(
      () => new PromisedCall<unknown>(registered, args, trace),
    ) as Promise<Result[]>;
  }

  /**
   * Ends the pool. Nothing can be submitted from now on; what was, is done
   * first, unless it is cancelled. A map that is being read gives the results
   * of what it has submitted, then throws a {@linkcode PoolClosedError}.
   *
   * @example Usage
   * ```ts
   * import { Pool } from "@distex/pool";
   * import { assertEquals, assertRejects } from "@std/assert";
   *
   * const pool = new Pool(1);
   * const last = pool.run(() => "done");
   * await pool.shutdown();
   * assertEquals(await last, "done");
   * await assertRejects(() => pool.run(() => 1), Error, "shut down");
   * ```
   *
   * @param options Whether to wait, and whether to cancel.
   * @returns A promise resolved when the workers have ended.
   * @see {@link https://peps.python.org/pep-3148/#executor}
   */
  async shutdown(options: ShutdownOptions = {}): Promise<void> {
    const { wait = true, cancelFutures = false } = options;
    this.#scheduler.close(() => new PoolClosedError());
    if (cancelFutures) {
      this.#scheduler.cancelQueued(
        () => new DOMException("The pool was shut down", "AbortError"),
      );
    }
    this.#stopping ??= this.#stop();
    if (wait) await this.#stopping;
  }

  /** Shuts the pool down and waits for it: see {@linkcode Pool.shutdown}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.shutdown();
  }

  #call<Result>(
    task: TaskLike<never[], unknown>,
    args: unknown[],
    below: (...args: never[]) => unknown,
  ): PromisedCall<Result> {
    const registered = this.#tasks.register(task);
    const trace = this.#tracer.trace(below);
    const call = new PromisedCall<Result>(registered, args, trace);
    this.#start();
    this.#scheduler.submit(call);
    return call;
  }

  /** Starts the workers, the first time this is called. */
  #start(): Promise<void> {
    if (this.#starting === undefined) {
      this.#starting = this.#stopping === undefined
        ? this.#startWorkers()
        : Promise.reject(new PoolClosedError());
      // Whoever asks for it is told; a program that doesn't may go on.
      this.#starting.catch(() => {});
    }
    return this.#starting;
  }

  async #startWorkers(): Promise<void> {
    this.#keepAlive.hold();
    try {
      const workers = await this.#supervisor.start();
      const links = workers.map((worker) => this.#link(worker));
      const outcomes = await Promise.allSettled(
        links.map((link) => this.#scheduler.connect(link, this.#initializer())),
      );
      const failed = outcomes.find(({ status }) => status === "rejected");
      if (failed !== undefined) {
        throw (failed as PromiseRejectedResult).reason;
      }
      this.#scheduler.add(links);
      this.#isReady = true;
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      const message = `The pool could not start: ${why}`;
      await this.#break(message, cause);
      throw new BrokenPoolError(message, { cause });
    } finally {
      this.#keepAlive.release();
    }
  }

  #link({ name, channel }: ConnectedWorker): WorkerLink {
    const { qsize, concurrency } = this.#settings;
    return new WorkerLink(name, channel, new QueueWindow(qsize, concurrency));
  }

  #initializer(): PromisedCall<unknown> | undefined {
    const { initializer, initargs } = this.#settings;
    if (initializer === undefined) return undefined;
    const task: RegisteredTask = this.#tasks.register(initializer);
    return new PromisedCall(task, initargs, new CallerTrace(this.#initializer));
  }

  async #break(message: string, cause: unknown): Promise<void> {
    this.#isReady = false;
    const reason = () => new BrokenPoolError(message, { cause });
    this.#scheduler.close(reason);
    this.#scheduler.cancelQueued(reason);
    await this.#supervisor.stop();
  }

  async #stop(): Promise<void> {
    this.#keepAlive.hold();
    await this.#starting?.catch(() => {});
    await this.#scheduler.idle();
    this.#scheduler.disconnect();
    await this.#supervisor.stop();
    this.#keepAlive.close();
  }
}
