import { Barrier } from "./barrier.ts";
import type { Call } from "../calls/call.ts";
import { CallCounts } from "../calls/call_counts.ts";
import type { CallKind } from "../calls/call_kind.ts";
import { Cancellation } from "./cancellation.ts";
import { withoutFrames } from "../calls/caller_trace.ts";
import { type CallSource, CallSources } from "./call_sources.ts";
import { CallSituations } from "./call_situations.ts";
import { Dispatcher } from "./dispatcher.ts";
import type { KeepAlive } from "../util/keep_alive.ts";
import { KeyedWorkers } from "./keyed_workers.ts";
import type { Placement } from "../calls/placement.ts";
import { PendingQueue } from "./pending_queue.ts";
import { QueueFullError } from "../errors/queue_full_error.ts";
import { QueueLimit } from "./queue_limit.ts";
import type { WorkerPlace } from "../options/place.ts";
import type { PromisedCall } from "../calls/promised_call.ts";
import { type Resolve, UnobservedCall } from "../calls/unobserved_call.ts";
import { ResultMode } from "../protocol/worker_messages.ts";
import { RequeuedCalls } from "./requeued_calls.ts";
import { ResourceCalls } from "./resource_calls.ts";
import { SharedPace } from "./shared_pace.ts";
import { TaskDurations } from "./task_durations.ts";
import { ThrownCalls } from "./thrown_calls.ts";
import type { WorkerHandle } from "./worker_handle.ts";
import type { SchedulerEvents } from "./scheduler_events.ts";
import { UnmetPlacements } from "./unmet_placements.ts";
import {
  presentMicroseconds,
  type WaitingWork,
  waitingWork,
} from "./waiting_work.ts";
import { WorkerConnections } from "./worker_connections.ts";
import { WorkerSet } from "./worker_set.ts";

/**
 * Takes calls and workers, and sends the calls to the workers. Settles the calls
 * of lost workers, and those that are left when the pool ends.
 */
