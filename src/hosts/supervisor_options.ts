import type { WorkerPlace } from "../options/place.ts";
import type { ScalingSettings } from "../options/worker_count.ts";
import type { ValueCodec } from "../protocol/value_codec.ts";
import type { Host, HostKind } from "./host.ts";
import type { ConnectedWorker, ManagedHost } from "./managed_host.ts";
import type { PendingConnections } from "./pending_connections.ts";

/** The settings of a supervisor, and its callbacks. */
export interface SupervisorOptions {
  /** Makes the host anew for each attempt to connect to it. */
  readonly makeHost: () => Host | Promise<Host>;
  /** The name of the host. */
  readonly name: string;
  /** How its workers are started. */
  readonly kind: HostKind;
  /** The host that the workers belong to, if that isn't the supervisor. */
  readonly owner?: ManagedHost;
  /** The labels and amounts of its machine. The default is none. */
  readonly place?: WorkerPlace;
  /**
   * How many workers there are, or may be if their number changes; 0 while that
   * is unknown.
   */
  readonly workers: number;
  /** How their number changes, if it does. */
  readonly scaling?: ScalingSettings | undefined;
  /** How many losses a minute are replaced, for each worker on average. */
  readonly maxRestarts: number;
  /** The time limit for a start, in milliseconds. */
  readonly startTimeout: number;
  /** How values are encoded. */
  readonly codec: ValueCodec;
  /**
   * Whether a start has no time limit, as workers wait for a debugger. The default
   * is `false`.
   */
  readonly startsAnyTime?: boolean;
  /** How ssh logs in to the machine, if it is another one. */
  readonly login?: string;
  /** The connections that the pool waits for. */
  readonly pendingConnections: PendingConnections;
  /** Called with the number, the name and the `login` of each worker. */
  readonly onName: (
    worker: number,
    name: string,
    login: string | undefined,
  ) => void;
  /** Called with the number of each worker that is ended before it connects. */
  readonly onCalledOff: (worker: number) => void;
  /** Called with the number of each worker that has ended, after its output. */
  readonly onEnded: (worker: number) => void;
  /**
   * Called with each worker that replaces a lost one; resolves when the worker
   * is in use, or won't be.
   */
  readonly onWorker: (worker: ConnectedWorker) => Promise<void>;
  /** Called when the host is lost, or its workers aren't replaced any more. */
  readonly onChanged: () => void;
  /**
   * Called with the reason when the host is lost and must not be connected
   * again. By default, the supervisor connects to it again.
   */
  readonly onHostLost?: (reason: Error) => void;
  /** Prints a line about the host. */
  readonly report: (line: string) => void;
}
