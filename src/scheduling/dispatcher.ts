import type { AffinityLists } from "./affinity_lists.ts";
import { findBackupWorker } from "./backup_worker.ts";
import type { Barrier } from "./barrier.ts";
import type { Call } from "../calls/call.ts";
import type { CallCounts } from "../calls/call_counts.ts";
import type { CallList } from "./call_list.ts";
import type { CallSource, CallSources } from "./call_sources.ts";
import { DrainingWorkers } from "./draining_workers.ts";
import type { KeyedWorkers } from "./keyed_workers.ts";
import type { Placement } from "../calls/placement.ts";
import type { PendingQueue } from "./pending_queue.ts";
import { Rebalancer } from "./rebalancer.ts";
import type { ResourceCalls, ResourceTakers } from "./resource_calls.ts";
import type { SharedPace } from "./shared_pace.ts";
import {
  hasStranded,
  type KeyedCallTakers,
  parkForResources,
  shareKeyed,
  unparkCalls,
} from "./share_keyed.ts";
import { shareFairly, type SlowCalls } from "./share_fairly.ts";
import type { TaskDurations } from "./task_durations.ts";
import type { UnmetPlacements } from "./unmet_placements.ts";
import type { WorkerHandle } from "./worker_handle.ts";
import type { WorkerSet } from "./worker_set.ts";

/** The parts of a scheduler that a dispatch concerns. */
export interface DispatcherParts {
  /** Everything that waits for a worker. */
  readonly pending: PendingQueue;
  /** The workers that get calls. */
  readonly workers: WorkerSet;
  /** How long calls take. */
  readonly durations: TaskDurations;
  /** What the windows of the workers have in common. */
  readonly pace: SharedPace;
  /** The sources of further calls. */
  readonly sources: CallSources;
  /** Sends the calls that take resources. */
  readonly resources: ResourceCalls;
  /** Knows the workers of calls with keys. */
  readonly keyed: KeyedWorkers;
  /** Counts the calls, those of barriers too. */
  readonly counts: CallCounts;
  /** The placements with which no call can run. */
  readonly unmet: UnmetPlacements;
  /** Whether workers may get only so many items in all. */
  readonly limitsItems: boolean;
  /** Called after each dispatch, if somebody wants to know. */
  readonly dispatched?: (() => void) | undefined;
}

/**
 * Sends queued calls to the least busy workers that have room in their windows.
 * If room is left, it asks sources for more calls.
 */
export class Dispatcher {
  readonly #pending: PendingQueue;
  readonly #workers: WorkerSet;
  readonly #durations: TaskDurations;
  readonly #pace: SharedPace;
  readonly #sources: CallSources;
  readonly #resources: ResourceCalls;
  readonly #keyed: KeyedWorkers;
  readonly #counts: CallCounts;
  readonly #unmet: UnmetPlacements;
  readonly #rebalancer: Rebalancer;
  readonly #draining: DrainingWorkers;
  readonly #dispatched: (() => void) | undefined;
  /** The calls at the head of the queue that slow workers have given back. */
  #slowCalls: SlowCalls = { calls: 0, microseconds: 0 };
  /** Whether a barrier is running; no other call may run meanwhile. */
  #barrierRuns = false;
  #isDue = false;
  #isDispatching = false;
  /** Whether calls with keys come before others in the next dispatch. */
  #keyedFirst = false;
  #sourceAdded = false;

