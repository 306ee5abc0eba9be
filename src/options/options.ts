import type { HostOptions } from "./host_options.ts";
import type { WorkerPermissions } from "./worker_permissions.ts";
import type { TaskLike } from "../tasks/task.ts";

/** Another machine where workers run. */
export type HostSpec = string | HostOptions;

/**
 * How a pool is made; what is left out has a sensible default.
 *
 * @example Usage
 * ```ts
 * import { Pool, type PoolOptions } from "@distex/pool";
 * import { assertEquals } from "@std/assert";
 *
 * const options: PoolOptions = { workers: 1, env: { GREETING: "hello" } };
 * await using pool = new Pool(options);
 * assertEquals(await pool.run(() => Deno.env.get("GREETING")), "hello");
 * ```
 */
export interface PoolOptions {
  /**
   * How many workers run on this machine. Left out or 0: one for each CPU, or
   * none if there are other hosts.
   */
  readonly workers?: number;
  /**
   * Other machines where workers run, one or many:
   * `[ssh://][username@]hostname[:port][/workers]`, or an object that says
   * more. With `ssh://` they are reached by ssh; else by a spawner server that
   * runs there. Without a number of workers, or with 0, there is one for each
   * CPU of that machine.
   */
  readonly hosts?: HostSpec | readonly HostSpec[];
  /**
   * What happens if a host can't be used: the pool fails to start, which is
   * the default, or it goes on with the others, and says so on stderr and in
   * {@linkcode Pool.stats}.
   */
  readonly onHostError?: "fail" | "continue";
  /**
   * The token of the spawner servers, where a host has none of its own. White
   * space around it doesn't count.
   */
  readonly token?: string;
  /**
   * Which task modules are bundled and sent to workers on other machines:
   * with `"auto"`, the default, those of `file:` URLs, which only this machine
   * can read; with `"bundle"` those of `https:`, `http:`, `jsr:` and `npm:`
   * too.
   */
  readonly modules?: "auto" | "bundle";
  /**
   * How many calls wait at a worker beyond those it runs. 0 means no queueing;
   * more keep a worker busy while results travel. `"auto"` measures how long
   * tasks take and keeps about 4 ms of work at each worker.
   *
   * @default {"auto"}
   */
  readonly prefetch?: number | "auto";
  /**
   * How many async tasks a worker runs at the same time. Sync tasks run one
   * after the other in any case. The default is 1.
   */
  readonly concurrency?: number;
  /** A task that each worker runs before anything else; the default is none. */
  readonly initializer?: TaskLike<never[], unknown>;
  /** The arguments of `initializer`; the default is none. */
  readonly initializerArgs?: readonly unknown[];
  /**
   * How workers on this machine connect: over a Unix socket in a folder that
   * only this user can enter, or over TCP on `localhost`. The default is
   * `"unix"`, and `"tcp"` on Windows.
   */
  readonly transport?: "unix" | "tcp";
  /**
   * The address to listen on for workers that connect over TCP, and the one
   * that workers at spawner servers are told to connect to. The default is
   * `"127.0.0.1"` for those on this machine, and for spawner servers the
   * address of this machine on the way there. With `"0.0.0.0"` the pool
   * listens on all that are IPv4, with `"::"` on all, and workers connect to
   * the address that the spawner server sees.
   */
  readonly localhost?: string;
  /** The port to listen on for TCP; 0, the default, is any free one. */
  readonly localport?: number;
  /**
   * Whether workers are started only when the first task comes, or `ready` is
   * read. The default is `false`.
   */
  readonly lazy?: boolean;
  /** What tasks may do; the default is `"inherit"`. */
  readonly permissions?: WorkerPermissions;
  /**
   * The deno.json by which the workers resolve imports: a path or a file URL,
   * or `false` for none, which also means no `vendor` folder. The default is
   * the one nearest to the main module, which this program itself goes by. (A
   * project with a package.json only needs a deno.json, which can be empty.)
   */
  readonly config?: string | URL | false;
  /**
   * Further arguments for the `deno run` of each worker. All users of its
   * machine can see them.
   */
  readonly denoArgs?: readonly string[];
  /** Environment variables of workers, besides those of this process. */
  readonly env?: Readonly<Record<string, string>>;
  /**
   * The folder that workers on this machine start in; the default is that of
   * this process. Other hosts have a `cwd` of their own.
   */
  readonly cwd?: string;
  /**
   * How long all workers may take to connect, in milliseconds. The default is
   * 60,000.
   */
  readonly startTimeout?: number;
  /**
   * How often a task that may have begun is run again if its worker is lost;
   * then it is alone on its worker. The default is 0, as only you can know
   * whether running a task twice does harm. One that can't have begun is
   * moved to another worker in any case.
   */
  readonly retries?: number;
  /**
   * How often in a minute each worker, on average, may be lost and replaced.
   * A host that loses more is given up. The default is 10.
   */
  readonly maxRestarts?: number;
  /**
   * How long a task that was cancelled or has timed out may go on before its
   * worker is ended and replaced, in milliseconds. The default is 1,000.
   */
  readonly cancelGrace?: number;
  /**
   * How long another machine may give no sign of life before it counts as
   * lost, in milliseconds. The default is 15,000.
   */
  readonly heartbeatTimeout?: number;
  /**
   * How long calls wait for a lost host to come back, in milliseconds: those
   * that must run there, whatever other workers there are, and all if no
   * worker is left. The default is 60,000.
   */
  readonly hostTimeout?: number;
  /**
   * What becomes of what workers write. With `"lines"`, the default, it goes
   * to this process's streams, line by line with the worker's name. With
   * `"inherit"` it goes there as it is; that of other machines as with
   * `"lines"`. With `"null"` it goes nowhere, and nothing is said of hosts.
   */
  readonly stdio?: "lines" | "inherit" | "null";
}

