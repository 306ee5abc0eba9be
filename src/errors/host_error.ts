/**
 * The step at which a host failed, in the order of the steps:
 *
 * - `"name"`: its name can't be resolved.
 * - `"connection"`: it can't be reached.
 * - `"launcher"`: its batch system can't be used, or refuses to start workers.
 * - `"host key"`: it can't prove its identity.
 * - `"key"`: it doesn't accept the user's key or token.
 * - `"forwarding"`: it doesn't forward connections.
 * - `"folder"`: it has no folder for temporary files.
 * - `"deno"`: it has no Deno.
 * - `"version"`: its Deno is too old, or its version of this package differs.
 * - `"spawner"`: the pool's program doesn't run there.
 * - `"worker"`: a worker doesn't start or connect.
 */
export type HostStep =
  | "name"
  | "connection"
  | "launcher"
  | "host key"
  | "key"
  | "forwarding"
  | "folder"
  | "deno"
  | "version"
  | "spawner"
  | "worker";

/**
 * An error whose message says why a host can't be used and what to do. It is
 * the `cause` of a {@linkcode BrokenPoolError} or the `error` in
 * {@linkcode HostStats}.
 *
 * @example Usage
 * ```ts
 * import { BrokenPoolError, HostError, Pool } from "@distex/pool";
 * import { assert, assertEquals, assertRejects } from "@std/assert";
 *
 * // No spawner server listens on port 1.
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
   * @param host The host's name.
   * @param step The step that failed.
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
