/**
 * Thrown by calls on a pool that was shut down, as PEP 3148 has it.
 *
 * @example Usage
 * ```ts
 * import { Pool, PoolClosedError } from "@distex/pool";
 * import { assertRejects } from "@std/assert";
 *
 * const pool = new Pool(1);
 * await pool.shutdown();
 * await assertRejects(() => pool.run(() => 1), PoolClosedError);
 * ```
 *
 * @see {@link https://peps.python.org/pep-3148/}
 */
export class PoolClosedError extends Error {
  /** Constructs the error. */
  constructor(message = "The pool was shut down: make a new one") {
    super(message);
    this.name = "PoolClosedError";
  }
}

/**
 * Thrown by calls on a pool that can't work: its workers didn't start, its
 * initializer failed, or no worker is left, or none at the host where the call
 * must run. `cause` has the reason.
 *
 * @example Usage
 * ```ts
 * import { BrokenPoolError, Pool } from "@distex/pool";
 * import { assertRejects } from "@std/assert";
 *
 * const initializer = () => {
 *   throw new Error("The database is closed");
 * };
 * await using pool = new Pool({ workers: 1, initializer });
 * await assertRejects(() => pool.run(() => 1), BrokenPoolError, "is closed");
 * ```
 */
export class BrokenPoolError extends Error {
  /** Constructs the error. */
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "BrokenPoolError";
  }
}

/** What is known of a worker that was lost. */
export interface WorkerLoss {
  /** What the worker was called. */
  readonly worker: string;
  /** How its process ended: an exit code or a signal, in words. */
  readonly how: string;
  /** The last that it wrote to stderr, if that is known. */
  readonly lastWords: string;
}

/**
 * Thrown by a call whose worker ended before it returned, at the last of the
 * times that it was tried. Whether the task had an effect can't be known.
 *
 * @example Usage
 * ```ts
 * import { Pool, WorkerLostError } from "@distex/pool";
 * import { assertEquals, assertRejects } from "@std/assert";
 *
 * await using pool = new Pool(1);
 * const error = await assertRejects(
 *   () => pool.run(() => Deno.exit(3)),
 *   WorkerLostError,
 * );
 * assertEquals([error.how, error.tries], ["exit code 3", 1]);
 * ```
 */
export class WorkerLostError extends Error {
  /** What the worker was called that was lost last. */
  readonly worker: string;
  /** How its process ended: an exit code or a signal, in words. */
  readonly how: string;
  /** The last that it wrote to stderr, if that is known. */
  readonly lastWords: string;

  /**
   * Constructs the error.
   *
   * @param task The name of the task.
   * @param tries How often the task may have begun.
   */
  constructor(
    readonly task: string,
    readonly tries: number,
    { worker, how, lastWords }: WorkerLoss,
    options?: ErrorOptions,
  ) {
    const times = tries === 1
      ? ""
      : `, the last of ${tries} times it was tried`;
    const words = lastWords === ""
      ? ""
      : `; the last it wrote to stderr:\n${lastWords}`;
    super(
      `The ${worker} ended (${how}) before the task '${task}' returned, which may or may not have run${times}${words}`,
      options,
    );
    this.name = "WorkerLostError";
    this.worker = worker;
    this.how = how;
    this.lastWords = lastWords;
  }
}

/**
 * How far a host got on the way to its first worker, in this order. `"name"`:
 * its name isn't known; `"connection"`: there is no way to it; `"host key"`:
 * it isn't known to be the right one; `"key"`: it doesn't let the user in;
 * `"forwarding"`: it doesn't forward connections; `"folder"`: it has no place
 * for files; `"deno"`: it has no Deno; `"version"`: it has too old a one;
 * `"spawner"`: the pool's program doesn't work there; `"worker"`: a worker
 * doesn't start or connect.
 */
export type HostStep =
  | "name"
  | "connection"
  | "host key"
  | "key"
  | "forwarding"
  | "folder"
  | "deno"
  | "version"
  | "spawner"
  | "worker";

/**
 * The reason why a host can't be used, in words for its user: the `cause` of a
 * {@linkcode BrokenPoolError}, or the `error` of {@linkcode HostStats}.
 *
 * @example Usage
 * ```ts
 * import { BrokenPoolError, HostError, Pool } from "@distex/pool";
 * import { assert, assertEquals, assertRejects } from "@std/assert";
 *
 * // No spawner server listens there.
 * await using pool = new Pool(1, "127.0.0.1:1/2");
 * const { cause } = await assertRejects(() => pool.ready, BrokenPoolError);
 * assert(cause instanceof HostError);
 * assertEquals([cause.host, cause.step], ["127.0.0.1", "connection"]);
 * ```
 */
export class HostError extends Error {
  /**
   * Constructs the error.
   *
   * @param host What the host is called.
   * @param step What it was that failed.
   */
  constructor(
    readonly host: string,
    readonly step: HostStep,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = "HostError";
  }
}