/**
 * How a map is done; what is left out has a sensible default.
 *
 * @example Usage
 * ```ts
 * import { type MapOptions, Pool } from "@distex/pool";
 * import { assertEquals } from "@std/assert";
 *
 * const options: MapOptions = { chunkSize: 100, ordered: false };
 * await using pool = new Pool(2);
 * const numbers = Array.from({ length: 1_000 }, (_, n) => n);
 * const results = await pool.map((x: number) => x, numbers, options).toArray();
 * assertEquals(results.length, 1_000);
 * ```
 */
export interface MapOptions {
  /**
   * How long the map may take, in milliseconds from when the first result is
   * asked for. The default is no limit.
   */
  readonly timeout?: number;
  /**
   * How many items travel together. Larger chunks make tiny tasks much
   * faster. `"auto"`, the default, measures how long items take and makes
   * chunks of about a millisecond, smaller ones where an async iterable has
   * no more yet. With a number, its items wait until so many are there.
   * If one of them can't be sent, none of its chunk is.
   */
  readonly chunkSize?: number | "auto";
  /**
   * Whether results come in the order of the inputs, which is the default,
   * or as they are ready.
   */
  readonly ordered?: boolean;
  /**
   * Whether each item is an array with all arguments of one call. The default
   * is `false`: it is the only argument.
   */
  readonly spread?: boolean;
  /**
   * Ends the map when it is aborted; it then throws the signal's reason. The
   * default is none.
   */
  readonly signal?: AbortSignal;
}

/**
 * How calls are made, those of maps too; what is left out has a sensible
 * default.
 *
 * @example Usage
 * ```ts
 * import { type CallOptions, Pool } from "@distex/pool";
 * import { assertRejects } from "@std/assert";
 *
 * const options: CallOptions = { timeout: 100, retries: 2 };
 * await using pool = new Pool(1);
 * const impatient = pool.with(options);
 * const never = () => new Promise(() => {});
 * await assertRejects(() => impatient.run(never), DOMException, "100 ms");
 * ```
 */
export interface CallOptions {
  /**
   * The host where the task must run: `"local"`, or the name of one of the
   * pool's hosts. The default is any.
   */
  readonly host?: string;
  /**
   * How long a call may take, in milliseconds from when it is made; for a map
   * it is all of it. The default is no limit.
   */
  readonly timeout?: number;
  /**
   * Cancels calls when it is aborted; they are rejected with its reason. The
   * default is none.
   */
  readonly signal?: AbortSignal;
  /**
   * How often a task that may have begun is run again if its worker is lost;
   * the default is the pool's `retries`. It doesn't hold for `runOnAll`, whose
   * calls are each for one worker.
   */
  readonly retries?: number;
}

/**
 * How a pool is shut down.
 *
 * @example Usage
 * ```ts
 * import { Pool, type ShutdownOptions } from "@distex/pool";
 * import { assertRejects } from "@std/assert";
 *
 * const options: ShutdownOptions = { cancelFutures: true };
 * const pool = new Pool(1);
 * const future = pool.submit(() => "done");
 * await pool.shutdown(options);
 * await assertRejects(() => future, DOMException, "shut down");
 * ```
 */
export interface ShutdownOptions {
  /**
   * Whether the promise waits until the pool has ended, which is the default;
   * if not, it is resolved at once and the pool ends by itself.
   */
  readonly wait?: boolean;
  /** Whether tasks that haven't begun are cancelled; by default they aren't. */
  readonly cancelFutures?: boolean;
}
