import { Barrier } from "./barrier.ts";
import type { Call } from "../calls/call.ts";
import { CallCounts } from "../calls/call_counts.ts";
import type { CallKind } from "../calls/call_kind.ts";
import { withoutFrames } from "../calls/caller_trace.ts";
import { type CallSource, CallSources } from "./call_sources.ts";
import { BrokenPoolError } from "../errors/broken_pool_error.ts";
import { DefinedTasks } from "./defined_tasks.ts";
import { WorkerLostError } from "../errors/worker_lost_error.ts";
import type { KeepAlive } from "../util/keep_alive.ts";
import { PendingQueue } from "./pending_queue.ts";
import type { PromisedCall } from "../calls/promised_call.ts";
import { type Resolve, UnobservedCall } from "../calls/unobserved_call.ts";
import { Rebalancer } from "./rebalancer.ts";
import { ResultMode } from "../protocol/worker_messages.ts";
import { Retries } from "./retries.ts";
import { SharedPace } from "./shared_pace.ts";
import { shareFairly, type SlowCalls } from "./share_fairly.ts";
import { TaskDurations } from "./task_durations.ts";
import type { LostWorker, WorkerHandle } from "./worker_handle.ts";
import { WorkerSet } from "./worker_set.ts";

/** The scheduler's callbacks to its owner. */
export interface SchedulerEvents {
  /** Handles the loss of a worker, which may have been the last one. */
  lost(worker: WorkerHandle, loss: LostWorker): void;
  /** Returns whether a host has or may get workers; `undefined`: any host. */
  expects(host: string | undefined): boolean;
  /** Returns the reason why a host can't be used, if known. */
  hostError(host: string): Error | undefined;
}

/**
 * Sends queued calls to the least busy workers that have room in their windows.
 * If room is left, it asks sources for more calls.
 */
