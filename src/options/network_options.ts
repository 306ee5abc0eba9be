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
   * only this user can enter, or over TCP. If it is left out, it is `"unix"`,
   * and `"tcp"` on Windows.
   */
  readonly transport?: "unix" | "tcp";
  /**
   * Where the pool listens for workers that connect over TCP.
   *
   * @default {{}}
   */
  readonly listen?: ListenOptions;
  /**
   * The token of the spawner servers, for hosts that have none of their own.
   * White space around it is ignored.
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
   * The host name or address to listen on, which is also where workers at
   * spawner servers connect. If it is left out, it is `"127.0.0.1"` for
   * workers on this machine, and for spawner servers the address of this
   * machine on the way there. With `"0.0.0.0"` the pool listens on all IPv4
   * addresses and with `"::"` on all addresses; workers then connect to the
   * address that the spawner server sees.
   */
  readonly hostname?: string;
  /**
   * The port to listen on. 0 is any free port.
   *
   * @default {0}
   */
  readonly port?: number;
}
