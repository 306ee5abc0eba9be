import { nextTurn } from "../util/next_turn.ts";
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

/** How often within the timeout it is checked who is late. */
const CHECKS = 8;

/** A connection that isn't authenticated yet. */
interface Unauthenticated {
  readonly connection: Connection;
  /** Rejects the connection, because it took too long. */
  readonly reject: (reason: DOMException) => void;
  /** How many whole periods between two checks have passed. */
  periods: number;
  /** How long it may take, in milliseconds. */
  limit: number;
}

/**
 * Connections that haven't authenticated themselves yet. Their number is
 * limited: beyond the limit, a new connection evicts the oldest.
 */
export class UnauthenticatedConnections {
  readonly #expected: () => number;
  readonly #timeout: number;
  readonly #connections: EvictingMap<Connection, Unauthenticated>;
  /** One timer for all: thousands of workers may connect at the same time. */
  #timer: ReturnType<typeof setTimeout> | undefined;

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
    this.#connections = new EvictingMap(
      () => this.limit,
      ({ connection }) => connection.close(),
    );
  }

  /** How many unauthenticated connections there may be at the same time. */
  get limit(): number {
    return MAX_UNEXPECTED + this.#expected();
  }

  /**
   * Authenticates a connection within the timeout. A period in which the event
   * loop was blocked counts as at most an eighth of the timeout.
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
    const { promise: late, reject } = Promise.withResolvers<never>();
    const entry = { connection, reject, periods: -1, limit: 0 };
    this.#connections.set(connection, entry);
    this.#startTimer();
    try {
      const identity = await Promise.race([handshake(connection), late]);
      return this.#connections.delete(connection) ? identity : undefined;
    } catch (error) {
      if (!this.#connections.has(connection)) return undefined;
      this.#connections.evict(connection);
      throw error;
    } finally {
      if (this.#connections.size === 0) this.#stopTimer();
    }
  }

  /** Closes all connections. */
  closeAll(): void {
    this.#connections.evictAll();
    this.#stopTimer();
  }

  #startTimer(): void {
    if (this.#timer !== undefined) return;
    this.#timer = setTimeout(() => this.#check(), this.#timeout / CHECKS);
    Deno.unrefTimer(this.#timer);
  }

  #stopTimer(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** Rejects the connections that are late. */
  async #check(): Promise<void> {
    this.#timer = undefined;
    this.#startTimer();
    // More may be expected than when a peer connected.
    const limit = this.#timeout + EXTRA_TIMEOUT * this.#expected();
    const late: Unauthenticated[] = [];
    for (const entry of this.#connections.values()) {
      entry.periods++;
      entry.limit = Math.max(entry.limit, limit);
      const lived = entry.periods * this.#timeout / CHECKS;
      if (lived >= entry.limit) late.push(entry);
    }
    if (late.length === 0) return;
    // Their data may have arrived while the event loop was blocked.
    await nextTurn();
    for (const { reject, limit } of late) reject(timeout(limit));
  }
}

function timeout(limit: number): DOMException {
  return new DOMException(`It took more than ${limit} ms`, "TimeoutError");
}
