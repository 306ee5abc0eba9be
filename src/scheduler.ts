import type { Call } from "./call.ts";
import { CallQueue } from "./call_queue.ts";
import type { KeepAlive } from "./keep_alive.ts";
import type { PromisedCall } from "./promised_call.ts";
import type { WorkerLink } from "./worker_link.ts";

/** Something that submits calls when workers have room for them. */
export interface CallSource {
  /**
   * Submits up to `room` calls, now or when it has them; it calls
   * {@linkcode Scheduler.wake} once it can submit more than it could now.
   */
  fill(room: number): void;
  /** Submits nothing more, for the given reason. */
  stop(reason: Error): void;
}

/** A call on every worker, once those submitted before it are done. */
interface Round {
  readonly makeCall: () => PromisedCall<unknown>;
  readonly resolve: (results: Promise<unknown[]>) => void;
  readonly reject: (reason: unknown) => void;
  /** Calls that were submitted after it and wait for its end. */
  readonly after: CallQueue;
}

/**
 * Hands each call to the worker with the least to do, as soon as there is one
 * with room in its window. When no call is queued, sources are asked for some.
 */
export class Scheduler {
  readonly #keepAlive: KeepAlive;
  readonly #onNoWorkers: (lost: Error) => void;
  readonly #links: WorkerLink[] = [];
  readonly #sources: CallSource[] = [];
  readonly #rounds: Round[] = [];
  #queue = new CallQueue();
  #roundRuns = false;
  #inFlight = 0;
  #pending = 0;
  #dispatchDue = false;
  #closed: (() => Error) | undefined;
  #idle: PromiseWithResolvers<void> | undefined;

  /** Constructs a scheduler without workers, where calls wait for some. */
  constructor(keepAlive: KeepAlive, onNoWorkers: (lost: Error) => void) {
    this.#keepAlive = keepAlive;
    this.#onNoWorkers = onNoWorkers;
  }

  /** How many workers there are. */
  get workers(): number {
    return this.#links.length;
  }

