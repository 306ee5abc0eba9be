import { deadline } from "@std/async/deadline";
import { Channel } from "../wire/channel.ts";
import type { PoolHandshake } from "../wire/handshake.ts";
import type { Address } from "../wire/address.ts";

/** How long a connection may take to prove itself, in milliseconds. */
const HANDSHAKE_TIMEOUT = 10_000;

/** Lets in workers that know the pool's secret. */
export class PoolListener {
  /** Where workers connect to. */
  readonly address: Address;
  readonly #listener: Deno.Listener;
  readonly #handshake: PoolHandshake;
  readonly #onWorker: (worker: number, channel: Channel) => void;
  readonly #strangers = new Set<Deno.Conn>();

  /**
   * Begins to listen.
   *
   * @param address Where; port 0 is any that is free.
   * @param onWorker Called with the number and the channel of each worker that
   * was let in.
   */
  constructor(
    address: Address,
    handshake: PoolHandshake,
    onWorker: (worker: number, channel: Channel) => void,
  ) {
    this.#handshake = handshake;
    this.#onWorker = onWorker;
    if (address.transport === "unix") {
      const listener = Deno.listen(address);
      listener.unref();
      this.#listener = listener;
      this.address = address;
    } else {
      const listener = Deno.listen(address);
      listener.unref();
      this.#listener = listener;
      this.address = { ...address, port: listener.addr.port };
    }
    this.#accept();
  }

  /** Stops listening, and hangs up on those that weren't let in yet. */
  close(): void {
    this.#listener.close();
    for (const connection of this.#strangers) connection.close();
    this.#strangers.clear();
  }

  async #accept(): Promise<void> {
    try {
      for await (const connection of this.#listener) this.#admit(connection);
    } catch {
      // The listener was closed.
    }
  }

  async #admit(connection: Deno.Conn): Promise<void> {
    this.#strangers.add(connection);
    try {
      const worker = await deadline(
        this.#handshake.admit(connection),
        HANDSHAKE_TIMEOUT,
      );
      if (!this.#strangers.delete(connection)) return;
      const channel = new Channel(connection);
      channel.unref();
      this.#onWorker(worker, channel);
    } catch {
      // Whoever it was, it is none of this pool's workers.
      if (this.#strangers.delete(connection)) connection.close();
    }
  }
}
