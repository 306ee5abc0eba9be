import type { WorkerPlace } from "../options/place.ts";
import type { WorkerRange } from "../options/worker_count.ts";
import type { WorkerProcess } from "../spawner/worker_process.ts";
import type { Channel } from "../transport/channel.ts";
import type { HostKind } from "./host.ts";

/** Agents that wait for their turn in a queue. */
export interface PendingAgents {
  /** How many agents wait. */
  readonly agents: number;
  /** Why they wait, in the words of the queue, such as `"Resources"`. */
  readonly reason: string;
}

/** Workers of a host that aren't there yet. */
export interface StartingWorkers {
  /** How many were started and haven't connected. */
  readonly workers: number;
  /** How many jobs have started whose workers haven't; by default none. */
  readonly jobs?: number;
  /** When the first of these jobs were started (`performance.now()`). */
  readonly jobsSince?: number;
  /**
   * When the first of them were started, or when the pool began to connect to
   * their machine (`performance.now()`).
   */
  readonly since: number | undefined;
  /**
   * When the next ones start, or when the pool tries to connect to their machine
   * again (`performance.now()`), if it makes a pause.
   */
  readonly next: number | undefined;
}

/**
 * A host as the pool manages it: one machine whose workers are supervised, or a
 * group of machines that join and leave.
 */
export interface ManagedHost {
  /** The name of the host, unique in its pool. */
  readonly name: string;
  /** How its workers are started. */
  readonly kind: HostKind;
  /**
   * The labels and amounts that its machines are known to have, before any worker
   * has connected; by default none.
   */
  readonly place?: WorkerPlace;
  /** How many workers it should have now; 0 while that is unknown. */
  readonly workers: number;
  /** How many workers it may have; `undefined` if their number is fixed. */
  readonly range?: Required<WorkerRange> | undefined;
  /** How many requests for workers were refused so far. */
  readonly refusals?: number;
  /** Why the host isn't in use, if it isn't. */
  readonly error: Error | undefined;
  /** When the host was lost (`performance.now()`), until it is back. */
  readonly lostSince: number | undefined;
  /** How many workers were lost so far, alone or together with the host. */
  readonly lostWorkers: number;
  /** Whether it has workers or will have some. */
  readonly expectsWorkers: boolean;
  /** The agents that wait in a queue, if any. */
  readonly pending: PendingAgents | undefined;
  /** The workers that aren't there yet, if any. */
  readonly starting: StartingWorkers | undefined;
  /**
   * Starts the workers of one machine and waits until they have connected; of a
   * group of machines, asks for them and resolves to none: workers that connect
   * later are reported as they do.
   *
   * @throws {HostError} If the host can't be used. Call
   * {@linkcode ManagedHost.stop} even then.
   */
  start(): Promise<ConnectedWorker[]>;
  /**
   * Changes how many workers it should have. To grow, it starts more, and
   * reports them as they connect. To shrink, it cancels those that wait or
   * start; connected workers must be drained, then released.
   *
   * @param workers The number of workers.
   */
  resize(workers: number): void;
  /**
   * Starts another worker in place of a connected one that gets no more calls.
   * That one must be drained, then released; its end is no loss, unless it is
   * refused.
   */
  replace(worker: WorkerProcess): void;
  /** Ends a worker that was drained, and doesn't replace it. */
  release(worker: WorkerProcess): void;
  /** Kills all workers and replaces none. */
  kill(): void;
  /** Ends everything that was started, and waits until it has ended. */
  stop(): Promise<void>;
}

/** A worker that has connected back. */
export interface ConnectedWorker {
  /** Its process. */
  readonly process: WorkerProcess;
  /** The channel to it. */
  readonly channel: Channel;
  /** Its host. */
  readonly host: ManagedHost;
  /** The labels and amounts of its machine. */
  readonly place: WorkerPlace;
  /** The worker in whose place it has started: see {@linkcode ManagedHost.replace}. */
  readonly replaces?: WorkerProcess | undefined;
}
