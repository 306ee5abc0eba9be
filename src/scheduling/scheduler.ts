import type { Call } from "../calls/call.ts";
import type { CallQueue } from "./call_queue.ts";
import { type CallSource, CallSources } from "./call_sources.ts";
import { BrokenPoolError } from "../errors/broken_pool_error.ts";
import { WorkerLostError } from "../errors/worker_lost_error.ts";
import { shareFairly } from "./share_fairly.ts";
import type { KeepAlive } from "../util/keep_alive.ts";
import { PendingCalls } from "./pending_calls.ts";
import type { PromisedCall } from "../calls/promised_call.ts";
import { type Round, Rounds } from "./rounds.ts";
import { SoloCalls } from "./solo_calls.ts";
import type { LostWorker, WorkerHandle } from "./worker_handle.ts";

/** What a scheduler tells and asks the one that has made it. */
export interface SchedulerEvents {
  /** A worker was lost, which may have been the last. */
  lost(link: WorkerHandle, worker: LostWorker): void;
  /** Whether a host has workers or will have some; `undefined`: any host. */
  expects(host: string | undefined): boolean;
  /** Why a host can't be used, if that is known. */
  hostError(host: string): Error | undefined;
}

/**
 * Hands each call to the worker with the least to do, as soon as there is one
 * with room in its window. When no call is queued, sources are asked for some.
 */
export class Scheduler {
  readonly #events: SchedulerEvents;
  readonly #pending: PendingCalls;
  readonly #solo = new SoloCalls();
  readonly #links: WorkerHandle[] = [];
  readonly #sources: CallSources;
  readonly #rounds = new Rounds();
  #roundRuns = false;
  #inFlight = 0;
  #dispatchDue = false;
  #sourceAdded = false;
  #closed: (() => Error) | undefined;
  /** Why nothing is to wait any more. */
  #cancelled: (() => Error) | undefined;

  /** Constructs a scheduler without workers, where calls wait for some. */
  constructor(keepAlive: KeepAlive, events: SchedulerEvents) {
    this.#events = events;
    this.#sources = new CallSources(keepAlive, this.#links);
    this.#pending = new PendingCalls(keepAlive);
  }

  /** The workers. */
  get links(): readonly WorkerHandle[] {
    return this.#links;
  }

  /** How many calls wait for a worker. */
  get queued(): number {
    return this.#rounds.calls + this.#solo.length;
  }

  /**
   * How many workers a host has, and how many calls their windows hold.
   *
   * @param host What the host is called; `undefined` for all hosts.
   */
  roomAt(host: string | undefined): { workers: number; capacity: number } {
    let workers = 0;
    let capacity = 0;
    for (const link of this.#links) {
      if (!link.isAt(host)) continue;
      workers++;
      capacity += link.window.limit;
    }
    return { workers, capacity };
  }

  /**
   * Begins to receive from a worker, which gets no calls yet but this one.
   *
   * @param initializer A call that the worker must have returned from first.
   */
  async connect(
    link: WorkerHandle,
    initializer: PromisedCall<unknown> | undefined,
  ): Promise<void> {
    link.receive((calls) => this.#returned(calls)).then((lost) =>
      this.#lost(link, lost)
    );
    if (initializer === undefined) return;
    this.#pending.addInitializer(initializer);
    this.#send(link, initializer);
    link.flush();
    await initializer.promise;
  }

  /** Adds workers that were connected. */
  add(links: readonly WorkerHandle[]): void {
    this.#links.push(...links.filter(({ lost }) => !lost));
    this.#sources.workersChanged();
    this.wake();
  }

