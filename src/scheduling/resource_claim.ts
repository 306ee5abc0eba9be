import type { Call } from "../calls/call.ts";
import type { Need, Placement } from "../calls/placement.ts";
import type { Claim, ResourceLedger } from "./resource_ledger.ts";
import type { WorkerHandle } from "./worker_handle.ts";

/** Calls that wait, in their order. */
export interface WaitingCalls {
  /** How many calls wait. */
  readonly length: number;
  /** Takes the first call. */
  shift(): Call | undefined;
}

/** Calls that take resources and wait for them. */
export interface ResourceList {
  /** Where they may run, and what each takes. */
  readonly placement: Placement;
  /** The calls. */
  readonly calls: WaitingCalls;
  /** The priority of the first call. */
  readonly priority: number;
  /** Whether each must run on a worker that has no other call. */
  readonly isIsolated: boolean;
  /** The worker where they must run; `undefined`: any. */
  readonly worker?: WorkerHandle | undefined;
}

/** The ledger of a machine at which claims wait. */
export type Ledger = ResourceLedger<ResourceClaim>;

/**
 * Calls that wait for resources: those of a list, or one that must run in
 * isolation.
 *
 * A claim waits at one machine, where what it needs is kept free for it. If only
 * a worker is missing, one gets no other calls until it is free.
 */
export class ResourceClaim implements Claim {
  /** The key of the list. */
  readonly key: object;
  /** The calls that wait. */
  readonly list: ResourceList;
  /** The worker where the calls must run; `undefined`: any. */
  readonly worker: WorkerHandle | undefined;
  /** Whether everything but a worker is free at {@linkcode reservedAt}. */
  isReady = false;
  #reservedAt: Ledger | undefined;
  #held: WorkerHandle | undefined;
  /** How many calls the worker had when it was asked to give some back. */
  #askedAt = 0;

  /** Constructs a claim that waits nowhere. */
  constructor(key: object, list: ResourceList) {
    this.key = key;
    this.list = list;
    this.worker = list.worker;
  }

  /** Where the calls may run. */
  get placement(): Placement {
    return this.list.placement;
  }

  /** The waiting calls. */
  get calls(): WaitingCalls {
    return this.list.calls;
  }

  /** The priority of the first call. */
  get priority(): number {
    return this.list.priority;
  }

  /** Whether the worker may have no other call. */
  get isIsolated(): boolean {
    return this.list.isIsolated;
  }

  /** What each call takes. */
  get needs(): readonly Need[] {
    return this.placement.needs!;
  }

  /** The machine where what the first call takes is kept free. */
  get reservedAt(): Ledger | undefined {
    return this.#reservedAt;
  }

  /** The worker that gets no other calls, if any. */
  get held(): WorkerHandle | undefined {
    return this.#held;
  }

  /** Returns whether the calls may run on a worker of a matching machine. */
  accepts(worker: WorkerHandle): boolean {
    return this.worker === undefined || worker === this.worker;
  }

  /**
   * Returns whether a worker could begin a call at once.
   *
   * @param holder The claim that the worker is kept for, if any.
   */
  canUse(worker: WorkerHandle, holder?: ResourceClaim): boolean {
    if (!this.accepts(worker)) return false;
    const { window, isReceptive, reservation } = worker;
    const isFree = reservation === undefined || worker === this.#held ||
      holder !== undefined && !holder.isIsolated &&
        holder.priority < this.priority;
    const most = this.isIsolated ? 1 : window.concurrency;
    return isFree && isReceptive && window.calls < most;
  }

  /** Keeps free what the first call takes, at a machine or nowhere. */
  reserve(ledger: Ledger | undefined): void {
    if (this.#reservedAt !== undefined) this.#reservedAt.reservations--;
    if (ledger !== undefined) ledger.reservations++;
    this.#reservedAt = ledger;
    this.isReady = false;
  }

  /** Gives a worker no other calls until it has begun one of these. */
  hold(worker: WorkerHandle): void {
    this.#held = worker;
    this.#askedAt = 0;
    worker.reserve("draining");
    this.recall();
  }

  /** Asks the worker to give back calls that would make the claim wait. */
  recall(): void {
    const worker = this.#held;
    if (worker === undefined || worker.isRecalling || worker.isEnding) return;
    const { calls, concurrency } = worker.window;
    // It may have nothing to give back until it has answered.
    if (worker.items <= concurrency || calls === this.#askedAt) return;
    this.#askedAt = calls;
    worker.recall({ parts: 0, keep: 0, cut: true });
  }

  /** Gives the worker other calls again. */
  release(): void {
    const worker = this.#held;
    this.#held = undefined;
    if (worker?.reservation === "draining") worker.reserve(undefined);
  }
}