export class Scheduler {
  /** Finds out where calls are, and why they wait. */
  readonly situations: CallSituations;
  readonly #durations = new TaskDurations();
  readonly #workers = new WorkerSet(this.#durations);
  readonly #keyed = new KeyedWorkers(this.#workers);
  readonly #pending = new PendingQueue(
    this.#keyed,
    () => this.wake(),
  );
  readonly #resources = new ResourceCalls();
  readonly #sources: CallSources;
  readonly #dispatcher: Dispatcher;
  readonly #connections: WorkerConnections;
  readonly #thrownCalls = new ThrownCalls((call, pause) =>
    this.#requeued.delay(call, pause)
  );
  readonly #counts: CallCounts;
  readonly #cancellation: Cancellation;
  readonly #requeued: RequeuedCalls;
  /** How many calls may wait; `undefined` if any number may. */
  readonly #limit: QueueLimit | undefined;
  /** If closed, creates the error for each call submitted from now on. */
  #closed: (() => Error) | undefined;

  /**
   * Constructs a scheduler that has no workers yet.
   *
   * @param pace What the windows of its workers have in common.
   * @param maxQueue How many calls may wait for a worker: see
   * {@linkcode Scheduler.admit}.
   * @param limitsItems Whether workers may get only so many items in all.
   */
  constructor(
    keepAlive: KeepAlive,
    events: SchedulerEvents,
    pace: SharedPace = new SharedPace(),
    maxQueue = Infinity,
    limitsItems = false,
  ) {
    this.#sources = new CallSources(
      keepAlive,
      this.#workers,
      this.#resources,
    );
    const wake = () => this.wake();
    this.#counts = new CallCounts(keepAlive, wake);
    this.#cancellation = new Cancellation(
      this.#pending,
      this.#workers,
      this.#counts,
    );
    this.#requeued = new RequeuedCalls(
      this.#pending,
      this.#cancellation,
      wake,
    );
    this.#limit = maxQueue === Infinity ? undefined : new QueueLimit(
      maxQueue,
      this.#counts,
      keepAlive,
      () => this.#dispatcher.room,
    );
    const unmet = new UnmetPlacements(this.#workers, events);
    const parts = {
      pending: this.#pending,
      workers: this.#workers,
      durations: this.#durations,
      sources: this.#sources,
      resources: this.#resources,
      keyed: this.#keyed,
      counts: this.#counts,
      thrown: this.#thrownCalls,
      unmet,
    };
    this.#dispatcher = new Dispatcher({
      ...parts,
      pace,
      limitsItems,
      dispatched: this.#afterDispatch(events),
    });
    this.#connections = new WorkerConnections({
      ...parts,
      dispatcher: this.#dispatcher,
      requeued: this.#requeued,
      initializers: new CallCounts(keepAlive, wake),
      events,
      isNeeded: () => this.#needsWorkers,
    });
    this.situations = new CallSituations({
      ...parts,
      observers: [
        this.#counts,
        ...this.#limit === undefined ? [] : [this.#limit],
      ],
      limit: this.#limit,
      barrierRuns: () => this.#dispatcher.barrierRuns,
    });
  }

  /** How many workers were added and not lost. */
  get workers(): number {
    return this.#workers.size;
  }

  /** How many calls wait for a worker. */
  get queued(): number {
    return this.#pending.length;
  }

  /** See {@linkcode waitingWork}. */
  get waitingWork(): WaitingWork[] {
    return waitingWork(
      this.#pending,
      this.#workers,
      this.#sources,
      this.#resources,
      this.#limit?.waiters,
    );
  }

  /** See {@linkcode ResourceCalls.free}. */
  free(placement: Placement, place: WorkerPlace, most: number): number {
    return this.#resources.free(placement, place, most);
  }

  /** See {@linkcode presentMicroseconds}. */
  get presentMicroseconds(): number {
    return presentMicroseconds(this.#workers);
  }

  /** See {@linkcode WorkerConnections.connect}. */
  connect(
    worker: WorkerHandle,
    initializer: PromisedCall<unknown> | undefined,
  ): Promise<void> {
    return this.#connections.connect(worker, initializer);
  }

  /** Adds connected workers; skips those lost or drained meanwhile. */
  add(workers: readonly WorkerHandle[]): void {
    const usable = workers.filter(({ lost, isRetired }) => !lost && !isRetired);
    this.#workers.add(usable);
    for (const worker of usable) this.#resources.add(worker);
    this.#sources.workersChanged();
    this.wake();
  }

  /**
   * Gives a worker no more calls. Those that it hasn't begun go to other
   * workers, with the rest of a chunk that has begun.
   *
   * @returns A promise that resolves when the worker has no calls or is lost.
   */
  drain(worker: WorkerHandle): Promise<void> {
    return this.#dispatcher.drain(worker);
  }

  /** Closes the connections to all workers. */
  disconnect(): void {
    for (const worker of this.#workers) worker.close();
  }

  /** Queues a call; fails it if the scheduler is closed. */
  submit(call: Call): void {
    if (call.state === "settled") return;
    if (this.#closed !== undefined) return call.fail(this.#closed());
    if (call.mode !== ResultMode.FLATTEN) this.#sources.otherCame();
    call.submit(this.#counts);
    this.#pending.push(call);
    this.wake();
  }

  /**
   * Queues a call that isn't part of a map. It fails if no worker can take it at
   * once, and as many calls as may wait already do.
   */
  admit(call: Call): void {
    const limit = this.#limit;
    if (limit === undefined || this.#closed !== undefined) {
      return this.submit(call);
    }
    this.#sources.otherCame();
    call.submit(limit);
    this.#pending.push(call);
    if (!limit.isExceeded) {
      limit.accepted();
      return this.wake();
    }
    // Those before it may only wait for the next microtask.
    this.#dispatcher.dispatchNow();
    if (limit.isExceeded && call.state === "queued") {
      call.cancel(withoutFrames(new QueueFullError(limit.max)));
    } else limit.accepted();
  }

  /** Resolves when {@linkcode Scheduler.admit} would accept a call. */
  hasRoom(): Promise<void> {
    if (this.#closed !== undefined) return Promise.reject(this.#closed());
    if (this.#limit === undefined) return Promise.resolve();
    const room = this.#limit.hasRoom();
    // If there is none, the pool may start another worker.
    if (this.#limit.waiters > 0) this.wake();
    return room;
  }

  /**
   * Queues a call that is made when it is sent: see {@linkcode UnmadeCalls}.
   *
   * @param resolve Resolves its promise.
   */
  submitUnmade(kind: CallKind, payload: unknown, resolve: Resolve): void {
    if (this.#closed !== undefined) {
      return new UnobservedCall(kind, payload, resolve).fail(this.#closed());
    }
    this.#sources.otherCame();
    const counts = this.#counts;
    counts.moved(kind, undefined, "queued");
    this.#pending.listFor(kind.terms.placement)
      .pushUnmade(kind, payload, resolve, counts);
    this.wake();
  }

  /**
   * Queues a call that continues a submitted one, even if the scheduler was
   * closed meanwhile; fails it if queued calls were cancelled.
   */
  resubmit(call: Call): void {
    call.submit(this.#counts);
    this.#requeued.push(call);
  }

  /**
   * Does the same after a pause.
   *
   * @param attempts How many times its task has run.
   * @param pause How long it waits, in milliseconds.
   */
  resubmitLater(call: Call, attempts: number, pause: number): void {
    call.submit(this.#counts);
    this.#thrownCalls.delay(call, attempts, pause);
  }

  /**
   * Starts a second run of a call: see {@linkcode Dispatcher.backUp}. There are
   * none once queued calls were cancelled.
   *
   * @param makeBackup Makes the call that runs the same.
   * @returns Whether it was started.
   */
  backUp(call: Call, makeBackup: () => Call): boolean {
    return !this.#cancellation.hasBegun &&
      this.#dispatcher.backUp(call, makeBackup);
  }

  /**
   * Sends a call to every worker after all earlier calls have ended. Later
   * calls wait until these calls have ended.
   *
   * @param makeCall Creates the call for one worker.
   * @param placement Which workers get a call; `undefined` for all of them.
   * @param task The name of their task.
   * @param onEnd Called when the calls have ended, or won't begin.
   * @returns The results of all calls.
   */
  submitToAll(
    makeCall: () => PromisedCall<unknown>,
    placement?: Placement,
    task?: string,
    onEnd?: () => void,
  ): Promise<unknown[]> {
    if (this.#closed !== undefined) {
      onEnd?.();
      return Promise.reject(this.#closed());
    }
    const barrier = new Barrier(
      makeCall,
      placement,
      this.#counts,
      task,
      onEnd,
    );
    this.#pending.pushBarrier(barrier);
    this.wake();
    return barrier.results;
  }

  /**
   * Fails a call of {@linkcode Scheduler.submitToAll} that hasn't begun.
   *
   * @param makeCall The function that was passed to `submitToAll()`.
   */
  withdraw(makeCall: () => PromisedCall<unknown>, reason: unknown): void {
    this.#pending.removeBarrier((barrier) => barrier.makeCall === makeCall)
      ?.fail(reason);
  }

  /** Asks a source for calls from now on, until it ends. */
  addSource(source: CallSource): void {
    if (this.#closed !== undefined) return source.stop(this.#closed());
    this.#dispatcher.addSource(source);
  }

  /**
   * Fails all calls that are submitted from now on.
   *
   * @param reason Creates an error for each call, because each has its own
   * caller.
   */
  close(reason: () => Error): void {
    // Comes first, because the sources may submit their remaining items.
    this.#sources.stop(reason);
    this.#closed ??= reason;
    this.#limit?.close(reason);
  }

  /** See {@linkcode Cancellation.cancelQueued}. */
  cancelQueued(reason: () => Error): void {
    this.#cancellation.cancelQueued(reason);
  }

  /** See {@linkcode Cancellation.cancelAll}. */
  cancelAll(reason: () => Error): void {
    this.#cancellation.cancelAll(reason);
  }

  /** See {@linkcode Cancellation.cancelUnawaited}. */
  cancelUnawaited(reason: () => Error): number {
    return this.#cancellation.cancelUnawaited(reason);
  }

  /** See {@linkcode Cancellation.releaseUnawaited}. */
  releaseUnawaited(): void {
    this.#cancellation.releaseUnawaited();
  }

  /** How many calls are queued or in flight, without initializers. */
  get pending(): number {
    return this.#counts.pending;
  }

  /**
   * Whether no call is queued or in flight, except initializers, and nobody waits
   * to make one.
   */
  get isIdle(): boolean {
    return this.#counts.isIdle && (this.#limit?.waiters ?? 0) === 0;
  }

  /** Waits until no call is queued or in flight, except initializers. */
  idle(): Promise<void> {
    return this.#counts.idle();
  }

  /** Tells the workers that know a task to forget it. */
  forget(task: number): void {
    this.#connections.forget(task);
  }

  /** Schedules a dispatch in a microtask, unless one is already scheduled. */
  wake(): void {
    this.#dispatcher.wake();
  }

  /** Whether anything waits for a worker, or for the end of the pool. */
  get #needsWorkers(): boolean {
    return this.#closed !== undefined || this.#sources.length > 0 ||
      this.#pending.length > 0 || this.#pending.hasBarriers;
  }

  /** Returns the callback after each dispatch, if there is anything to do. */
  #afterDispatch(events: SchedulerEvents): (() => void) | undefined {
    const limit = this.#limit;
    if (limit === undefined) {
      return events.dispatched && (() => events.dispatched!());
    }
    return () => {
      limit.wake();
      events.dispatched?.();
    };
  }
}
