import { Backlog } from "./backlog.ts";
import type { Call } from "./call.ts";
import type { CallQueue } from "./call_queue.ts";
import { BrokenPoolError } from "./errors.ts";
import type { KeepAlive } from "./keep_alive.ts";
import type { PromisedCall } from "./promised_call.ts";
import type { WorkerLink } from "./worker_link.ts";

/** Something that submits calls when workers have room for them. */
export interface CallSource {
  /** The host where its calls must run; `undefined` for any. */
  readonly host?: string | undefined;
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
  /** The host of the workers; `undefined` for all. */
  readonly host: string | undefined;
  readonly makeCall: () => PromisedCall<unknown>;
  readonly resolve: (results: Promise<unknown[]>) => void;
  readonly reject: (reason: unknown) => void;
  /** Calls that were submitted after it and wait for its end. */
  readonly after: Backlog;
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
  #backlog = new Backlog();
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

  /** The workers. */
  get links(): readonly WorkerLink[] {
    return this.#links;
  }

  /** How many calls wait for a worker. */
  get queued(): number {
    let queued = this.#backlog.length;
    for (const { after } of this.#rounds) queued += after.length;
    return queued;
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
    (this.#rounds.at(-1)?.after ?? this.#backlog).push(call);
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
    this.#hold();
    const { promise, resolve, reject } = Promise.withResolvers<unknown[]>();
    const after = new Backlog();
    this.#rounds.push({ host, makeCall, resolve, reject, after });
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
    for (
      const backlog of [
        this.#backlog,
        ...rounds.map(({ after }) => after),
      ]
    ) {
      for (const [, queue] of backlog.queues()) this.#failAll(queue, reason);
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
    if (this.#links.length > 0) this.#refuseAbsent();
    const links = this.#links.filter(hasRoom);
    if (links.length > 0 && this.#rounds.length === 0) this.#pull(links);
    for (const [host, queue] of this.#backlog.queues()) {
      let free = links.filter((link) => hasRoom(link) && link.isAt(host));
      while (free.length > 0 && queue.length > 0) {
        this.#share(queue, free);
        free = free.filter(hasRoom);
      }
    }
    if (this.#inFlight === 0 && this.#backlog.length === 0) this.#beginRound();
  }

  /** Refuses what must run at a host that has no workers. */
  #refuseAbsent(): void {
    for (const [host, queue] of this.#backlog.queues()) {
      if (this.#isAbsent(host)) this.#failAll(queue, () => absent(host!));
    }
    for (const source of [...this.#sources]) {
      if (this.#isAbsent(source.host)) source.stop(absent(source.host!));
    }
  }

  #isAbsent(host: string | undefined): boolean {
    return host !== undefined && !this.#links.some((link) => link.isAt(host));
  }

  /** Asks the sources, each turn another one first, to fill what room is left. */
  #pull(links: WorkerLink[]): void {
    if (this.#sources.length === 0) return;
    if (this.#sources.length > 1) this.#sources.push(this.#sources.shift()!);
    for (const source of [...this.#sources]) {
      const { host } = source;
      let room = -this.#backlog.waiting(host);
      for (const link of links) {
        if (link.isAt(host)) room += link.window.room;
      }
      if (room > 0) source.fill(room);
    }
  }

  /** Gives each of the workers its fair share of what is queued. */
  #share(queue: CallQueue, links: WorkerLink[]): void {
    links.sort((a, b) => a.window.calls - b.window.calls);
    let load = queue.length;
    for (const link of links) load += link.window.calls;
    const fair = Math.ceil(load / links.length);
    for (const link of links) {
      while (link.window.calls < fair && link.window.room > 0) {
        const call = queue.shift();
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
    this.#backlog = round.after;
    if (this.#isAbsent(round.host)) {
      round.reject(absent(round.host!));
      this.#release(1);
      queueMicrotask(() => this.wake());
      return;
    }
    this.#roundRuns = true;
    const links = this.#links.filter((link) => link.isAt(round.host));
    const calls = links.map((link) => {
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

  #failAll(queue: CallQueue, reason: () => Error): void {
    for (let call = queue.shift(); call !== undefined; call = queue.shift()) {
      call.state = "settled";
      this.#release(1);
      call.fail(reason());
    }
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

function absent(host: string): BrokenPoolError {
  return new BrokenPoolError(
    `There is no worker at the host '${host}', where the task must run`,
  );
}

function hasRoom(link: WorkerLink): boolean {
  return link.lost === undefined && link.window.room > 0;
}
