import { Barrier } from "./barrier.ts";
import type { Call } from "../calls/call.ts";
import { CallCounts } from "../calls/call_counts.ts";
import { withoutFrames } from "../calls/caller_trace.ts";
import { type CallSource, CallSources } from "./call_sources.ts";
import { BrokenPoolError } from "../errors/broken_pool_error.ts";
import { WorkerLostError } from "../errors/worker_lost_error.ts";
import type { KeepAlive } from "../util/keep_alive.ts";
import { PendingQueue } from "./pending_queue.ts";
import type { PromisedCall } from "../calls/promised_call.ts";
import { Retries } from "./retries.ts";
import { shareFairly } from "./share_fairly.ts";
import type { LostWorker, WorkerHandle } from "./worker_handle.ts";
import { WorkerSet } from "./worker_set.ts";

/** What a scheduler reports to its owner and asks of it. */
export interface SchedulerEvents {
  /** Notes that a worker was lost, which may have been the last. */
  lost(worker: WorkerHandle, loss: LostWorker): void;
  /** Returns whether a host has workers or will; `undefined`: any host. */
  expects(host: string | undefined): boolean;
  /** Returns why a host can't be used, if that is known. */
  hostError(host: string): Error | undefined;
}

/**
 * Sends each call to the worker with the least to do, as soon as there is one
 * with room in its window. When no call is queued, sources are asked for some.
 */
export class Scheduler {
  readonly #events: SchedulerEvents;
  readonly #pending = new PendingQueue();
  readonly #workers = new WorkerSet();
  readonly #sources: CallSources;
  readonly #retries = new Retries();
  readonly #counts: CallCounts;
  /** The initializers of workers, which no user waits for. */
  readonly #initializers: CallCounts;
  /** Whether the calls of a barrier run, and nothing else may. */
  #barrierRuns = false;
  #dispatchDue = false;
  #sourceAdded = false;
  /** Makes the error of each call that is submitted from now on. */
  #closed: (() => Error) | undefined;
  /** Makes the error of each call that would be queued again. */
  #cancelled: (() => Error) | undefined;

  /** Constructs a scheduler without workers, where calls wait for some. */
  constructor(keepAlive: KeepAlive, events: SchedulerEvents) {
    this.#events = events;
    this.#sources = new CallSources(keepAlive, this.#workers);
    const wake = () => this.wake();
    this.#counts = new CallCounts(keepAlive, wake);
    this.#initializers = new CallCounts(keepAlive, wake);
  }

  /** The workers. */
  get workers(): readonly WorkerHandle[] {
    return this.#workers.all;
  }

  /** How many calls wait for a worker. */
  get queued(): number {
    return this.#pending.length;
  }

