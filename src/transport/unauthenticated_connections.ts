import { withinLimit } from "../util/within_limit.ts";
import type { Connection } from "./connection.ts";
import { EvictingMap } from "./evicting_map.ts";

/**
 * How long a connection may take to authenticate itself, in milliseconds. A TLS
 * handshake may take as long before that.
 */
export const HANDSHAKE_TIMEOUT = 5_000;

/**
 * How much longer each may take for each one that is expected, in milliseconds:
 * they all share this program's time.
 */
const EXTRA_TIMEOUT = 10;

/**
 * How many unauthenticated connections there may be in addition to the expected
 * number.
 */
const MAX_UNEXPECTED = 64;

/**
 * Connections that haven't authenticated themselves yet. Their number is
 * limited: beyond the limit, a new connection evicts the oldest.
 */
export class UnauthenticatedConnections {
  readonly #expected: () => number;
  readonly #timeout: number;
  readonly #connections = new EvictingMap<Connection, Connection>(
    () => this.limit,
    (connection) => connection.close(),
  );

  /**
   * Constructs an empty set.
   *
   * @param expected Returns how many connections are expected.
   * @param timeout How long each may take while none is expected, in
   * milliseconds.
   */
  constructor(
    expected: () => number = () => 0,
    timeout: number = HANDSHAKE_TIMEOUT,
  ) {
    this.#expected = expected;
    this.#timeout = timeout;
  }

  /** How many unauthenticated connections there may be at the same time. */
  get limit(): number {
    return MAX_UNEXPECTED + this.#expected();
  }

  /**
   * Authenticates a connection within the timeout.
   *
   * @returns The result of the handshake, or `undefined` if the connection was
   * evicted meanwhile.
   * @throws The error of the handshake, or a "TimeoutError". Then the connection
   * is closed.
   */
  async authenticate<Identity>(
    connection: Connection,
    handshake: (connection: Connection) => Promise<Identity>,
  ): Promise<Identity | undefined> {
    this.#connections.set(connection, connection);
    try {
      const identity = await withinLimit(
        handshake(connection),
        this.#timeout + EXTRA_TIMEOUT * this.#expected(),
      );
      return this.#connections.delete(connection) ? identity : undefined;
    } catch (error) {
      if (!this.#connections.has(connection)) return undefined;
      this.#connections.evict(connection);
      throw error;
    }
  }

  /** Closes all connections. */
  closeAll(): void {
    this.#connections.evictAll();
  }
}