export class Scheduler {
  readonly #events: SchedulerEvents;
  readonly #pending = new PendingQueue();
  readonly #durations = new TaskDurations();
  readonly #workers = new WorkerSet(this.#durations);
  readonly #definedTasks = new DefinedTasks();
  // The calls of a barrier stay where they are.
  readonly #rebalancer = new Rebalancer(
    this.#workers,
    () => !this.#barrierRuns,
  );
  readonly #sources: CallSources;
  /** The calls at the head of the queue that slow workers have given back. */
  #slowCalls: SlowCalls = { calls: 0, microseconds: 0 };
  readonly #retries = new Retries();
  readonly #counts: CallCounts;
  /** Counts the initializer calls of workers, which aren't the user's. */
  readonly #initializers: CallCounts;
  /** Whether a barrier is running; no other call may run meanwhile. */
  #barrierRuns = false;
  #dispatchDue = false;
  #sourceAdded = false;
  /** If closed, creates the error for each call submitted from now on. */
  #closed: (() => Error) | undefined;
  /** If cancelled, creates the error for each call to be queued again. */
  #cancelled: (() => Error) | undefined;

  readonly #pace: SharedPace;

  /**
   * Constructs a scheduler that has no workers yet.
   *
   * @param pace What the windows of its workers have in common.
   */
  constructor(
    keepAlive: KeepAlive,
    events: SchedulerEvents,
    pace: SharedPace = new SharedPace(),
  ) {
    this.#events = events;
    this.#pace = pace;
    this.#sources = new CallSources(keepAlive, this.#workers);
    const wake = () => this.wake();
    this.#counts = new CallCounts(keepAlive, wake);
    this.#initializers = new CallCounts(keepAlive, wake);
  }

  /** How many workers were added and not lost. */
  get workers(): number {
    return this.#workers.size;
  }

  /** How many calls wait for a worker. */
  get queued(): number {
    return this.#pending.length;
  }

  /**
   * Begins to receive from a worker, and runs its initializer. The worker gets
   * other calls only after {@linkcode Scheduler.add}.
   *
   * @param initializer The call of the initializer; `undefined` for none.
   */
  async connect(
    worker: WorkerHandle,
    initializer: PromisedCall<unknown> | undefined,
  ): Promise<void> {
    const loss = worker.receive({
      changed: (answered) => {
        this.#refresh(worker, answered > 0);
        this.wake();
      },
      measured: (task, calls, microseconds) =>
        this.#durations.add(task, calls, microseconds),
      givenBack: (calls) => this.#takeBack(worker, calls),
      defined: (task) => this.#definedTasks.add(task, worker),
    });
    loss.then((loss) => this.#lost(worker, loss));
    if (initializer === undefined) return;
    initializer.submit(this.#initializers);
    worker.send(initializer);
    worker.flush();
    await initializer.promise;
  }

  /** Adds connected workers; skips those lost meanwhile. */
  add(workers: readonly WorkerHandle[]): void {
    this.#workers.add(workers.filter(({ lost }) => !lost));
    this.#sources.workersChanged();
    this.wake();
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
    this.#pending.listFor(kind.terms.host)
      .pushUnmade(kind, payload, resolve, counts);
    this.wake();
  }

  /**
   * Queues a call that continues a submitted one, even if the scheduler was
   * closed meanwhile; fails it if queued calls were cancelled.
   */
  resubmit(call: Call): void {
    call.submit(this.#counts);
    if (this.#cancelled !== undefined) return call.fail(this.#cancelled());
    this.#pending.push(call);
    this.wake();
  }

  /**
   * Sends a call to every worker after all earlier calls have ended. Later
   * calls wait until these calls have ended.
   *
   * @param makeCall Creates the call for one worker.
   * @param host The host of the workers; `undefined` for all workers.
   * @returns The results of all calls.
   */
  submitToAll(
    makeCall: () => PromisedCall<unknown>,
    host?: string,
  ): Promise<unknown[]> {
    if (this.#closed !== undefined) return Promise.reject(this.#closed());
    const barrier = new Barrier(makeCall, host, this.#counts);
    this.#pending.pushBarrier(barrier);
    this.wake();
    return barrier.results;
  }

  /**
   * Withdraws a call of {@linkcode Scheduler.submitToAll} that hasn't begun.
   * Its promise stays pending.
   *
   * @param makeCall The function that was passed to `submitToAll()`.
   */
  withdraw(makeCall: () => PromisedCall<unknown>): void {
    this.#pending.removeBarrier((barrier) => barrier.makeCall === makeCall)
      ?.end();
  }

  /** Asks a source for calls from now on, until it ends. */
  addSource(source: CallSource): void {
    if (this.#closed !== undefined) return source.stop(this.#closed());
    this.#sources.add(source);
    this.#sourceAdded = true;
    this.wake();
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
  }

  /**
   * Fails all queued calls, and later the calls that would be queued again
   * because their worker is lost.
   *
   * @param reason Creates an error for each call.
   */
  cancelQueued(reason: () => Error): void {
    this.#cancelled ??= reason;
    const { calls, barriers } = this.#pending.drain();
    for (const call of calls) call.fail(reason());
    for (const barrier of barriers) barrier.fail(reason());
  }

  /**
   * Fails all calls, queued or in flight. Calls that nobody awaits cause no
   * unhandled rejections.
   *
   * @param reason Creates an error for each call.
   */
  cancelAll(reason: () => Error): void {
    for (const call of this.#unawaited()) call.ignoreFailure();
    this.cancelQueued(reason);
    for (const { calls } of this.#workers) {
      for (const call of [...calls]) call.fail(reason());
    }
  }

  /**
   * Fails the calls that nobody awaits. Calls that have begun may continue for
   * the grace period.
   *
   * @param reason Creates an error for each call.
   * @returns How many calls were failed.
   */
  cancelUnawaited(reason: () => Error): number {
    const calls = this.#unawaited();
    for (const call of calls) {
      call.ignoreFailure();
      call.cancel(reason());
    }
    return calls.length;
  }

  /** Stops calls that nobody awaits from keeping the program alive. */
  releaseUnawaited(): void {
    for (const call of this.#unawaited()) this.#counts.unhold(call);
  }

  /** How many calls are queued or in flight, without initializers. */
  get pending(): number {
    return this.#counts.pending;
  }

  /** Whether no call is queued or in flight, except initializers. */
  get isIdle(): boolean {
    return this.#counts.isIdle;
  }

  /** Waits until no call is queued or in flight, except initializers. */
  idle(): Promise<void> {
    return this.#counts.idle();
  }

  /** Tells the workers that know a task to forget it. */
  forget(task: number): void {
    this.#definedTasks.forget(task);
  }

  /** Schedules a dispatch in a microtask, unless one is already scheduled. */
  wake(): void {
    if (this.#dispatchDue) return;
    this.#dispatchDue = true;
    queueMicrotask(this.#dispatchOnce);
  }

  // An arrow function in a field, so wake() doesn't create a closure each time.
  readonly #dispatchOnce = () => {
    this.#sourceAdded = false;
    this.#dispatch();
    // The dispatch handled all calls submitted meanwhile, but not sources that
    // were added while another source was asked.
    this.#dispatchDue = false;
    if (this.#sourceAdded) this.wake();
  };

  // The same for the callbacks of a dispatch.
  readonly #sendIsolated = (worker: WorkerHandle, call: Call) =>
    this.#sendAlone(worker, call);
  readonly #sendShared = (worker: WorkerHandle, call: Call) =>
    this.#send(worker, call);
  readonly #refreshSent = (worker: WorkerHandle) => this.#refresh(worker);
  readonly #waiting = (host: string | undefined) => this.#pending.waiting(host);
  readonly #reasonToStop = (host: string | undefined) =>
    this.#isAbsent(host) ? this.#absent(host!) : undefined;

  #dispatch(): void {
    this.#sources.prune();
    if (this.#barrierRuns) return;
    this.#failUnplaceable();
    this.#pending.dispatchIsolated(this.#workers, this.#sendIsolated);
    if (!this.#pending.hasBarriers) this.#sources.pull(this.#waiting);
    this.#share();
    this.#slowCalls.calls = 0;
    this.#rebalancer.balance();
    if (this.#counts.inFlight === 0) this.#beginBarrier();
  }

  /** Sends queued calls to workers that have room. */
  #share(): void {
    const lists = this.#pending.listsInTurn();
    if (lists.length === 0) return;
    const start = performance.now();
    for (const [host, calls] of lists) {
      shareFairly(
        calls,
        this.#workers,
        host,
        this.#durations,
        this.#sendShared,
        this.#refreshSent,
        this.#slowCalls,
      );
    }
    this.#pace.sent(performance.now() - start);
  }

  #unawaited(): Call[] {
    const inFlight = [...this.#workers].flatMap(({ calls }) => [...calls]);
    return [...this.#pending.calls(), ...inFlight].filter(
      ({ isAwaited, state }) => !isAwaited && state !== "abandoned",
    );
  }

  /** Fails the calls for hosts that have no workers and won't get any. */
  #failUnplaceable(): void {
    for (const [host, calls] of this.#pending.lists()) {
      if (!this.#isAbsent(host)) continue;
      for (const call of calls.drain()) call.fail(this.#absent(host!));
    }
    for (const call of this.#pending.isolatedWithHost) {
      const { host } = call.terms;
      if (!this.#isAbsent(host)) continue;
      this.#pending.failIsolated(call, this.#absent(host!));
    }
    this.#sources.stop(this.#reasonToStop);
  }

  #isAbsent(host: string | undefined): boolean {
    return host !== undefined && !this.#workers.has(host) &&
      !this.#events.expects(host);
  }

  #absent(host: string): BrokenPoolError {
    const cause = this.#events.hostError(host);
    const why = cause === undefined ? "" : `: ${cause.message}`;
    return withoutFrames(
      new BrokenPoolError(
        `There is no worker on the host '${host}', where the task must run${why}`,
        cause && { cause },
      ),
    );
  }

  #send(worker: WorkerHandle, call: Call): void {
    worker.send(call);
    // If the call couldn't be sent, sources may use the room.
    if (call.state !== "sent") this.#wakeAfterDispatch();
  }

  /** Sends a call that doesn't share its worker's message with others. */
  #sendAlone(worker: WorkerHandle, call: Call): void {
    this.#send(worker, call);
    worker.flush();
    this.#refresh(worker);
  }

  #refresh(worker: WorkerHandle, hasAnswered = false): void {
    this.#workers.refresh(worker);
    this.#rebalancer.update(worker, hasAnswered);
  }

  /** Queues calls again that a worker has given back. */
  #takeBack(worker: WorkerHandle, calls: readonly Call[]): void {
    if (calls.length === 0) return this.#rebalancer.gaveNothing(worker);
    for (const call of calls) {
      // The others were already queued again.
      if (!call.isSubmitted) call.submit(this.#counts);
    }
    this.#pending.unshift(calls);
    const { isSlow, silence, concurrency } = worker.window;
    if (isSlow) {
      const microseconds = silence * 1_000 / concurrency;
      this.#slowCalls = { calls: calls.length, microseconds };
      // They must not wait behind other slow ones.
      this.#rebalancer.holdStuck();
    }
    if (this.#cancelled !== undefined) this.cancelQueued(this.#cancelled);
  }

  #wakeAfterDispatch(): void {
    queueMicrotask(() => this.wake());
  }

  #beginBarrier(): void {
    const barrier = this.#pending.nextBarrier;
    if (barrier === undefined || !this.#canBegin(barrier)) return;
    // Another dispatch follows when an ending worker is removed.
    for (const { isEnding } of this.#workers) if (isEnding) return;
    this.#pending.removeBarrier((next) => next === barrier);
    if (this.#isAbsent(barrier.host)) {
      barrier.fail(this.#absent(barrier.host!));
      return this.#wakeAfterDispatch();
    }
    this.#barrierRuns = true;
    const calls = this.#workers.at(barrier.host).map((worker) => {
      const call = barrier.makeCall();
      call.submit(this.#counts);
      this.#sendAlone(worker, call);
      return call;
    });
    barrier.begin(calls).then(() => {
      this.#barrierRuns = false;
      barrier.end();
    });
  }

  /** Returns whether a barrier has workers to run on, or can only fail. */
  #canBegin({ host }: Barrier): boolean {
    return this.#workers.size > 0 &&
      (this.#isAbsent(host) || this.#workers.has(host));
  }

  /** Moves, retries or fails the calls of a lost worker. */
  #lost(worker: WorkerHandle, loss: LostWorker): void {
    this.#workers.remove(worker);
    this.#rebalancer.remove(worker);
    this.#definedTasks.remove(worker);
    const lost = loss.begun.filter(isPending);
    const moved: Call[] = [];
    for (const call of loss.unbegun) {
      if (isPending(call)) (isMovable(call) ? moved : lost).push(call);
    }
    for (const call of moved) call.requeue();
    this.#pending.unshift(moved);
    if (this.#cancelled !== undefined) this.cancelQueued(this.#cancelled);
    for (const call of lost) this.#loseCall(call, worker.name, loss);
    this.#sources.workersChanged();
    this.#events.lost(worker, loss);
    this.wake();
  }

  #loseCall(call: Call, worker: string, { end, cause }: LostWorker): void {
    const tries = this.#retries.losses(call) + 1;
    const mayRerun = call.state !== "abandoned" && call.isRepeatable &&
      tries <= call.terms.retries;
    if (mayRerun) {
      return this.#retries.rerun(call, (next) => this.#isolate(next, call));
    }
    const { exitStatus, stderrTail } = end;
    const loss = { worker, exitStatus, stderrTail };
    const error = new WorkerLostError(call.task.name, tries, loss, { cause });
    call.fail(withoutFrames(error));
  }

  /** Queues a lost call, or one of its parts, to run in isolation. */
  #isolate(next: Call, lost: Call): void {
    if (next !== lost) next.submit(this.#counts);
    if (this.#cancelled !== undefined) return next.fail(this.#cancelled());
    this.#pending.pushIsolated(next);
    this.wake();
  }
}

/** Returns whether a lost worker's call wasn't settled while in flight. */
function isPending(call: Call): boolean {
  return call.state !== "settled";
}

function isMovable(call: Call): boolean {
  return call.state !== "abandoned" && !call.terms.pinned && call.isRepeatable;
}