  /**
   * Begins to receive from a worker, which gets no calls yet but this one.
   *
   * @param initializer A call that the worker must have returned from first.
   */
  async connect(
    worker: WorkerHandle,
    initializer: PromisedCall<unknown> | undefined,
  ): Promise<void> {
    worker.receive(() => this.wake()).then((loss) => this.#lost(worker, loss));
    if (initializer === undefined) return;
    initializer.submit(this.#initializers);
    worker.send(initializer);
    worker.flush();
    await initializer.promise;
  }

  /** Adds workers that were connected. */
  add(workers: readonly WorkerHandle[]): void {
    this.#workers.add(workers.filter(({ lost }) => !lost));
    this.#sources.workersChanged();
    this.wake();
  }

  /** Closes the connections to all workers. */
  disconnect(): void {
    for (const worker of this.#workers.all) worker.close();
  }

  /** Takes a call, which fails if the scheduler is closed. */
  submit(call: Call): void {
    if (call.state === "settled") return;
    if (this.#closed !== undefined) return call.fail(this.#closed());
    call.submit(this.#counts);
    this.#pending.push(call);
    this.wake();
  }

  /**
   * Takes a call that goes on with one that was submitted, even if the
   * scheduler is closed meanwhile.
   */
  resubmit(call: Call): void {
    call.submit(this.#counts);
    if (this.#cancelled !== undefined) return call.fail(this.#cancelled());
    this.#pending.push(call);
    this.wake();
  }

  /**
   * Sends a call to every worker when all calls submitted so far are done;
   * calls submitted later wait for them.
   *
   * @param host The host of the workers; `undefined` for all.
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
   * Withdraws a call on every worker that hasn't begun. Its promise stays
   * pending.
   *
   * @param makeCall The function that it was submitted with.
   */
  withdraw(makeCall: () => PromisedCall<unknown>): void {
    this.#pending.removeBarrier((barrier) => barrier.makeCall === makeCall)
      ?.end();
  }

  /** Asks a source for calls from now on, until it has ended. */
  addSource(source: CallSource): void {
    if (this.#closed !== undefined) return source.stop(this.#closed());
    this.#sources.add(source);
    this.#sourceAdded = true;
    this.wake();
  }

  /**
   * Fails all calls that are submitted from now on.
   *
   * @param reason Makes an error for each, as each has a caller of its own.
   */
  close(reason: () => Error): void {
    // They may submit what they have taken, before.
    this.#sources.stop(reason);
    this.#closed ??= reason;
  }

  /**
   * Fails all calls that are queued, or would be again as their worker is lost.
   *
   * @param reason Makes an error for each.
   */
  cancelQueued(reason: () => Error): void {
    this.#cancelled ??= reason;
    const { calls, barriers } = this.#pending.drain();
    for (const call of calls) call.fail(reason());
    for (const barrier of barriers) barrier.fail(reason());
  }

  /**
   * Fails all calls, whether queued or in flight. Rejections of calls that
   * nobody awaits aren't reported.
   *
   * @param reason Makes an error for each.
   */
  cancelAll(reason: () => Error): void {
    for (const call of this.#unawaited()) call.ignoreFailure();
    this.cancelQueued(reason);
    for (const { calls } of this.#workers.all) {
      for (const call of [...calls]) call.fail(reason());
    }
  }

  /**
   * Fails the calls that nobody awaits. Those that have begun may go on for
   * their worker's grace period.
   *
   * @param reason Makes an error for each.
   * @returns How many calls it has failed.
   */
  cancelUnawaited(reason: () => Error): number {
    const calls = this.#unawaited();
    for (const call of calls) {
      call.ignoreFailure();
      call.cancel(reason());
    }
    return calls.length;
  }

  /** Lets the program end before the calls that nobody awaits. */
  releaseUnawaited(): void {
    for (const call of this.#unawaited()) this.#counts.unhold(call);
  }

  /** How many calls are queued or in flight, other than initializers. */
  get pending(): number {
    return this.#counts.pending;
  }

  /** Whether there are none of them. */
  get isIdle(): boolean {
    return this.#counts.isIdle;
  }

  /** Waits until no call is queued or in flight, other than initializers. */
  idle(): Promise<void> {
    return this.#counts.idle();
  }

  /** Tells all workers to forget a task. */
  forget(task: number): void {
    for (const worker of this.#workers.all) worker.forget(task);
  }

  /** Dispatches at the end of this turn, together with all that it brings. */
  wake(): void {
    if (this.#dispatchDue) return;
    this.#dispatchDue = true;
    queueMicrotask(this.#dispatchOnce);
  }

  // No closure is made for each call that wakes the scheduler.
  readonly #dispatchOnce = () => {
    this.#sourceAdded = false;
    this.#dispatch();
    // The dispatch has handled all calls submitted meanwhile, but no source
    // that another one has added when it was asked.
    this.#dispatchDue = false;
    if (this.#sourceAdded) this.wake();
  };

  #dispatch(): void {
    this.#sources.prune();
    if (this.#barrierRuns) return;
    this.#failUnplaceable();
    this.#pending.dispatchIsolated(this.#workers.all, (worker, call) => {
      this.#send(worker, call);
      worker.flush();
    });
    const workers = this.#workers.withRoom();
    if (workers.length > 0 && !this.#pending.hasBarriers) {
      this.#sources.pull(workers, (host) => this.#pending.waiting(host));
    }
    for (const [host, calls] of this.#pending.listsInTurn()) {
      const there = host === undefined
        ? workers
        : workers.filter((worker) => worker.isAt(host));
      shareFairly(calls, there, (worker, call) => this.#send(worker, call));
    }
    if (this.#counts.inFlight === 0) this.#beginBarrier();
  }

  #unawaited(): Call[] {
    const inFlight = this.#workers.all.flatMap(({ calls }) => [...calls]);
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
    for (const call of this.#pending.isolatedWithHost()) {
      const { host } = call.terms;
      if (!this.#isAbsent(host)) continue;
      this.#pending.failIsolated(call, this.#absent(host!));
    }
    this.#sources.stop((host) =>
      this.#isAbsent(host) ? this.#absent(host!) : undefined
    );
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
    // It couldn't be sent, which leaves room for a call of a source.
    if (call.state !== "sent") this.#wakeAfterDispatch();
  }

  #wakeAfterDispatch(): void {
    queueMicrotask(() => this.wake());
  }

  #beginBarrier(): void {
    // The removal of a worker that is lost, or will be, dispatches again.
    if (this.#workers.all.some(({ isEnding }) => isEnding)) return;
    const barrier = this.#pending.nextBarrier;
    if (barrier === undefined || !this.#canBegin(barrier)) return;
    this.#pending.removeBarrier((next) => next === barrier);
    if (this.#isAbsent(barrier.host)) {
      barrier.fail(this.#absent(barrier.host!));
      return this.#wakeAfterDispatch();
    }
    this.#barrierRuns = true;
    const calls = this.#workers.at(barrier.host).map((worker) => {
      const call = barrier.makeCall();
      call.submit(this.#counts);
      this.#send(worker, call);
      worker.flush();
      return call;
    });
    barrier.begin(calls).then(() => {
      this.#barrierRuns = false;
      barrier.end();
    });
  }

  /** Returns whether a barrier has workers, or will never have any. */
  #canBegin({ host }: Barrier): boolean {
    return this.#workers.size > 0 &&
      (this.#isAbsent(host) || this.#workers.has(host));
  }

  /** Moves the calls of a lost worker, runs them again, or fails them. */
  #lost(worker: WorkerHandle, loss: LostWorker): void {
    this.#workers.remove(worker);
    const begun = loss.begun.filter(isPending);
    const unbegun = loss.unbegun.filter(isPending);
    const moved = unbegun.filter(isMovable);
    for (const call of moved) call.requeue();
    this.#pending.unshift(moved);
    if (this.#cancelled !== undefined) this.cancelQueued(this.#cancelled);
    // The error of one call may make its caller abandon others, moved ones too.
    const hasMoved = new Set(moved);
    for (const call of [...begun, ...unbegun]) {
      if (!hasMoved.has(call)) this.#loseCall(call, worker.name, loss);
    }
    this.#sources.workersChanged();
    this.#events.lost(worker, loss);
    this.wake();
  }

  #loseCall(call: Call, worker: string, { end, cause }: LostWorker): void {
    const tries = this.#retries.count(call);
    if (call.state !== "abandoned" && tries <= call.terms.retries) {
      return this.#retries.rerun(call, (next) => this.#isolate(next, call));
    }
    const { exitStatus, stderrTail } = end;
    const loss = { worker, exitStatus, stderrTail };
    const error = new WorkerLostError(call.task.name, tries, loss, { cause });
    call.fail(withoutFrames(error));
  }

  /** Queues a lost call, or a part of it, to run in isolation. */
  #isolate(next: Call, lost: Call): void {
    if (next !== lost) next.submit(this.#counts);
    if (this.#cancelled !== undefined) return next.fail(this.#cancelled());
    this.#pending.pushIsolated(next);
    this.wake();
  }
}

/** Returns whether a call wasn't settled while its worker had it. */
function isPending(call: Call): boolean {
  return call.state !== "settled";
}

function isMovable(call: Call): boolean {
  return call.state !== "abandoned" && !call.terms.pinned;
}