  /** Closes the connections to all workers. */
  disconnect(): void {
    for (const link of this.#links) link.close();
  }

  /** Takes a call, which fails if the scheduler is closed. */
  submit(call: Call): void {
    if (this.#closed !== undefined) {
      call.state = "settled";
      call.fail(this.#closed());
      return;
    }
    this.#pending.add();
    this.#rounds.push(call);
    this.wake();
  }

  /**
   * Sends a call to every worker when all that was submitted so far is done;
   * what is submitted later waits for them.
   *
   * @param host The host of the workers; `undefined` for all.
   */
  submitToAll(
    makeCall: () => PromisedCall<unknown>,
    host?: string,
  ): Promise<unknown[]> {
    if (this.#closed !== undefined) return Promise.reject(this.#closed());
    this.#pending.add();
    const results = this.#rounds.add(makeCall, host);
    this.wake();
    return results;
  }

  /**
   * Takes a round back that hasn't begun; what becomes of it is the caller's.
   *
   * @param makeCall What it was submitted with.
   */
  withdraw(makeCall: () => PromisedCall<unknown>): void {
    if (!this.#rounds.withdraw(makeCall)) return;
    this.#pending.remove();
    this.wake();
  }

  /** Asks a source for calls from now on. */
  addSource(source: CallSource): void {
    if (this.#closed !== undefined) return source.stop(this.#closed());
    this.#sources.add(source);
    this.#sourceAdded = true;
    this.wake();
  }

  /** Doesn't ask a source any more. */
  removeSource(source: CallSource): void {
    this.#sources.remove(source);
  }

  /**
   * Drops a call that is still queued; what becomes of it is the caller's.
   *
   * @returns Whether it was queued.
   */
  cancel(call: Call): boolean {
    if (call.queue === undefined) return false;
    call.queue.remove(call);
    call.state = "settled";
    this.#pending.remove();
    this.wake();
    return true;
  }

  /**
   * Drops a call wherever it is; what becomes of it is the caller's.
   *
   * @returns Whether it wasn't settled already.
   */
  abandon(call: Call): boolean {
    if (call.state === "settled" || call.state === "abandoned") return false;
    if (this.cancel(call)) return true;
    if (call.holder === undefined) {
      call.state = "abandoned";
      if (call.substitute !== undefined) this.abandon(call.substitute);
    } else call.holder.abandon(call);
    return true;
  }

  /**
   * Lets all that is submitted from now on fail.
   *
   * @param reason Makes an error for each, as each has a caller of its own.
   */
  close(reason: () => Error): void {
    this.#closed ??= reason;
    this.#sources.stop(reason);
  }

  /**
   * Makes all fail that is queued, or would be again as its worker is lost.
   *
   * @param reason Makes an error for each.
   */
  cancelQueued(reason: () => Error): void {
    this.#cancelled ??= reason;
    const backlogs = this.#rounds.backlogs();
    const rounds = this.#rounds.drain();
    this.#failAll(this.#solo, reason);
    for (const backlog of backlogs) {
      for (const [, queue] of backlog.queues()) this.#failAll(queue, reason);
    }
    for (const round of rounds) {
      round.reject(reason());
      this.#pending.remove();
    }
  }

  /** Whether no call is queued or under way, other than initializers. */
  get isIdle(): boolean {
    return this.#pending.isIdle;
  }

  /** Waits until no call is queued or under way, other than initializers. */
  idle(): Promise<void> {
    return this.#pending.idle();
  }

  /** Tells all workers to forget a task. */
  forget(task: number): void {
    for (const link of this.#links) link.forget(task);
  }

  /** Dispatches at the end of this turn, for all that it brings at once. */
  wake(): void {
    if (this.#dispatchDue) return;
    this.#dispatchDue = true;
    queueMicrotask(() => {
      this.#sourceAdded = false;
      this.#dispatch();
      // What was submitted by the dispatch itself has been seen to.
      this.#dispatchDue = false;
      // A source that another one has begun when it was asked hasn't.
      if (this.#sourceAdded) this.wake();
    });
  }

  #dispatch(): void {
    if (this.#roundRuns) return;
    this.#refuseAbsent();
    this.#solo.dispatch(this.#links, (link, call) => {
      this.#send(link, call);
      link.flush();
    });
    const links = this.#links.filter(({ hasRoom }) => hasRoom);
    if (links.length > 0 && this.#rounds.length === 0) {
      this.#sources.pull(
        links,
        (host) => this.#rounds.backlog.waiting(host),
      );
    }
    for (const [host, queue] of this.#rounds.backlog.queues()) {
      const there = links.filter((link) => link.isAt(host));
      shareFairly(queue, there, (link, call) => this.#send(link, call));
    }
    const rest = this.#rounds.backlog.length + this.#solo.length;
    const isFree = this.#inFlight <= this.#pending.initializers;
    if (isFree && rest === 0) this.#beginRound();
  }

  /** Refuses what must run at a host that has no workers. */
  #refuseAbsent(): void {
    for (const [host, queue] of this.#rounds.backlog.queues()) {
      if (this.#isAbsent(host)) this.#failAll(queue, () => this.#absent(host!));
    }
    for (const call of this.#solo.placed()) {
      const { host } = call.terms;
      if (this.#isAbsent(host) && this.cancel(call)) {
        call.fail(this.#absent(host!));
      }
    }
    this.#sources.stop((host) =>
      this.#isAbsent(host) ? this.#absent(host!) : undefined
    );
  }

  #isAbsent(host: string | undefined): boolean {
    return host !== undefined && !this.#events.expects(host) &&
      !this.#links.some((link) => link.isAt(host));
  }

  #absent(host: string): BrokenPoolError {
    const cause = this.#events.hostError(host);
    const why = cause === undefined ? "" : `: ${cause.message}`;
    return new BrokenPoolError(
      `There is no worker at the host '${host}', where the task must run${why}`,
      cause && { cause },
    );
  }

  #send(link: WorkerHandle, call: Call): void {
    if (link.send(call)) this.#inFlight++;
    else {
      this.#pending.remove();
      // There is room for another, which sources may be asked for.
      queueMicrotask(() => this.wake());
    }
  }

  #beginRound(): void {
    // Of a worker that is lost, or will be, the removal dispatches again.
    if (this.#links.some(({ isEnding }) => isEnding)) return;
    const round = this.#rounds.first;
    if (round === undefined || !this.#canBegin(round)) return;
    this.#rounds.shift();
    if (this.#isAbsent(round.host)) {
      round.reject(this.#absent(round.host!));
      this.#pending.remove();
      queueMicrotask(() => this.wake());
      return;
    }
    this.#roundRuns = true;
    const links = this.#links.filter((link) => link.isAt(round.host));
    const calls = links.map((link) => {
      const call = round.makeCall();
      this.#pending.add();
      this.#send(link, call);
      link.flush();
      return call.promise;
    });
    round.resolve(Promise.all(calls));
    Promise.allSettled(calls).then(() => {
      this.#roundRuns = false;
      this.#pending.remove();
      this.wake();
    });
  }

  /** Whether there are workers for a round, or there won't be any. */
  #canBegin({ host }: Round): boolean {
    return this.#links.length > 0 &&
      (this.#isAbsent(host) || this.#links.some((link) => link.isAt(host)));
  }

  #returned(calls: number): void {
    this.#inFlight -= calls;
    this.#pending.remove(calls);
    this.wake();
  }

  /** Moves the calls of a lost worker, runs them again, or lets them fail. */
  #lost(link: WorkerHandle, worker: LostWorker): void {
    const index = this.#links.indexOf(link);
    if (index >= 0) this.#links.splice(index, 1);
    const calls = [...worker.begun, ...worker.unbegun];
    this.#inFlight -= calls.length;
    const moved = new Set(worker.unbegun.filter(isMovable));
    for (const call of calls) {
      call.holder = undefined;
      if (moved.has(call)) call.state = "queued";
    }
    this.#rounds.backlog.putBack([...moved]);
    if (this.#cancelled !== undefined) this.cancelQueued(this.#cancelled);
    // What one of them rejects may have others dropped, moved ones too.
    for (const call of calls) {
      if (!moved.has(call)) this.#loseCall(call, link.name, worker);
    }
    this.#sources.workersChanged();
    this.#events.lost(link, worker);
    this.wake();
  }

  #loseCall(call: Call, name: string, { end, cause }: LostWorker): void {
    const abandoned = call.state === "abandoned";
    call.losses++;
    if (!abandoned && call.losses <= call.terms.retries) {
      call.rerun((rerun) => {
        if (rerun !== call) call.substitute = rerun;
        if (this.#cancelled !== undefined) {
          rerun.state = "settled";
          return rerun.fail(this.#cancelled());
        }
        rerun.state = "queued";
        this.#pending.add();
        this.#solo.push(rerun);
        this.wake();
      });
    } else {
      call.state = "settled";
      if (!abandoned) {
        const loss = {
          worker: name,
          exitStatus: end.exitStatus,
          stderrTail: end.stderrTail,
        };
        const { task, losses } = call;
        call.fail(new WorkerLostError(task.name, losses, loss, { cause }));
      }
    }
    this.#pending.remove();
  }

  #failAll(queue: Pick<CallQueue, "shift">, reason: () => Error): void {
    for (let call = queue.shift(); call !== undefined; call = queue.shift()) {
      call.state = "settled";
      this.#pending.remove();
      call.fail(reason());
    }
  }
}

function isMovable(call: Call): boolean {
  return call.state !== "abandoned" && !call.terms.pinned;
}
