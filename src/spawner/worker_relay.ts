import { Relays } from "./relays.ts";
import type { RelayMessage } from "../protocol/spawner_messages.ts";
import type { Address } from "../transport/address.ts";
import type { Channel } from "../transport/channel.ts";
import type { Connection } from "../transport/connection.ts";
import { pause } from "../util/pause.ts";
import type { Reaper } from "./reaper.ts";

/** The sizes of the buffer for a connection's bytes; it grows when it is full. */
const FIRST_BYTES = 2 ** 12;
const MOST_BYTES = 2 ** 16;

/** The pause after `accept()` has failed, in milliseconds. */
const ACCEPT_PAUSE = 100;

/** Accepts the connections of workers on this machine for their pool. */
export class WorkerRelay {
  /** Where workers connect. */
  readonly address: Address;
  readonly #relays: Relays;
  readonly #listener: Deno.Listener;
  readonly #connections = new Set<Deno.Conn>();
  #isClosed = false;
  /** Removes the files. */
  readonly #remove: () => void;

  /**
   * Listens in a folder that only this user can enter.
   *
   * @param channel The channel to the pool.
   * @param folder The folder; by default, it makes one.
   * @param reaper Removes its own folder if this process can't.
   * @throws {Error} If it can't listen there.
   */
  constructor(
    channel: Channel,
    folder: string | undefined,
    reaper: Reaper | undefined,
  ) {
    this.#relays = new Relays(channel);
    if (Deno.build.os === "windows") {
      const hostname = "127.0.0.1";
      this.#listener = Deno.listen({ hostname, port: 0 });
      const { port } = this.#listener.addr as Deno.NetAddr;
      this.address = { transport: "tcp", hostname, port };
      this.#remove = () => {};
    } else {
      const own = folder === undefined ? makeFolder(reaper) : undefined;
      this.#remove = own?.remove ?? (() => {});
      const path = `${own?.path ?? folder}/workers.sock`;
      this.#listener = Deno.listen({ transport: "unix", path });
      this.address = { transport: "unix", path };
    }
    this.#acceptAll();
  }

  /** Takes a message about a worker's connection. */
  take(message: RelayMessage): void {
    this.#relays.take(message);
  }

  /** Closes all connections, and stops listening. */
  close(): void {
    this.#isClosed = true;
    this.#listener.close();
    for (const connection of this.#connections) this.#close(connection);
    this.#relays.end();
    this.#remove();
  }

  async #acceptAll(): Promise<void> {
    while (!this.#isClosed) {
      try {
        this.#relay(await this.#listener.accept());
      } catch {
        if (this.#isClosed) return;
        // Too many files may be open, which is usually temporary.
        await pause(ACCEPT_PAUSE);
      }
    }
  }

  async #relay(connection: Deno.Conn): Promise<void> {
    this.#connections.add(connection);
    const relayed = this.#relays.open();
    await Promise.all([
      pump(connection, relayed).then(() => relayed.close()),
      pump(relayed, connection).then(() => this.#close(connection)),
    ]);
    this.#close(connection);
  }

  #close(connection: Deno.Conn): void {
    if (this.#connections.delete(connection)) connection.close();
  }
}

/** A temporary folder. */
interface Folder {
  readonly path: string;
  /** Removes it. */
  readonly remove: () => void;
}

function makeFolder(reaper: Reaper | undefined): Folder {
  const path = Deno.makeTempDirSync({ prefix: "distex-" });
  const atEnd = reaper?.atEnd();
  atEnd?.(["rm", "-rf", path]);
  const remove = () => {
    try {
      Deno.removeSync(path, { recursive: true });
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
    atEnd?.(undefined);
  };
  return { path, remove };
}

/** Passes bytes on until one of the ends has ended. */
async function pump(from: Connection, to: Connection): Promise<void> {
  let buffer = new Uint8Array(FIRST_BYTES);
  try {
    for (;;) {
      const count = await from.read(buffer);
      if (count === null) return;
      for (let sent = 0; sent < count;) {
        sent += await to.write(buffer.subarray(sent, count));
      }
      if (count === buffer.length && count < MOST_BYTES) {
        buffer = new Uint8Array(MOST_BYTES);
      }
    }
  } catch {
    // The end that is left finds out by itself.
  }
}
