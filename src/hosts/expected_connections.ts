import type { Channel } from "../transport/channel.ts";

/** A connection that is expected. */
export interface ExpectedConnection {
  /** The number by which the other side introduces itself. */
  readonly number: number;
  /** Resolves to the channel when it has come and has proved itself. */
  readonly channel: Promise<Channel>;
  /** Doesn't expect it any more, for a reason. */
  fail(reason: Error): void;
}

interface Expected {
  readonly secret: Uint8Array<ArrayBuffer>;
  readonly arrived: (channel: Channel) => void;
}

/** The connections that a pool expects, each with a number and a secret. */
export class ExpectedConnections {
  readonly #expected = new Map<number, Expected>();
  #nextNumber = 0;

  /** Expects a connection of someone who knows the secret. */
  expect(secret: Uint8Array<ArrayBuffer>): ExpectedConnection {
    const number = this.#nextNumber++;
    const { promise, resolve, reject } = Promise.withResolvers<Channel>();
    // Who doesn't wait for it any more needn't be told.
    promise.catch(() => {});
    this.#expected.set(number, { secret, arrived: resolve });
    const fail = (reason: Error) => {
      this.#expected.delete(number);
      reject(reason);
    };
    return { number, channel: promise, fail };
  }

  /** How many connections are expected. */
  get count(): number {
    return this.#expected.size;
  }

  /** The secret of who is expected with a number. */
  secretOf(number: number): Uint8Array<ArrayBuffer> | undefined {
    return this.#expected.get(number)?.secret;
  }

  /** Hands over the channel of one who has come; once only. */
  arrived(number: number, channel: Channel): void {
    const expected = this.#expected.get(number);
    if (expected === undefined) return channel.close();
    this.#expected.delete(number);
    expected.arrived(channel);
  }
}
