import { pause } from "../util/pause.ts";
import { UnauthenticatedConnections } from "./unauthenticated_connections.ts";
import type { Address } from "./address.ts";
import { Channel } from "./channel.ts";
import type { Connection } from "./connection.ts";
import type { PoolHandshake } from "./handshake.ts";
import type { Certificate } from "./certificate.ts";
import { TlsListener } from "./tls_listener.ts";

/** The pause after a connection couldn't be accepted, in milliseconds. */
const ACCEPT_PAUSE = 100;

/** Lets in workers that know their secret, and no one else. */
export class PoolListener {
  readonly #handshake: PoolHandshake;
  readonly #onArrival: (number: number, channel: Channel) => void;
  readonly #strangers: UnauthenticatedConnections;
  #listener: { close(): void } | undefined;
  #closed = false;

  /**
   * Constructs a listener that {@linkcode PoolListener.listen} sets to work.
   *
   * @param onArrival Called with the number and the channel of each that was
   * let in.
   * @param expected Tells how many connections are expected.
   */
  constructor(
    handshake: PoolHandshake,
    onArrival: (number: number, channel: Channel) => void,
    expected?: () => number,
  ) {
    this.#handshake = handshake;
    this.#onArrival = onArrival;
    this.#strangers = new UnauthenticatedConnections(expected);
  }

  /**
   * Begins to listen.
   *
   * @param address Where; port 0 is any that is free.
   * @param certificate What it proves itself with at a `tls` address.
   * @returns The address, with the port that it became.
   */
  async listen(
    address: Address,
    certificate?: Certificate,
  ): Promise<Address> {
    if (address.transport === "tls") {
      const { hostname, port } = address;
      const listener = await TlsListener.listen(
        hostname,
        port,
        certificate!,
        (connection) => this.#admit(connection),
        () => this.#strangers.most,
      );
      this.#listener = listener;
      if (this.#closed) listener.close();
      return { ...address, port: listener.port };
    }
    const listener = address.transport === "unix"
      ? Deno.listen({ transport: "unix", path: address.path })
      : Deno.listen({ hostname: address.hostname, port: address.port });
    listener.unref();
    this.#listener = listener;
    this.#accept(listener);
    if (address.transport === "unix") return address;
    return { ...address, port: (listener.addr as Deno.NetAddr).port };
  }

  /** Stops listening, and hangs up on those that weren't let in yet. */
  close(): void {
    this.#closed = true;
    this.#listener?.close();
    this.#strangers.refuseAll();
  }

  async #accept(listener: Deno.Listener): Promise<void> {
    while (!this.#closed) {
      try {
        this.#admit(await listener.accept());
      } catch {
        // If it wasn't closed, too many files may be open, which passes.
        if (!this.#closed) await pause(ACCEPT_PAUSE);
      }
    }
  }

  async #admit(connection: Connection): Promise<void> {
    // A stranger doesn't keep the program from ending.
    connection.unref();
    try {
      const number = await this.#strangers.admit(
        connection,
        (connection) => this.#handshake.admit(connection),
      );
      if (number === undefined) return;
      const channel = new Channel(connection);
      channel.unref();
      this.#onArrival(number, channel);
    } catch {
      // Whoever it was, it is none that this pool expects.
    }
  }
}
