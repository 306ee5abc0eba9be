import type { AgentOffer } from "../protocol/spawner_messages.ts";
import type { Address } from "../transport/address.ts";

/** An address that an agent can connect to. */
export type PoolAddress = Exclude<Address, { transport: "unix" }>;

/** How an agent recognizes the pool's certificate, for a `tls` address. */
export type CertificatePin =
  /** By its fingerprint; see {@linkcode fingerprintOf}. */
  | { readonly fingerprint: string }
  /** By the certificate itself, as PEM. */
  | { readonly certificate: string };

/** How an agent reaches its pool. */
export interface DialSettings {
  /** The pool's address. */
  readonly address: PoolAddress;
  /** The pool's certificate; only for a `tls` address. */
  readonly pin: CertificatePin | undefined;
  /** The token of the agent's group. */
  readonly token: string;
  /** The number of the agent's group; 0 without a launcher. */
  readonly group: number;
  /** How long it tries to reach the pool, in milliseconds. */
  readonly connectTimeout: number;
}

/** The settings of an agent. Times are in milliseconds. */
export interface AgentSettings extends DialSettings {
  /** What it offers to the pool. */
  readonly offer: Omit<AgentOffer, "wallTime">;
  /** How long its process may run; `Infinity` for no limit. */
  readonly wallTime: number;
  /** How long before the end of that time it leaves the pool. */
  readonly leaveBefore: number;
}
