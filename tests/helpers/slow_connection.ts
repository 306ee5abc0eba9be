import type { Connection } from "../../src/transport/connection.ts";
import { settled } from "./fake_worker.ts";
import { Chunks, readMessages } from "./frames.ts";

/** A connection whose writes take until the test lets them. */
export class SlowConnection implements Connection {
  readonly #written: Uint8Array[] = [];
  #open = Promise.withResolvers<void>();

  /** Takes bytes at once, but returns when the test lets it. */
  async write(bytes: Uint8Array): Promise<number> {
    this.#written.push(bytes.slice());
    await this.#open.promise;
    return bytes.length;
  }

  /** Ends at once. */
  read(): Promise<number | null> {
    return Promise.resolve(null);
  }

  /** Lets the writes in progress end. */
  async open(): Promise<void> {
    const { resolve } = this.#open;
    this.#open = Promise.withResolvers();
    resolve();
    await settled();
  }

  /** The messages that were written. */
  messages(): Promise<unknown[][]> {
    return readMessages(new Chunks(this.#written));
  }

  /** Does nothing. */
  close(): void {}

  /** Does nothing. */
  unref(): void {}
}
