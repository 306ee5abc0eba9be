import type { Reaper } from "../spawner/reaper.ts";
import type { OutputHandler } from "../spawner/spawner.ts";
import type { Address } from "../transport/address.ts";
import type { ExpectedConnections } from "./expected_connections.ts";

/** What a pool has that its hosts need. */
export interface HostContext {
  /** The connections that the pool expects. */
  readonly expectedConnections: ExpectedConnections;
  /** Ends processes if the pool's own process can't. */
  readonly reaper: Reaper | undefined;
  /** The pool's folder, if it has one. */
  readonly folder: string | undefined;
  /** Where the pool listens for workers on this machine and on ssh hosts. */
  readonly address: Address;
  /** Listens at another address, if that isn't done yet; returns the real one. */
  readonly listen: (address: Address) => Promise<Address>;
  /** The pool's certificate (PEM). */
  readonly certificate: () => Promise<string>;
  /** The program for ssh hosts, as one file; the signal ends the waiting. */
  readonly program: (signal: AbortSignal) => Promise<string>;
  /** How long a spawner may give no sign of life, in milliseconds. */
  readonly heartbeatTimeout: number;
  /** Passes on what a worker writes. */
  readonly onOutput: OutputHandler;
  /** Passes on a line about a host. */
  readonly report: (host: string, line: string) => void;
}
