import type { Connection } from "../transport/connection.ts";
import { restorePrimordials } from "./primordials.ts";

/**
 * A connection that restores the primordials after each read and write, because
 * timers and promises that tasks left behind may have run meanwhile.
 */
export class GuardedConnection implements Connection {
  readonly #connection: Connection;

  /** Constructs a guard over the connection to the pool. */
  constructor(connection: Connection) {
    this.#connection = connection;
    connection.setNoDelay?.();
  }

  async read(buffer: Uint8Array): Promise<number | null> {
    const count = await this.#connection.read(buffer);
    restorePrimordials();
    return count;
  }

  async write(bytes: Uint8Array): Promise<number> {
    const count = await this.#connection.write(bytes);
    restorePrimordials();
    return count;
  }

  close(): void {
    this.#connection.close();
  }

  unref(): void {
    this.#connection.unref();
  }
}
