import type { HostError } from "../../errors/host_error.ts";
import type { SessionRequest } from "../../protocol/spawner_messages.ts";
import type { Channel } from "../../transport/channel.ts";

/** How workers on another machine are started. */
export type WorkerRequest = Omit<SessionRequest, "address" | "certificate">;

/** An authenticated connection to a spawner on another machine. */
export interface SpawnerConnection {
  /** The channel to the spawner. */
  readonly channel: Channel;
  /** Tells the spawner how to start workers. */
  readonly request: SessionRequest;
}

/** Why a host can't be used. */
export type ConnectorFailure =
  /** Opening it took longer than this time limit, in milliseconds. */
  | { readonly code: "timeout"; readonly timeout: number }
  /** Opening it failed. */
  | { readonly code: "failed"; readonly cause: unknown }
  /** The open connection has ended, with an error or without. */
  | { readonly code: "closed"; readonly cause: unknown };

/** Connects to the spawner of one host. Each kind of host has its own class. */
export interface Connector {
  /** The kind of hosts that it connects to. */
  readonly kind: "ssh" | "spawner";
  /** The secret that the pool shares with the host's workers, once connected. */
  readonly secret: Uint8Array<ArrayBuffer>;
  /** Resolves to the reason if the connector notices that the host is lost. */
  readonly lost: Promise<HostError>;
  /**
   * Connects to the spawner; {@linkcode Connector.close} cancels this.
   *
   * @param timeout The time limit, in milliseconds. The caller enforces it.
   * @throws {HostError} If it fails for a known reason.
   */
  connect(timeout: number): Promise<SpawnerConnection>;
  /** Explains a failure to the user, by a `HostError` if the host is at fault. */
  explain(failure: ConnectorFailure): Error;
  /** Cancels connecting, and frees everything but the spawner's channel. */
  close(reason: Error): Promise<void>;
}
