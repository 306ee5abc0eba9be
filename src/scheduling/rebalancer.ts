import type { Placement } from "../calls/placement.ts";
import type { WorkerHandle } from "./worker_handle.ts";
import type { WorkerSet } from "./worker_set.ts";

/**
 * How long calls must wait at a busy worker before they are given to another
 * one, in milliseconds, in addition to the time that they take on their way.
 */
const MIN_WAIT = 5;

/** How long a worker may be silent while calls wait there, in milliseconds. */
const MAX_SILENCE = 20;

/** How many bytes of a large result arrive in a millisecond, at most. */
const BYTES_PER_MILLISECOND = 2 ** 20;

/**
 * How many turns of the event loop pass before a silence counts: if the program
 * was busy, answers may have arrived unread.
 */
const TURNS = 2;

/** How many workers are compared before calls are taken from one of them. */
const CANDIDATES = 4;

/**
 * Takes back calls that wait at busy workers: for workers that are idle or soon
 * will be, and from workers whose present call takes much longer than those
 * before.
 */
export class Rebalancer {
  readonly #workers: WorkerSet;
  readonly #mayRecall: () => boolean;
  /**
   * The workers that have more items than they run at once, and whose present
   * call is slow. As in the other sets, those that have been silent the longest
   * come first.
   */
  readonly #slow = new Set<WorkerHandle>();
  /** Other workers where calls wait, with windows that adapt. */
  readonly #queued = new Set<WorkerHandle>();
  /** The others that have more items than they run at once. */
  readonly #loaded = new Set<WorkerHandle>();
  /** When to ask workers again that had nothing to give back. */
  readonly #askAgainAt = new Map<WorkerHandle, number>();
  /** How many idle workers the calls that were recalled are for. */
  readonly #shares = new Map<WorkerHandle, number>();
  #promised = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** When the timer is due. */
  #dueAt = 0;

  /**
   * Constructs a rebalancer for the workers of a scheduler.
   *
   * @param mayRecall Returns whether calls may be recalled now.
   */
  constructor(workers: WorkerSet, mayRecall: () => boolean) {
    this.#workers = workers;
    this.#mayRecall = mayRecall;
  }

