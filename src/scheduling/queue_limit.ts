import type { CallObserver, CallState } from "../calls/call_state.ts";
import type { KeepAlive } from "../util/keep_alive.ts";
import { Queue } from "../util/queue.ts";

/** A caller who waits until a call would be accepted. */
type Waiter = PromiseWithResolvers<void>;

/**
 * Limits how many calls wait for a worker. It observes only the calls that the
 * limit applies to.
 */
export class QueueLimit implements CallObserver {
  /** How many calls may wait. */
  readonly max: number;
  readonly #counts: CallObserver;
  readonly #keepAlive: KeepAlive;
  readonly #room: () => number;
  readonly #waiters = new Queue<Waiter>();
  #waiting = 0;
  /**
   * How many waiters were woken and haven't made their calls, or whose calls were
   * refused. They get no further turn in the same turn of the event loop.
   */
  #woken = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /**
   * Constructs a limit.
   *
   * @param max How many calls may wait.
   * @param counts Counts all calls.
   * @param keepAlive Keeps the program alive while callers wait: they may wait
   * for a worker, while no call does.
   * @param room Returns how many calls the workers could take at once.
   */
  constructor(
    max: number,
    counts: CallObserver,
    keepAlive: KeepAlive,
    room: () => number,
  ) {
    this.max = max;
    this.#counts = counts;
    this.#keepAlive = keepAlive;
    this.#room = room;
  }

  /** Whether more calls wait than may. */
  get isExceeded(): boolean {
    return this.#waiting > this.max;
  }

  /** How many callers wait for a place. */
  get waiters(): number {
    return this.#waiters.length;
  }

  /** Whether as many calls wait as may. */
  get isFull(): boolean {
    return this.#waiting > 0 && this.#waiting >= this.max;
  }

  /** Resolves when a call would be accepted. */
  hasRoom(): Promise<void> {
    const waiter = Promise.withResolvers<void>();
    this.#waiters.push(waiter);
    this.#keepAlive.hold();
    this.wake();
    return waiter.promise;
  }

  /** Wakes as many waiters as there are free places, first come first served. */
  wake(): void {
    if (this.#waiters.length === 0) return;
    const free = this.max - this.#waiting + this.#room();
    while (this.#woken < free) {
      const waiter = this.#waiters.shift();
      if (waiter === undefined) return;
      this.#keepAlive.release();
      this.#woken++;
      waiter.resolve();
      // A waiter that makes no call mustn't keep its place from others.
      this.#timer ??= setTimeout(() => {
        this.#timer = undefined;
        this.#woken = 0;
        this.wake();
      }, 0);
    }
  }

  /**
   * Rejects those who wait.
   *
   * @param reason Creates an error for each of them.
   */
  close(reason: () => Error): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const waiter of this.#waiters.drain()) {
      this.#keepAlive.release();
      waiter.reject(reason());
    }
  }

  /** Takes note that a call was accepted. */
  accepted(): void {
    if (this.#woken > 0) this.#woken--;
  }

  /** Counts a transition. */
  moved(counted: object, from: CallState | undefined, to: CallState): void {
    const isWaiting = waits(to);
    if (isWaiting !== waits(from)) this.#waiting += isWaiting ? 1 : -1;
    this.#counts.moved(counted, from, to);
  }

  /** Passes on that a sent call waits for an argument, or no longer does. */
  waits(counted: object, isWaiting: boolean): void {
    this.#counts.waits?.(counted, isWaiting);
  }

  /** Passes on that an abandoned call has been answered by another run of it. */
  wasOutrun(counted: object): void {
    this.#counts.wasOutrun?.(counted);
  }
}

/** Returns whether a call in a state waits for a worker. */
function waits(state: CallState | undefined): boolean {
  return state === "queued" || state === "requeued";
}