  /** Constructs a dispatcher that waits for {@linkcode Dispatcher.wake}. */
  constructor(parts: DispatcherParts) {
    this.#pending = parts.pending;
    this.#workers = parts.workers;
    this.#durations = parts.durations;
    this.#pace = parts.pace;
    this.#sources = parts.sources;
    this.#resources = parts.resources;
    this.#keyed = parts.keyed;
    this.#counts = parts.counts;
    this.#unmet = parts.unmet;
    this.#dispatched = parts.dispatched;
    this.#sendShared = parts.limitsItems
      ? (worker, call) => {
        this.#cutToFit(call, worker);
        this.#send(worker, call);
      }
      : (worker, call) => this.#send(worker, call);
    // The calls of a barrier stay where they are.
    this.#rebalancer = new Rebalancer(
      this.#workers,
      () => !this.#barrierRuns,
    );
    // So do the initializers of workers that weren't added yet.
    this.#draining = new DrainingWorkers(
      (worker) => !this.#barrierRuns && this.#workers.includes(worker),
    );
  }

  /** Asks a source for calls from now on, until it ends. */
  addSource(source: CallSource): void {
    this.#sources.add(source);
    this.#sourceAdded = true;
    this.wake();
  }

  /**
   * Takes note of a change of a worker's load.
   *
   * @param hasAnswered Whether calls of the worker have returned.
   */
  refresh(worker: WorkerHandle, hasAnswered = false): void {
    this.#workers.refresh(worker);
    this.#resources.changed(worker);
    this.#rebalancer.update(worker, hasAnswered);
    this.#draining.update(worker, hasAnswered);
  }

  /** See {@linkcode DrainingWorkers.add}. */
  drain(worker: WorkerHandle): Promise<void> {
    return this.#draining.add(worker);
  }

  /**
   * Does the same with a worker that waits until it is asked to give back calls,
   * even if it must keep all of them.
   */
  drainHeld(worker: WorkerHandle): Promise<void> {
    const drained = this.#draining.add(worker);
    const waits = worker.hasCalls && !worker.isRecalling && !worker.isEnding;
    if (waits) worker.recall({ parts: 1, keep: 0, cut: false });
    return drained;
  }

  /** Takes note that a worker has given back calls, which are queued again. */
  gaveBack(worker: WorkerHandle, calls: number): void {
    if (calls === 0) return this.#rebalancer.gaveNothing(worker);
    const { isSlow, silence, concurrency } = worker.window;
    if (!isSlow) return;
    const microseconds = silence * 1_000 / concurrency;
    this.#slowCalls = { calls, microseconds };
    // They must not wait behind other slow ones.
    this.#rebalancer.holdStuck();
  }

  /**
   * Sends a second run of a call that is in flight to another worker, if one has
   * a free place.
   *
   * @param makeBackup Makes the call that runs the same.
   * @returns Whether it was sent.
   */
  backUp(call: Call, makeBackup: () => Call): boolean {
    const mayMove = !this.#barrierRuns && !call.terms.placement?.isKeyed;
    const own = mayMove ? this.#workers.find(call) : undefined;
    // A call in isolation may end its worker.
    if (own === undefined || own.reservation === "isolated") return false;
    const worker = findBackupWorker(this.#workers, call, own);
    if (worker === undefined) return false;
    own.window.hold();
    this.#workers.refresh(own);
    const backup = makeBackup();
    backup.submit(this.#counts);
    this.#sendAlone(worker, backup);
    return true;
  }

  /** Takes no more calls back from a worker, because it is lost. */
  remove(worker: WorkerHandle): void {
    this.#resources.remove(worker);
    this.#rebalancer.remove(worker);
    this.#draining.remove(worker);
  }

  /** Whether a barrier is running. */
  get barrierRuns(): boolean {
    return this.#barrierRuns;
  }

  /** Schedules a dispatch in a microtask, unless one is already scheduled. */
  wake(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    queueMicrotask(this.#dispatchOnce);
  }

  /** Dispatches at once, unless a dispatch is running. */
  dispatchNow(): void {
    if (this.#isDispatching) return;
    this.#isDue = true;
    this.#dispatchOnce();
  }

  /** How many calls that may run anywhere could be sent at once. */
  get room(): number {
    if (this.#barrierRuns || this.#pending.hasBarriers) return 0;
    return this.#workers.room(undefined);
  }

  // An arrow function in a field, so wake() doesn't create a closure each time.
  readonly #dispatchOnce = () => {
    this.#sourceAdded = false;
    this.#isDispatching = true;
    this.#dispatch();
    this.#isDispatching = false;
    this.#dispatched?.();
    // The dispatch handled all calls submitted meanwhile, but not sources that
    // were added while another source was asked.
    this.#isDue = false;
    if (this.#sourceAdded) this.wake();
  };

  // The same for the callbacks of a dispatch.
  readonly #sendIsolated = (worker: WorkerHandle, call: Call) =>
    this.#sendAlone(worker, call);
  readonly #sendShared: (worker: WorkerHandle, call: Call) => void;
  readonly #takers: ResourceTakers = {
    send: (worker, call, grant) => {
      this.#cutToFit(call, worker);
      worker.assign(call, grant);
      this.#sent(call);
      this.refresh(worker);
    },
    othersWait: (worker, priority, isHigher) =>
      this.#pending.hasFor(worker, priority, isHigher),
  };
  readonly #keyedTakers: KeyedCallTakers = {
    send: (worker, call) => this.#sendShared(worker, call),
    changed: (worker) => this.refresh(worker),
  };
  readonly #refreshSent = (worker: WorkerHandle) => this.refresh(worker);
  readonly #waiting = (placement: Placement | undefined, priority: number) =>
    this.#pending.waiting(placement, priority);

  #dispatch(): void {
    this.#workers.beginDispatch();
    this.#sources.prune();
    if (this.#barrierRuns) return;
    this.#draining.recall();
    for (const level of this.#pending.levels) {
      if (level.hasKeyed) unparkCalls(level);
    }
    this.#unmet.failCalls(this.#pending, this.#sources);
    this.#pending.dispatchIsolated(this.#workers, this.#sendIsolated);
    if (!this.#pending.hasBarriers) this.#sources.pull(this.#waiting);
    // The sources may have submitted such calls.
    for (const level of this.#pending.levels) {
      if (level.hasKeyed) parkForResources(level, this.#keyed);
    }
    this.#resources.dispatch(this.#pending.resourceLists(), this.#takers);
    this.#share();
    if (this.#resources.dispatchRest(this.#takers)) this.#wakeAfterDispatch();
    for (const level of this.#pending.levels) {
      // Their worker has got the last call that it may run.
      if (level.hasKeyed && hasStranded(level)) this.#wakeAfterDispatch();
    }
    if (this.#pending.reassignIsolated()) this.#wakeAfterDispatch();
    this.#slowCalls.calls = 0;
    this.#rebalancer.balance();
    if (this.#counts.inFlight === 0) this.#beginBarrier();
  }

  /** Sends queued calls to workers that have room. */
  #share(): void {
    const { levels } = this.#pending;
    if (levels.length > 1) return this.#shareLevels(levels);
    const [level] = levels;
    if (level!.hasKeyed) return this.#shareLevels(levels);
    const lists = level!.listsInTurn();
    if (lists.length === 0) return;
    const start = performance.now();
    for (const [placement, calls] of lists) this.#shareList(placement, calls);
    this.#pace.sent(performance.now() - start);
  }

  /** Sends calls of the highest priority first. */
  #shareLevels(levels: readonly AffinityLists[]): void {
    const start = performance.now();
    /** The placements of calls that are left. */
    const left = new Set<Placement | undefined>();
    for (const level of levels) {
      const isKeyedTurn = level.hasKeyed && this.#keyedFirst;
      if (isKeyedTurn) this.#shareKeyed(level);
      for (const [placement, calls] of level.listsInTurn()) {
        if (left.has(placement)) continue;
        this.#shareList(placement, calls);
        // If workers have room, it is kept for these calls.
        if (calls.length > 0) left.add(placement);
      }
      if (level.hasKeyed && !isKeyedTurn) this.#shareKeyed(level);
      if (left.has(undefined) || this.#workers.room(undefined) === 0) break;
    }
    this.#keyedFirst = !this.#keyedFirst;
    this.#pace.sent(performance.now() - start);
  }

  #shareKeyed(level: AffinityLists): void {
    const hasParked = shareKeyed(level, this.#keyed, this.#keyedTakers);
    // They don't use the room that sources were not offered because of them.
    if (hasParked && this.#sources.length > 0) this.#wakeAfterDispatch();
  }

  #shareList(placement: Placement | undefined, calls: CallList): void {
    shareFairly(
      calls,
      this.#workers,
      placement,
      this.#durations,
      this.#sendShared,
      this.#refreshSent,
      this.#slowCalls,
    );
  }

  #send(worker: WorkerHandle, call: Call): void {
    worker.send(call);
    this.#sent(call);
  }

  /** Cuts a chunk that has more items than a worker may get. */
  #cutToFit(call: Call, { window: { itemsLeft } }: WorkerHandle): void {
    if (call.items <= itemsLeft) return;
    const rest = call.cut(itemsLeft, 1, 0);
    for (const next of rest) next.submit(this.#counts);
    this.#pending.unshift(rest);
    this.#wakeAfterDispatch();
  }

  #sent(call: Call): void {
    // If the call couldn't be sent, sources may use the room.
    if (call.state !== "sent") this.#wakeAfterDispatch();
  }

  #wakeAfterDispatch(): void {
    queueMicrotask(() => this.wake());
  }

  /** Sends a call that doesn't share its worker's message with others. */
  #sendAlone(worker: WorkerHandle, call: Call): void {
    this.#send(worker, call);
    worker.flush();
    this.refresh(worker);
  }

  #beginBarrier(): void {
    const barrier = this.#pending.nextBarrier;
    if (barrier === undefined || !this.#canBegin(barrier)) return;
    // Another dispatch follows when an ending worker is removed.
    for (const { isEnding } of this.#workers) if (isEnding) return;
    this.#pending.removeBarrier((next) => next === barrier);
    if (this.#unmet.has(barrier.placement)) {
      barrier.fail(this.#unmet.error(barrier.placement!));
      return this.#wakeAfterDispatch();
    }
    this.#barrierRuns = true;
    const calls = this.#takersOf(barrier).map((worker) => {
      const call = barrier.makeCall();
      call.submit(this.#counts);
      this.#sendAlone(worker, call);
      return call;
    });
    // The pool may have been shut down meanwhile.
    if (!this.#counts.holds(barrier)) {
      for (const call of calls) this.#counts.unhold(call);
    }
    barrier.begin(calls).then(() => {
      this.#barrierRuns = false;
      this.wake();
    });
  }

  /** Returns whether a barrier has workers to run on, or can only fail. */
  #canBegin(barrier: Barrier): boolean {
    return this.#workers.size > 0 &&
      (this.#unmet.has(barrier.placement) ||
        this.#takersOf(barrier).length > 0);
  }

  /** Returns the workers that a barrier runs on. */
  #takersOf({ placement }: Barrier): WorkerHandle[] {
    return this.#workers.at(placement).filter(({ isRetired }) => !isRetired);
  }
}
