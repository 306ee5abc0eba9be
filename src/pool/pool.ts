import { Engine } from "./engine.ts";
import type {
  HostSpec,
  PoolOptions,
  ShutdownOptions,
} from "../options/options.ts";
import { TaskRunner } from "./task_runner.ts";
import { poolSettings } from "../options/settings.ts";
import type { PoolStats } from "./stats.ts";

/**
 * A pool of worker processes that run tasks.
 *
 * Construction starts the workers (unless `lazy`), and every call waits
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
export class Pool extends TaskRunner implements AsyncDisposable {
  readonly #engine: Engine;

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
   * @example Usage
   * ```ts ignore
   * import { Pool } from "@distex/pool";
   *
   * await using pool = new Pool(4, ["ssh://maxi/8", "mini/2"], {
   *   token: Deno.env.get("POOL_TOKEN")!,
   * });
   * ```
   *
   * @param workers How many workers run on this machine; 0 means none if there
   * are hosts, else one for each CPU.
   * @param hosts Other machines, one or many:
   * `[ssh://][username@]hostname[:port][/workers]`.
   * @param options Further options.
   * @throws {TypeError} If there is no such option.
   * @throws {RangeError} If an option has a value that it can't have, or a
   * host can't be read.
   */
  constructor(
    workers: number,
    hosts?: HostSpec | readonly HostSpec[],
    options?: PoolOptions,
  );
  constructor(
    first: number | PoolOptions = {},
    hosts?: HostSpec | readonly HostSpec[],
    options: PoolOptions = {},
  ) {
    const settings = poolSettings(
      typeof first === "object" ? first : {
        ...options,
        workers: first,
        ...(hosts === undefined ? {} : { hosts }),
      },
    );
    const engine = new Engine(settings);
    super(engine, {});
    this.#engine = engine;
    if (!settings.lazy) engine.start();
  }

  /**
   * Resolved when all workers have connected and run the initializer. Of a
   * pool with `lazy` this starts the workers.
   *
   * It is rejected with a {@linkcode BrokenPoolError} if one of them doesn't
   * start or the initializer fails; so are all calls then. (With
   * `onHostError: "continue"`, a host that can't be used is left out.)
   *
   * @example Usage
   * ```ts
   * import { Pool } from "@distex/pool";
   * import { assertEquals } from "@std/assert";
   *
   * await using pool = new Pool(2);
   * await pool.ready;
   * assertEquals(pool.stats().workers, 2);
   * ```
   */
  get ready(): Promise<void> {
    return this.#engine.start();
  }

  /**
   * Whether all workers have connected and the pool isn't shut down.
   *
   * @example Usage
   * ```ts
   * import { Pool } from "@distex/pool";
   * import { assert, assertFalse } from "@std/assert";
   *
   * await using pool = new Pool(1);
   * assertFalse(pool.isReady);
   * await pool.ready;
   * assert(pool.isReady);
   * ```
   */
  get isReady(): boolean {
    return this.#engine.isReady;
  }

  /**
   * How many workers the pool is made of. Those of a host that has one for
   * each CPU are counted when it is there.
   *
   * @example Usage
   * ```ts
   * import { Pool } from "@distex/pool";
   * import { assertEquals } from "@std/assert";
   *
   * await using pool = new Pool({ workers: 3, lazy: true });
   * assertEquals(pool.totalWorkers, 3);
   * ```
   */
  get totalWorkers(): number {
    return this.#engine.totalWorkers;
  }

  /**
   * Tells what the pool is doing and has done, in all and by host.
   *
   * @example Usage
   * ```ts
   * import { Pool } from "@distex/pool";
   * import { assertEquals } from "@std/assert";
   *
   * await using pool = new Pool(2);
   * await pool.map((x: number) => x * x, [1, 2, 3]).toArray();
   * const [local] = pool.stats().hosts;
   * assertEquals([local?.name, local?.done], ["local", 3]);
   * ```
   *
   * @returns The figures of this moment.
   */
  stats(): PoolStats {
    return this.#engine.stats();
  }

  /**
   * Ends the pool. From now on nothing can be submitted. Pending calls are done
   * first, unless they are cancelled: with `cancelFutures`, queued calls are
   * rejected at once with a `DOMException` named `"AbortError"`, and running
   * ones after `cancelGrace`, when their workers are killed. A map that is being
   * read gives the results of the calls it has submitted, then throws a
   * {@linkcode PoolClosedError}.
   *
   * With `wait: false`, the program stays alive for pending calls only while
   * somebody awaits them.
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
   * @throws {Error} If something can't be ended or removed, such as the folder
   * of the pool's socket; with `wait: false` that isn't told.
   * @see {@link https://peps.python.org/pep-3148/#executor}
   */
  async shutdown(options: ShutdownOptions = {}): Promise<void> {
    await this.#engine.shutdown(options);
  }

  /**
   * Ends the pool at once: kills its workers, whatever they are doing, and
   * rejects all pending calls with a `DOMException` named `"AbortError"`.
   *
   * @example Usage
   * ```ts
   * import { Pool } from "@distex/pool";
   * import { assertRejects } from "@std/assert";
   *
   * const pool = new Pool(1);
   * const endless = pool.run(() => {
   *   while (true);
   * });
   * const rejected = assertRejects(() => endless, DOMException, "terminated");
   * await pool.terminate();
   * await rejected;
   * ```
   *
   * @returns A promise resolved when the workers have ended.
   * @throws {Error} If something can't be ended or removed, such as the folder
   * of the pool's socket.
   */
  async terminate(): Promise<void> {
    await this.#engine.terminate();
  }

  /**
   * Shuts the pool down at the end of an `await using` block.
   *
   * It waits for the calls that somebody awaits, as {@linkcode Pool.shutdown}
   * does. Pending calls that nobody awaits are cancelled after `cancelGrace`,
   * with a warning: a block that is left by an error shouldn't wait for them,
   * and a disposal can't tell why the block is left.
   */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#engine.dispose();
  }
}
