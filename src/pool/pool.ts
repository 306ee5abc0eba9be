import type { Future } from "../calls/future.ts";
import type { HostPlan } from "../hosts/host_plan.ts";
import { Engine } from "./engine.ts";
import type { HostSpec, PoolOptions } from "../options/pool_options.ts";
import { parseAnyHost } from "../options/any_host.ts";
import {
  removalSettings,
  type RemoveHostOptions,
} from "../options/remove_host_options.ts";
import { poolSettings } from "../options/pool_settings.ts";
import { shutdownSettings } from "../options/shutdown_settings.ts";
import type { ShutdownOptions } from "../options/shutdown_options.ts";
import type { PoolStats } from "./stats.ts";
import { TaskRunner } from "./task_runner.ts";
import { renamedMembers } from "../util/renamed_members.ts";
import type { NeededInitializerArgs } from "../options/worker_options.ts";

/**
 * A pool of worker processes that run tasks.
 *
 * The constructor starts the workers, unless the pool is `lazy`. Calls wait
 * until the workers are ready. The pool has the interface of an executor of
 * PEP 3148, with promises and async iteration. A pool that isn't shut down
 * ends with the program.
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
 * @typeParam Args The arguments of the option `initializer`.
 * @see {@link https://peps.python.org/pep-3148/}
 */
