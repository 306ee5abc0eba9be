import type { Channel } from "../transport/channel.ts";

/** A connection that the pool waits for. */
export interface PendingConnection {
  /** The number that the peer sends when it connects. */
  readonly number: number;
  /** Resolves to the channel when the peer has connected. */
  readonly channel: Promise<Channel>;
  /** Stops waiting, and rejects the channel; does nothing once it is connected. */
  cancel(reason: Error): void;
}

interface Pending {
  readonly secret: Uint8Array<ArrayBuffer>;
  readonly resolve: (channel: Channel) => void;
}

/** The connections that a pool waits for, by number, and their secrets. */
export class PendingConnections {
  readonly #pending = new Map<number, Pending>();
  #nextNumber = 0;

  /** Waits for a connection of a peer that knows the secret. */
  add(secret: Uint8Array<ArrayBuffer>): PendingConnection {
    const number = this.#nextNumber++;
    const { promise, resolve, reject } = Promise.withResolvers<Channel>();
    // A caller that cancels a connection needn't handle its rejection.
    promise.catch(() => {});
    this.#pending.set(number, { secret, resolve });
    const cancel = (reason: Error) => {
      this.#pending.delete(number);
      reject(reason);
    };
    return { number, channel: promise, cancel };
  }

  /** How many connections are pending. */
  get size(): number {
    return this.#pending.size;
  }

  /** The secret of the pending connection with a number, if there is one. */
  secretOf(number: number): Uint8Array<ArrayBuffer> | undefined {
    return this.#pending.get(number)?.secret;
  }

  /** Hands over a peer's channel, or closes it if nothing waits for it. */
  resolve(number: number, channel: Channel): void {
    const pending = this.#pending.get(number);
    if (pending === undefined) return channel.close();
    this.#pending.delete(number);
    pending.resolve(channel);
  }
}
