import { withinLimit } from "../util/within_limit.ts";
import type { Connection } from "./connection.ts";

/**
 * How long a connection may take to prove itself, and to become encrypted
 * before that, in milliseconds.
 */
export const HANDSHAKE_TIMEOUT = 5_000;

/**
 * Connections that may be busy proving themselves, besides those that are
 * expected; then the oldest goes.
 */
const MAX_STRANGERS = 64;

/** Connections that have yet to prove themselves. */
export class UnauthenticatedConnections {
  readonly #expected: () => number;
  readonly #connections = new Set<Connection>();

  /**
   * Constructs it without connections.
   *
   * @param expected Tells how many connections are expected.
   */
  constructor(expected: () => number = () => 0) {
    this.#expected = expected;
  }

  /** How many there may be at the same time. */
  get most(): number {
    return MAX_STRANGERS + this.#expected();
  }

  /**
   * Has a connection prove itself, for which it has {@linkcode HANDSHAKE_TIMEOUT}.
   *
   * @returns What the handshake returns, or `undefined` if the connection had
   * to go meanwhile.
   * @throws Whatever the handshake throws, or a "TimeoutError"; the connection
   * is closed then.
   */
  async admit<Proof>(
    connection: Connection,
    handshake: (connection: Connection) => Promise<Proof>,
  ): Promise<Proof | undefined> {
    const [oldest] = this.#connections;
    if (this.#connections.size >= this.most) this.#refuse(oldest!);
    this.#connections.add(connection);
    try {
      const proof = await withinLimit(
        handshake(connection),
        HANDSHAKE_TIMEOUT,
      );
      return this.#connections.delete(connection) ? proof : undefined;
    } catch (error) {
      if (!this.#connections.has(connection)) return undefined;
      this.#refuse(connection);
      throw error;
    }
  }

  /** Hangs up on all. */
  refuseAll(): void {
    for (const connection of this.#connections) this.#refuse(connection);
  }

  #refuse(connection: Connection): void {
    this.#connections.delete(connection);
    connection.close();
  }
}
