import type { Connection } from "../transport/connection.ts";
import { restoreGlobals } from "./primordials.ts";

/**
 * A connection after whose reads and writes all is as the worker needs it,
 * whatever tasks, or what they have left behind, did in between.
 */
export class GuardedConnection implements Connection {
  readonly #connection: Connection;

  /** Constructs it over a worker's connection. */
  constructor(connection: Connection) {
    this.#connection = connection;
    connection.setNoDelay?.();
  }

  async read(buffer: Uint8Array): Promise<number | null> {
    const count = await this.#connection.read(buffer);
    restoreGlobals();
    return count;
  }

  async write(bytes: Uint8Array): Promise<number> {
    const count = await this.#connection.write(bytes);
    restoreGlobals();
    return count;
  }

  close(): void {
    this.#connection.close();
  }

  unref(): void {
    this.#connection.unref();
  }
}