  /** How many calls the workers' windows hold together. */
  get capacity(): number {
    let capacity = 0;
    for (const { window } of this.#links) capacity += window.limit;
    return capacity;
  }

  /**
   * Begins to receive from a worker, which gets no calls yet but this one.
   *
   * @param initializer A call that the worker must have returned from first.
   */
  async connect(
    link: WorkerLink,
    initializer: PromisedCall<unknown> | undefined,
  ): Promise<void> {
    link.receive((calls) => this.#returned(calls)).then((lost) =>
      this.#remove(link, lost)
    );
    if (initializer === undefined) return;
    this.#hold();
    this.#send(link, initializer);
    link.flush();
    await initializer.promise;
  }

  /** Adds workers that were connected. */
  add(links: readonly WorkerLink[]): void {
    this.#links.push(...links);
    for (const link of links) {
      if (link.lost !== undefined) this.#remove(link, link.lost);
    }
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
    this.#hold();
    (this.#rounds.at(-1)?.after ?? this.#queue).push(call);
    this.wake();
  }

  /**
   * Sends a call to every worker when all that was submitted so far is done;
   * what is submitted later waits for them.
   */
  submitToAll(makeCall: () => PromisedCall<unknown>): Promise<unknown[]> {
    if (this.#closed !== undefined) return Promise.reject(this.#closed());
    this.#hold();
    const { promise, resolve, reject } = Promise.withResolvers<unknown[]>();
    this.#rounds.push({ makeCall, resolve, reject, after: new CallQueue() });
    this.wake();
    return promise;
  }

  /** Asks a source for calls from now on. */
  addSource(source: CallSource): void {
    if (this.#closed !== undefined) return source.stop(this.#closed());
    this.#sources.push(source);
    this.wake();
  }

  /** Doesn't ask a source any more. */
  removeSource(source: CallSource): void {
    const index = this.#sources.indexOf(source);
    if (index >= 0) this.#sources.splice(index, 1);
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
    this.#release(1);
    this.wake();
    return true;
  }

  /**
   * Lets all that is submitted from now on fail.
   *
   * @param reason Makes an error for each, as each has a caller of its own.
   */
  close(reason: () => Error): void {
    this.#closed ??= reason;
    for (const source of [...this.#sources]) source.stop(reason());
  }

  /**
   * Makes all that is queued fail.
   *
   * @param reason Makes an error for each.
   */
  cancelQueued(reason: () => Error): void {
    const rounds = this.#rounds.splice(0);
    for (const queue of [this.#queue, ...rounds.map(({ after }) => after)]) {
      for (let call = queue.shift(); call !== undefined; call = queue.shift()) {
        call.state = "settled";
        this.#release(1);
        call.fail(reason());
      }
    }
    for (const round of rounds) {
      round.reject(reason());
      this.#release(1);
    }
  }

  /** Waits until no call is queued or under way. */
  async idle(): Promise<void> {
    if (this.#pending === 0) return;
    this.#idle ??= Promise.withResolvers();
    await this.#idle.promise;
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
      this.#dispatch();
      // What was submitted by the dispatch itself has been seen to.
      this.#dispatchDue = false;
    });
  }

  #dispatch(): void {
    if (this.#roundRuns) return;
    let links = this.#links.filter(hasRoom);
    if (links.length > 0 && this.#rounds.length === 0) this.#pull(links);
    while (links.length > 0 && this.#queue.length > 0) {
      this.#share(links);
      links = links.filter(hasRoom);
    }
    if (this.#inFlight === 0 && this.#queue.length === 0) this.#beginRound();
  }

  /** Asks the sources, each turn another one first, to fill what room is left. */
  #pull(links: WorkerLink[]): void {
    if (this.#sources.length === 0) return;
    let total = 0;
    for (const link of links) total += link.window.room;
    if (this.#sources.length > 1) this.#sources.push(this.#sources.shift()!);
    for (const source of [...this.#sources]) {
      const room = total - this.#queue.length;
      if (room <= 0) return;
      source.fill(room);
    }
  }

  /** Gives each of the workers its fair share of what is queued. */
  #share(links: WorkerLink[]): void {
    links.sort((a, b) => a.window.calls - b.window.calls);
    let load = this.#queue.length;
    for (const link of links) load += link.window.calls;
    const fair = Math.ceil(load / links.length);
    for (const link of links) {
      while (link.window.calls < fair && link.window.room > 0) {
        const call = this.#queue.shift();
        if (call === undefined) break;
        this.#send(link, call);
      }
      link.flush();
    }
  }

  #send(link: WorkerLink, call: Call): void {
    if (link.send(call)) this.#inFlight++;
    else this.#release(1);
  }

  #beginRound(): void {
    // Of a worker that is lost the removal is due, which dispatches again.
    const isWhole = this.#links.every(({ lost }) => lost === undefined);
    if (!isWhole || this.#links.length === 0) return;
    const round = this.#rounds.shift();
    if (round === undefined) return;
    this.#queue = round.after;
    this.#roundRuns = true;
    const calls = this.#links.map((link) => {
      const call = round.makeCall();
      this.#hold();
      this.#send(link, call);
      link.flush();
      return call.promise;
    });
    round.resolve(Promise.all(calls));
    Promise.allSettled(calls).then(() => {
      this.#roundRuns = false;
      this.#release(1);
      this.wake();
    });
  }

  #returned(calls: number): void {
    this.#inFlight -= calls;
    this.#release(calls);
    this.wake();
  }

  #remove(link: WorkerLink, lost: Error): void {
    const index = this.#links.indexOf(link);
    if (index < 0) return;
    this.#links.splice(index, 1);
    if (this.#links.length === 0) this.#onNoWorkers(lost);
    else this.wake();
  }

  #hold(): void {
    this.#pending++;
    this.#keepAlive.hold();
  }

  #release(calls: number): void {
    this.#pending -= calls;
    this.#keepAlive.release(calls);
    if (this.#pending > 0) return;
    this.#idle?.resolve();
    this.#idle = undefined;
  }
}

function hasRoom(link: WorkerLink): boolean {
  return link.lost === undefined && link.window.room > 0;
}
