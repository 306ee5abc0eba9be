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
