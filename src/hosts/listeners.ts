import { type Address, formatAddress } from "../transport/address.ts";
import type { PoolHandshake } from "../transport/handshake.ts";
import type { ExpectedConnections } from "./expected_connections.ts";
import { type Certificate, makeCertificate } from "../transport/certificate.ts";
import { PoolListener } from "../transport/listener.ts";

/** All that a pool listens at: one listener for each address that is asked for. */
export class Listeners {
  readonly #handshake: PoolHandshake;
  readonly #expectedConnections: ExpectedConnections;
  readonly #listeners = new Set<PoolListener>();
  readonly #addresses = new Map<string, Promise<Address>>();
  #certificate: Promise<Certificate> | undefined;
  #closed = false;

  /** Constructs what listens nowhere yet. */
  constructor(
    handshake: PoolHandshake,
    expectedConnections: ExpectedConnections,
  ) {
    this.#handshake = handshake;
    this.#expectedConnections = expectedConnections;
  }

  /**
   * Listens at an address, unless that is done already.
   *
   * @returns The address, with the port that it became.
   * @throws {Error} If it can't listen there, which may be tried again.
   */
  listen(wanted: Address): Promise<Address> {
    const key = formatAddress(wanted);
    let address = this.#addresses.get(key);
    if (address === undefined) {
      address = this.#listen(wanted);
      this.#addresses.set(key, address);
      address.catch(() => this.#addresses.delete(key));
    }
    return address;
  }

  /** What the pool proves itself with at `tls` addresses. */
  certificate(): Promise<Certificate> {
    this.#certificate ??= makeCertificate();
    return this.#certificate;
  }

  /** Stops listening. */
  close(): void {
    this.#closed = true;
    for (const listener of this.#listeners) listener.close();
  }

  async #listen(wanted: Address): Promise<Address> {
    const certificate = wanted.transport === "tls"
      ? await this.certificate()
      : undefined;
    if (this.#closed) throw new Error("The pool was shut down");
    const listener = new PoolListener(
      this.#handshake,
      (number, channel) => this.#expectedConnections.arrived(number, channel),
      () => this.#expectedConnections.count,
    );
    this.#listeners.add(listener);
    try {
      return await listener.listen(wanted, certificate);
    } catch (error) {
      this.#listeners.delete(listener);
      throw error;
    }
  }
}