  /**
   * Takes note of a change of what a worker has.
   *
   * @param hasAnswered Whether it has answered calls.
   */
  update(worker: WorkerHandle, hasAnswered: boolean): void {
    if (hasAnswered) this.#askAgainAt.delete(worker);
    if (!worker.isRecalling) this.#endRecall(worker);
    const { window } = worker;
    const running = countRunning(worker);
    const isLoaded = worker.items > running && worker.movable > 0 &&
      !worker.isRecalling && !worker.isEnding && !worker.isDraining &&
      worker.reservation !== "isolated";
    const isSlow = isLoaded && !hasAnswered && this.#slow.has(worker);
    const waits = isLoaded && !isSlow && !window.isFixed &&
      window.calls > running;
    place(this.#slow, worker, isSlow, hasAnswered);
    place(this.#queued, worker, waits, hasAnswered);
    place(this.#loaded, worker, isLoaded && !isSlow && !waits, hasAnswered);
    if (waits && this.#timer === undefined) this.#watch(MAX_SILENCE);
  }

  /** Takes note that a worker had nothing to give back. */
  gaveNothing(worker: WorkerHandle): void {
    // Calls may have been on their way to it.
    const pause = Math.max(MAX_SILENCE, worker.window.silence);
    this.#askAgainAt.set(worker, performance.now() + pause);
    for (const set of [this.#slow, this.#loaded]) {
      if (set.delete(worker)) set.add(worker);
    }
  }

  /** Removes a lost worker. */
  remove(worker: WorkerHandle): void {
    this.#endRecall(worker);
    this.#queued.delete(worker);
    this.#loaded.delete(worker);
    this.#slow.delete(worker);
    this.#askAgainAt.delete(worker);
    if (this.#isEmpty) this.#stopWatching();
  }

  /** Whether no worker has more items than it runs at once. */
  get #isEmpty(): boolean {
    return this.#slow.size + this.#queued.size + this.#loaded.size === 0;
  }

  /** Takes back calls for idle workers, after a dispatch has left them so. */
  balance(): void {
    if (this.#isEmpty) return;
    while (this.#hungry(undefined) !== undefined) {
      const giver = this.#findGiver();
      if (giver === undefined) return this.#watch(MIN_WAIT);
      this.#recall(giver, Math.max(1, this.#wanting(giver.range)));
    }
  }

  /**
   * Returns a worker, of a placement or any, that is idle or has no calls that
   * wait, if any.
   */
  #hungry(placement: Placement | undefined): WorkerHandle | undefined {
    const least = this.#workers.leastBusy(placement);
    if (least === undefined || !least.hasRoom) return undefined;
    const { calls, concurrency } = least.window;
    // A worker with few tiny calls may come before those that are idle.
    if (calls > concurrency && this.#workers.idle(placement) === 0) {
      return undefined;
    }
    // What was recalled is for the idle ones, or else for this one.
    const wanting = Math.max(1, this.#workers.idle(undefined));
    return this.#promised < wanting ? least : undefined;
  }

  /** Returns how many idle workers no calls were recalled for. */
  #wanting(placement: Placement | undefined): number {
    const free = this.#workers.idle(undefined) - this.#promised;
    return Math.min(free, this.#workers.idle(placement));
  }

  /** Returns the worker whose calls gain most by a move to another worker. */
  #findGiver(): WorkerHandle | undefined {
    let best: WorkerHandle | undefined;
    let longest = 0;
    const now = performance.now();
    for (const set of [this.#slow, this.#queued, this.#loaded]) {
      let looked = 0;
      for (const worker of set) {
        if (looked++ === CANDIDATES) break;
        const askAgainAt = this.#askAgainAt.get(worker) ?? 0;
        const { items, window, range } = worker;
        const taker = this.#hungry(range);
        if (taker === undefined || now < askAgainAt) continue;
        const isIdle = this.#wanting(range) > 0;
        const running = countRunning(worker);
        const waits = window.calls > running;
        const isBusier = taker !== worker && items >= running + 2 &&
          !(waits && window.calls < taker.window.calls + 2);
        if (!isIdle && !isBusier) continue;
        const wait = expectedWait(worker);
        const worth = MIN_WAIT + (window.delay + taker.window.delay) / 2;
        if (wait < worth || wait <= longest) continue;
        best = worker;
        longest = wait;
      }
    }
    return best;
  }

  #recall(giver: WorkerHandle, takers: number): void {
    const waiting = giver.items - giver.window.concurrency;
    const isSlow = isStuck(giver);
    const share = isSlow ? 1 : Math.min(takers, Math.max(1, waiting));
    this.#shares.set(giver, share);
    this.#promised += share;
    // What isn't begun at once waits in the queue, for any worker.
    const parts = isSlow ? Math.max(share + 1, this.#workers.size) : share + 1;
    const { calls, concurrency } = giver.window;
    // It may count as idle, and would get them again.
    const seemsIdle = calls > concurrency && this.#workers.hasTinyCalls(giver);
    giver.recall({ parts, keep: 0, cut: true });
    if (isSlow || seemsIdle) {
      giver.window.hold();
      this.#workers.refresh(giver);
      this.#slow.add(giver);
    }
    this.update(giver, false);
  }

  /** Holds workers whose present call takes much longer than those before. */
  holdStuck(): void {
    for (const set of [this.#queued, this.#loaded]) {
      let looked = 0;
      for (const worker of set) {
        if (looked++ === CANDIDATES || !isStuck(worker)) break;
        worker.window.hold();
        this.#workers.refresh(worker);
      }
    }
  }

  #endRecall(worker: WorkerHandle): void {
    const share = this.#shares.get(worker);
    if (share === undefined) return;
    this.#shares.delete(worker);
    this.#promised -= share;
  }

  /**
   * Takes waiting calls from workers that have been silent for much longer than
   * the least busy one.
   */
  #relieve(): void {
    const least = this.#workers.leastBusy(undefined);
    if (least === undefined) return;
    const elsewhere = MAX_SILENCE + expectedWait(least);
    for (const worker of this.#queued) {
      const { window } = worker;
      const isSlow = window.silence >= MAX_SILENCE &&
        expectedWait(worker) >= 2 * elsewhere;
      if (!isSlow) return;
      window.slowed();
      this.#workers.refresh(worker);
      this.#slow.add(worker);
      if (window.calls > window.limit) {
        const keep = window.limit - window.concurrency;
        this.#shares.set(worker, 0);
        worker.recall({ parts: 0, keep, cut: false });
      }
      this.update(worker, false);
    }
  }

  /** Looks at the workers again after this many milliseconds at the latest. */
  #watch(milliseconds: number): void {
    const dueAt = performance.now() + milliseconds;
    if (this.#timer !== undefined && this.#dueAt <= dueAt) return;
    clearTimeout(this.#timer);
    this.#dueAt = dueAt;
    this.#lookAfter(milliseconds, TURNS);
  }

  #lookAfter(milliseconds: number, turns: number): void {
    this.#timer = setTimeout(() => this.#look(turns), milliseconds);
    Deno.unrefTimer(this.#timer);
  }

  /**
   * Looks at the workers.
   *
   * @param turns How many turns of the event loop to wait before.
   */
  #look(turns: number): void {
    if (turns > 0) return this.#lookAfter(0, turns - 1);
    this.#timer = undefined;
    // The next dispatch balances again.
    if (!this.#mayRecall()) return;
    this.#relieve();
    this.balance();
    if (this.#timer !== undefined) return;
    for (const { window } of this.#queued) {
      return this.#watch(Math.max(MIN_WAIT, MAX_SILENCE - window.silence));
    }
  }

  #stopWatching(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}

/** Adds a worker to a set, at the end if it moves, or removes it. */
function place(
  set: Set<WorkerHandle>,
  worker: WorkerHandle,
  belongs: boolean,
  moves: boolean,
): void {
  if (moves || !belongs) set.delete(worker);
  if (belongs) set.add(worker);
}

/** Returns whether the present call of a worker takes longer than expected. */
function isStuck({ window }: WorkerHandle): boolean {
  const { isSlow, silence, microseconds } = window;
  return isSlow || silence >= Math.max(MIN_WAIT, 2 * microseconds / 1_000);
}

/**
 * Returns how many calls a worker may have begun: while it sends a large result,
 * it begins no others.
 */
function countRunning({ missingBytes, window }: WorkerHandle): number {
  return missingBytes > 0 ? 1 : window.concurrency;
}

/**
 * Returns how long calls will wait at a worker when a message reaches it, in
 * milliseconds.
 */
function expectedWait(worker: WorkerHandle): number {
  const { items, missingBytes, window } = worker;
  const { calls, concurrency, microseconds, silence, delay } = window;
  const average = microseconds / 1_000;
  const work = Math.max(0, calls - concurrency) / concurrency * average;
  const arrival = missingBytes / BYTES_PER_MILLISECOND;
  if (arrival >= MIN_WAIT) return arrival + work;
  // A worker that has little to do may only wait for a processor.
  if (work < MIN_WAIT && silence + delay < MAX_SILENCE) return 0;
  // A call that has taken long is likely to take as long again.
  if (isStuck(worker)) return items > concurrency ? silence + delay + work : 0;
  if (calls > concurrency) return silence + work - delay;
  if (items === calls) return 0;
  // How far a chunk has got isn't known; it may take as long as those before.
  return Math.max(0, average - silence);
}
