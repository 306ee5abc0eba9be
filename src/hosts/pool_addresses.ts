import { PoolClosedError } from "../errors/pool_closed_error.ts";
import { type Address, formatAddress } from "../transport/address.ts";
import {
  AuthenticatedListener,
  type ListenerOptions,
} from "../transport/authenticated_listener.ts";
import type { Dialer } from "../protocol/admit_dialer.ts";
import { type Certificate, makeCertificate } from "../transport/certificate.ts";
import type { Connection } from "../transport/connection.ts";

/** The addresses that a pool listens on: one listener for each. */
export class PoolAddresses {
  readonly #options: ListenerOptions<Dialer>;
  readonly #listeners = new Set<AuthenticatedListener<Dialer>>();
  readonly #addresses = new Map<string, Promise<Address>>();
  /** Authenticates connections that were accepted elsewhere. */
  #relayed: AuthenticatedListener<Dialer> | undefined;
  #certificate: Promise<Certificate> | undefined;
  #closed = false;

  /**
   * Constructs it without addresses.
   *
   * @param options How connections are authenticated, and who gets them.
   */
  constructor(options: ListenerOptions<Dialer>) {
    this.#options = options;
  }

  /**
   * Listens on an address, unless it already does.
   *
   * @returns The address with its actual port.
   * @throws {Error} If it can't listen there; the caller may try again.
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

  /** Authenticates the peer of a connection that was accepted elsewhere. */
  admit(connection: Connection): void {
    if (this.#closed) return connection.close();
    if (this.#relayed === undefined) {
      this.#relayed = new AuthenticatedListener(this.#options);
      this.#listeners.add(this.#relayed);
    }
    this.#relayed.admit(connection);
  }

  /** The pool's certificate for `tls` addresses. */
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
    if (this.#closed) throw new PoolClosedError();
    const listener = new AuthenticatedListener(this.#options);
    this.#listeners.add(listener);
    try {
      return await listener.listen(wanted, certificate);
    } catch (error) {
      this.#listeners.delete(listener);
      throw error;
    }
  }
}
