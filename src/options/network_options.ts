/**
 * How workers and pool connect: the part of {@linkcode PoolOptions} about the
 * network.
 *
 * @example Usage
 * ```ts
 * import { type NetworkOptions, Pool } from "@distex/pool";
 * import { assertEquals } from "@std/assert";
 *
 * const network: NetworkOptions = {
 *   transport: "tcp",
 *   listen: { hostname: "127.0.0.1" },
 * };
 * await using pool = new Pool({ workers: 1, ...network });
 * assertEquals(await pool.run((x: number) => x + 1, 1), 2);
 * ```
 */
export interface NetworkOptions {
  /**
   * How workers on this machine connect: over a Unix socket in a folder that
   * only this user can enter, or over TCP. The default is `"unix"`, on Windows
   * `"tcp"`.
   */
  readonly transport?: "unix" | "tcp";
  /**
   * Where the pool listens for workers that connect over TCP.
   *
   * @default {{}}
   */
  readonly listen?: ListenOptions;
  /**
   * The token for spawner servers, unless a host has its own. White space
   * around it is ignored.
   */
  readonly token?: string;
}

/**
 * Where a pool listens for workers that connect over TCP.
 *
 * @example Usage
 * ```ts ignore
 * import { type ListenOptions, Pool } from "@distex/pool";
 *
 * const listen: ListenOptions = { hostname: "192.168.1.5", port: 9000 };
 * await using pool = new Pool({ hosts: "mini/4", listen });
 * ```
 */
export interface ListenOptions {
  /**
   * The host name or address to listen on. Workers at spawner servers connect
   * to it too. The default is `"127.0.0.1"` for workers on this machine, and
   * for spawner servers the address from which this machine connects to them.
   * With `"0.0.0.0"`, the pool listens on all IPv4 addresses, with `"::"` on
   * all addresses; workers then connect to the address from which the spawner
   * server sees the pool connect.
   *
   * Workers of batch systems, and those that join by themselves, connect with
   * TLS unless the address is this machine's own, such as `"127.0.0.1"`. By
   * default, the pool listens for them on all IPv4 addresses, and those of batch
   * systems connect to this machine's name.
   */
  readonly hostname?: string;
  /**
   * The port to listen on. 0 means any free port.
   *
   * @default {0}
   */
  readonly port?: number;
  /**
   * Workers that know this token may join the pool by themselves, at any time:
   * `deno run -A jsr:@distex/pool/worker --connect host:port --token-file file`.
   * They belong to the host `"joined"`. White space around the token is ignored.
   * By default, none may join.
   */
  readonly token?: string;
  /**
   * How many workers may have joined at the same time.
   *
   * @default {1_024}
   */
  readonly maxWorkers?: number;
}
