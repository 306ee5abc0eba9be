import { MIN_ATTACHMENT_BYTES } from "../codec/wire_limits.ts";
import type { Channel } from "../transport/channel.ts";
import { RelayedConnection } from "../transport/relayed_connection.ts";
import {
  type RelayMessage,
  SpawnerMessageType,
} from "../protocol/spawner_messages.ts";

/** How much may wait to be sent before a relay waits too, in bytes. */
const MAX_WAITING_BYTES = 2 ** 18;

/** The connections that share the channel between a pool and a spawner. */
export class Relays {
  readonly #channel: Channel;
  readonly #connections = new Map<number, RelayedConnection>();
  #nextRelay = 0;
  #isFlushDue = false;

  /** Constructs an end of a channel without connections. */
  constructor(channel: Channel) {
    this.#channel = channel;
  }

  /** Opens a connection to the other end, as the spawner. */
  open(): RelayedConnection {
    const relay = this.#nextRelay++ >>> 0;
    const connection = this.#add(relay);
    this.#send([SpawnerMessageType.RELAY_OPEN, relay]);
    return connection;
  }

  /**
   * Accepts a connection that the other end has opened, as the pool.
   *
   * @throws {RangeError} If there is one with this number.
   */
  accept(relay: number): RelayedConnection {
    if (this.#connections.has(relay)) {
      throw new RangeError(`Malformed message: relay ${relay} is open already`);
    }
    return this.#add(relay);
  }

  /**
   * Handles a message about a connection; ignores it if this end has closed it.
   *
   * @throws {RangeError} If the other end had no credit for what it sent.
   */
  take(message: RelayMessage): void {
    const connection = this.#connections.get(message[1]);
    if (connection === undefined) return;
    switch (message[0]) {
      case SpawnerMessageType.RELAY:
        return connection.received(message[2]);
      case SpawnerMessageType.RELAY_CREDIT:
        return connection.granted(message[2]);
      case SpawnerMessageType.RELAY_END:
        this.#connections.delete(message[1]);
        return connection.ended();
    }
  }

  /** Ends all connections, because the channel has ended. */
  end(): void {
    for (const connection of this.#connections.values()) connection.ended();
    this.#connections.clear();
  }

  #add(relay: number): RelayedConnection {
    const connection = new RelayedConnection({
      send: (bytes) => this.#relay(relay, bytes),
      grant: (bytes) =>
        this.#send([SpawnerMessageType.RELAY_CREDIT, relay, bytes]),
      end: () => {
        this.#connections.delete(relay);
        this.#send([SpawnerMessageType.RELAY_END, relay]);
      },
    });
    this.#connections.set(relay, connection);
    return connection;
  }

  #relay(relay: number, bytes: Uint8Array): Promise<void> | undefined {
    this.#send([SpawnerMessageType.RELAY, relay, bytes as Bytes]);
    const isLent = bytes.length >= MIN_ATTACHMENT_BYTES;
    const isLate = this.#channel.writer.byteLength > MAX_WAITING_BYTES;
    return isLent || isLate ? this.#channel.flushed() : undefined;
  }

  /** Writes a message, which is sent together with those of other workers. */
  #send(message: RelayMessage): void {
    if (this.#channel.closed) return;
    this.#channel.writer.message(message);
    if (this.#isFlushDue) return;
    this.#isFlushDue = true;
    queueMicrotask(this.#flush);
  }

  // An arrow function in a field, so a message doesn't create a closure.
  readonly #flush = () => {
    this.#isFlushDue = false;
    this.#channel.flush();
  };
}

type Bytes = Uint8Array<ArrayBuffer>;
