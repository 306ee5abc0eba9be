import type { Reaper } from "../spawner/reaper.ts";
import type { OutputHandler } from "../spawner/worker_launcher.ts";
import type { Address } from "../transport/address.ts";
import type { Connection } from "../transport/connection.ts";
import type { PendingConnections } from "./pending_connections.ts";

/** Where workers on this machine and on ssh hosts connect. */
export interface PoolSocket {
  /** The address. */
  readonly address: Address;
  /** The private folder of the socket, if the address is one. */
  readonly folder: string | undefined;
}

/** The parts of a pool that its hosts use. */
export interface PoolServices {
  /** The connections that the pool waits for. */
  readonly pendingConnections: PendingConnections;
  /** Kills processes if the program can't. */
  readonly reaper: Reaper | undefined;
  /** Listens for workers on this machine and on ssh hosts, if it doesn't yet. */
  readonly openSocket: () => Promise<PoolSocket>;
  /** Listens on another address too; returns the actual one. */
  readonly listen: (address: Address) => Promise<Address>;
  /** Authenticates the connection of a worker that its spawner relays. */
  readonly admit: (connection: Connection) => void;
  /** Returns the pool's certificate (PEM). */
  readonly certificate: () => Promise<string>;
  /** Bundles the program for ssh hosts into one file; the signal cancels it. */
  readonly program: (signal: AbortSignal) => Promise<string>;
  /** Bundles the program of agents into one file; the signal cancels it. */
  readonly agentProgram: (signal: AbortSignal) => Promise<string>;
  /** How long a spawner may be silent, in milliseconds. */
  readonly heartbeatTimeout: number;
  /** Takes the output of workers. */
  readonly onOutput: OutputHandler;
  /** Prints a line about a host. */
  readonly report: (host: string, line: string) => void;
}