export class Pool<Args extends unknown[] = never[]> extends TaskRunner
  implements AsyncDisposable {
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
   * @param options The options of the pool.
   * @throws {TypeError} If an option doesn't exist or has the wrong type, or
   * the initializer can't be sent.
   * @throws {RangeError} If an option is out of range, a host can't be parsed,
   * or the pool would have no workers.
   */
  constructor(options?: PoolOptions<Args> & NeededInitializerArgs<Args>);
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
   * @param workers How many workers run on this machine. May be 0; `undefined`
   * means one per CPU, and `"inline"` the program itself.
   * @param hosts Other machines, one or an array:
   * `[ssh://][username@]hostname[:port][/workers]`.
   * @param options Further options.
   * @throws {TypeError} If an option doesn't exist or has the wrong type, or
   * the initializer can't be sent.
   * @throws {RangeError} If an option is out of range, a host can't be parsed,
   * or the pool would have no workers.
   */
  constructor(
    workers: number | "inline" | undefined,
    hosts?: HostSpec | readonly HostSpec[],
    options?: PoolOptions<Args> & NeededInitializerArgs<Args>,
  );
  constructor(
    first?: number | "inline" | PoolOptions<Args>,
    hosts?: HostSpec | readonly HostSpec[],
    options: PoolOptions<Args> = {},
  ) {
    const settings = poolSettings(
      typeof first === "object" ? first : {
        ...options,
        ...(first === undefined ? {} : { workers: first }),
        ...(hosts === undefined ? {} : { hosts }),
      },
    );
    const engine = new Engine(settings);
    super(engine, {});
    this.#engine = engine;
    if (!settings.lazy) engine.start();
  }

  /**
   * Resolves when all workers have connected and have run the initializer; if
   * their number changes, when the least number of them has. Reading it doesn't
   * start a `lazy` pool; the first task does.
   *
   * It is rejected with a {@linkcode BrokenPoolError} if a worker doesn't start
   * or the initializer fails. All calls are then rejected too. With
   * `onHostError: "continue"`, the pool starts without a host that can't be
   * used. The promise is rejected with a {@linkcode PoolClosedError} if the
   * pool is shut down before it starts.
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
    return this.#engine.ready;
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
   * The number of workers that the pool should have now. If a host has one worker
   * per CPU, its workers count once the host has connected.
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
   * Waits until the pool would accept a call: until a worker can take it at once,
   * or fewer than {@linkcode LimitOptions.maxQueue} calls wait. Those who wait
   * have their turn in order, one for each free place. Calls that must run
   * somewhere, or have a key, may still find the queue full. With `maxQueue: 0`,
   * it starts a `lazy` pool.
   *
   * @example Usage
   * ```ts
   * import { Pool } from "@distex/pool";
   * import { assertEquals } from "@std/assert";
   *
   * await using pool = new Pool({ workers: 1, maxQueue: 10 });
   * const results: Promise<number>[] = [];
   * for (let x = 0; x < 100; x++) {
   *   await pool.hasRoom();
   *   results.push(pool.run((x: number) => x * x, x));
   * }
   * assertEquals((await Promise.all(results)).at(-1), 99 ** 2);
   * ```
   *
   * @returns A promise that resolves when there is room; without `maxQueue`, at
   * once.
   * @throws {PoolClosedError} If the pool was shut down.
   * @throws {BrokenPoolError} If the pool can't run calls any more.
   */
  async hasRoom(): Promise<void> {
    await this.#engine.hasRoom();
  }

  /**
   * Reports what the pool is doing and has done, in total and for each host.
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
   * @returns The current figures.
   */
  stats(): PoolStats {
    return this.#engine.stats();
  }

  /**
   * Explains in a sentence why a task hasn't begun, or where it is: which workers
   * are busy with what, whether its host is lost, which queue it waits in.
   * Without an argument, explains what waits in the whole pool, with a line for
   * each reason. The sentences are for people, and may change.
   *
   * @example Usage
   * ```ts
   * import { Pool } from "@distex/pool";
   * import { assertMatch } from "@std/assert";
   *
   * const endless = () => new Promise<void>(() => {});
   * const square = (x: number) => x * x;
   *
   * await using pool = new Pool(1);
   * const first = pool.submit(endless);
   * const second = pool.submit(square, 3);
   * await pool.ready;
   * const explanation = pool.explain(second);
   * // The task 'square' waits for a worker: the only worker is busy
   * // (local worker 1 has run 'endless' for 0 ms).
   * assertMatch(explanation, /local worker 1 has run 'endless'/);
   * first.cancel();
   * await second;
   * ```
   *
   * @param future The future of a task that was submitted to this pool.
   * @returns The explanation.
   * @throws {TypeError} If the argument isn't a future.
   * @throws {RangeError} If the future is one of another pool.
   */
  explain(future?: Future<unknown>): string {
    return this.#engine.explain(future);
  }

  /**
   * Returns how the pool starts its workers: the commands that it runs and the
   * files that it writes, for as many workers as each host may have. It starts
   * nothing itself; to see the plan before anything runs, use a `lazy` pool.
   *
   * Secrets are left out. Random names differ each time, and what isn't known
   * before the start is a placeholder, such as the port 0 for any free port.
   *
   * @example Usage
   * ```ts
   * import { Pool } from "@distex/pool";
   * import { assertEquals } from "@std/assert";
   *
   * await using pool = new Pool({
   *   workers: 0,
   *   hosts: { launch: ["flux", "submit", "{command}"], workers: 2 },
   *   listen: { hostname: "127.0.0.1" },
   *   lazy: true,
   * });
   * const [flux] = await pool.dryRun();
   * assertEquals(flux!.commands.length, 2);
   * assertEquals(flux!.commands[0]!.args.slice(0, 2), ["flux", "submit"]);
   * ```
   *
   * @returns The plan of each host.
   * @throws {HostError} If a plan needs this machine's name, which the program
   * may not read.
   */
  // deno-lint-ignore require-await
  async dryRun(): Promise<HostPlan[]> {
    return this.#engine.dryRun();
  }

  /**
   * Adds a host to a running pool. Its workers get calls once they have
   * connected and run the initializer.
   *
   * @example Usage
   * ```ts ignore
   * import { Pool } from "@distex/pool";
   *
   * await using pool = new Pool();
   * const host = await pool.addHost("ssh://maxi/8");
   * await pool.with({ host }).run(() => Deno.hostname());
   * await pool.removeHost(host);
   * ```
   *
   * @param spec The host, as in the option `hosts`.
   * @returns The host's name, once its workers are ready; of a batch system,
   * once it has accepted the jobs. The hosts of a `lazy` pool that hasn't
   * started yet start with the pool.
   * @throws {TypeError} If an option of the host doesn't exist or has the wrong
   * type.
   * @throws {RangeError} If the host can't be parsed, an option is out of range,
   * or the pool has a host of that name.
   * @throws {HostError} If the host can't be used. The pool goes on without it.
   * @throws {Error} If the host is removed meanwhile.
   * @throws {PoolClosedError} If the pool was shut down.
   * @throws {BrokenPoolError} If the pool can't run calls any more.
   */
  async addHost(spec: HostSpec): Promise<string> {
    return await this.#engine.addHost(parseAnyHost(spec));
  }

  /**
   * Removes a host from the pool, and ends its workers. They finish the calls
   * that they run; calls that they haven't begun go to other hosts. Calls that
   * must run on this host and haven't begun are rejected with a
   * {@linkcode BrokenPoolError}.
   *
   * With `drain: false`, the workers are killed at once, and the calls that
   * they ran count as lost: they are retried or rejected with a
   * {@linkcode WorkerLostError}. This also ends a removal that waits.
   *
   * @example Usage
   * ```ts ignore
   * import { Pool } from "@distex/pool";
   *
   * await using pool = new Pool(4, "ssh://maxi/8");
   * await pool.removeHost("maxi");
   * ```
   *
   * @param name The name of the host; `"local"` is this machine.
   * @param options Whether its workers finish the calls that they run.
   * @returns A promise that resolves when the host's workers have ended.
   * @throws {TypeError} If an option doesn't exist or has the wrong type.
   * @throws {RangeError} If there is no such host, or it is the only one.
   */
  async removeHost(
    name: string,
    options: RemoveHostOptions = {},
  ): Promise<void> {
    await this.#engine.removeHost(name, removalSettings(options).drain);
  }

  /**
   * Shuts the pool down: refuses new calls, waits for pending ones, and ends
   * the workers. With `cancelFutures`, queued calls are rejected at once with a
   * `DOMException` named `"AbortError"`, and running ones after `cancelGrace`,
   * when their workers are killed. A map that is being read yields the results
   * of the items that it has submitted, then throws a
   * {@linkcode PoolClosedError}. A stream is pending until it was read or
   * cancelled.
   *
   * With `wait: false`, pending calls keep the program alive only if it awaits
   * them.
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
   * @param options Whether to wait, and whether to cancel pending calls.
   * @returns A promise that resolves when the workers have ended; with
   * `wait: false`, at once.
   * @throws {TypeError} If an option doesn't exist or isn't a boolean.
   * @throws {Error} If something can't be ended or removed, such as the folder
   * of the pool's socket. With `wait: false` this isn't reported.
   * @see {@link https://peps.python.org/pep-3148/#executor}
   */
  async shutdown(options: ShutdownOptions = {}): Promise<void> {
    await this.#engine.shutdown(shutdownSettings(options));
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
   * @returns A promise that resolves when the workers have ended.
   * @throws {Error} If something can't be ended or removed, such as the folder
   * of the pool's socket.
   */
  async terminate(): Promise<void> {
    await this.#engine.terminate();
  }

  /**
   * Shuts the pool down at the end of an `await using` block.
   *
   * It waits for the calls that the program awaits, as
   * {@linkcode Pool.shutdown} does. It cancels pending calls that nobody awaits
   * after `cancelGrace`, with a warning: a block that ends with an error
   * shouldn't wait for them, and this method can't tell why the block ended.
   */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#engine.dispose();
  }
}

renamedMembers(Pool, {
  TimeoutError:
    "There is no 'TimeoutError': check that error.name is \"TimeoutError\"",
});

renamedMembers(Pool.prototype, {
  create: "There is no 'create': a pool starts by itself; await ready",
  is_ready: "There is no 'is_ready': use isReady",
  poolmap:
    "There is no 'poolmap': use map(), transform(), or poolMap() of @distex/pool/rx",
  total_workers: "There is no 'total_workers': use totalWorkers",
  ready_async: "There is no 'ready_async': await the property ready",
  shutdown_async: "There is no 'shutdown_async': use shutdown()",
});
