import { MeanDuration } from "./mean_duration.ts";
import { SharedPace } from "./shared_pace.ts";

/** How much work should wait in a worker's queue, in microseconds. */
const TARGET_MICROSECONDS = 4_000;

/** The most calls in an automatic window, unless the concurrency is higher. */
const MAX_CALLS = 4_096;

/** The most bytes of arguments and expected results in flight. */
const MAX_BYTES = 4 * 2 ** 20;

/** A larger call is on its way for longer than others, in bytes. */
const MAX_TIMED_BYTES = 2 ** 18;

/**
 * How much work should wait there in relation to the time that a call takes to
 * the worker and back.
 */
const DELAYS_AHEAD = 1.5;

/**
 * How many calls should wait at a distant worker at least: a few long calls may
 * hide that most are short.
 */
const MIN_CALLS_AHEAD = 32;

/** The weight of the newest measurement in a running average. */
const WEIGHT = 0.25;

/** The settings of a {@linkcode PrefetchWindow} that have defaults. */
export interface WindowOptions {
  /**
   * Whether the worker is on this machine. Then it isn't far away, even if its
   * first calls take long.
   *
   * @default {false}
   */
  readonly isLocal?: boolean;
  /** What the windows of the pool's workers have in common. */
  readonly pace?: SharedPace;
  /** Returns the time, in milliseconds. */
  readonly now?: () => number;
}

/**
 * Decides how many calls one worker may have at a time.
 *
 * A worker that waits for its next call wastes time, and a call that waits
 * behind a long one could have run elsewhere. So about 4 ms of work wait in the
 * worker's queue: thousands of tiny calls, or none behind a long one. If the
 * worker is far away, more work waits: enough until the next call arrives.
 */
export class PrefetchWindow {
  readonly #concurrency: number;
  /** Whether the limit never changes. */
  readonly isFixed: boolean;
  readonly #pace: SharedPace;
  readonly #now: () => number;
  #limit: number;
  /** How many calls a distant worker needs; `Infinity` if it isn't distant. */
  #needed = Infinity;
  readonly #mean = new MeanDuration();
  /** Whether the limit fits what the worker did. */
  #isAdapted = false;
  #resultBytes = 0;
  /** The shortest time that a call was on its way, in milliseconds. */
  #delay: number | undefined;
  /** When the worker last answered, or could first answer. */
  #heardAt = 0;
  /** For how long the pool had been sending calls until then. */
  #sendingBefore = 0;
  /** When the worker last got a call while it was idle. */
  #beganAt = 0;
  /** Whether it has answered nothing since then. */
  #wasIdle = false;
  /** Whether its present call takes much longer than those before. */
  #isSlow = false;
  readonly #isLocal: boolean;

  #calls = 0;
  /** The size of the arguments of its calls, without the large ones. */
  #argumentBytes = 0;
  /** How many calls have arguments of {@linkcode MAX_BYTES} or more. */
  #largeCalls = 0;

  /**
   * Constructs the window of one worker.
   *
   * @param prefetch How many calls may wait at the worker in addition to the
   * running ones; `"auto"` adapts to the measured durations.
   * @param concurrency How many calls the worker runs at once.
   */
  constructor(
    prefetch: number | "auto",
    concurrency: number,
    {
      isLocal = false,
      pace = new SharedPace(),
      now = () => performance.now(),
    }: WindowOptions = {},
  ) {
    this.#now = now;
    this.#isLocal = isLocal;
    this.#concurrency = concurrency;
    this.#pace = pace;
    this.isFixed = prefetch !== "auto";
    this.#limit = concurrency + (prefetch === "auto" ? 0 : prefetch);
  }

  /** How many calls the worker runs at once. */
  get concurrency(): number {
    return this.#concurrency;
  }

  /** How many calls the worker may have. */
  get limit(): number {
    // A worker that has answered nothing is expected to be like the others.
    return this.#isAdapted || this.isFixed
      ? this.#limit
      : Math.max(this.#limit, this.#pace.limit);
  }

  /**
   * How many calls a distant worker needs to be busy until others arrive, if all
   * take as long as the average; `Infinity` if it isn't distant.
   */
  get needed(): number {
    return this.#needed;
  }

  /** Whether calls take long to the worker and back. */
  get isDistant(): boolean {
    return this.delay * 1_000 * DELAYS_AHEAD >= TARGET_MICROSECONDS;
  }

  /** How many calls the worker has. */
  get calls(): number {
    return this.#calls;
  }

  /** How many more items the worker may get in all. */
  get itemsLeft(): number {
    return Infinity;
  }

  /** How many more calls may be sent now. */
  get room(): number {
    if (this.#isFull) return 0;
    // While a large call is on its way, the worker may run another one.
    const extra = this.#largeCalls > 0 && !this.isFixed ? 1 : 0;
    const room = this.limit + extra - this.#calls;
    const isHeld = this.#isSlow && this.#calls >= this.#concurrency;
    return isHeld ? Math.min(room, 0) : room;
  }

  /** Whether no more calls may wait at the worker, because of their size. */
  get #isFull(): boolean {
    if (this.#calls < this.#concurrency) return false;
    if (this.#largeCalls > 1) return true;
    const bytes = this.#argumentBytes + this.#calls * this.#resultBytes;
    return bytes >= MAX_BYTES;
  }

  /**
   * How long a call takes the worker on average, in microseconds. Until it has
   * done enough work, calls of other workers count, because a few measurements
   * may be wrong.
   */
  get microseconds(): number {
    return this.#mean.among(this.#pace.duration.microseconds);
  }

  /** How long a call takes to the worker and back, in milliseconds. */
  get delay(): number {
    return this.#delay ?? 0;
  }

  /** When the worker last answered, if it has no calls; 0 if it never has. */
  get heardAt(): number {
    return this.#heardAt;
  }

  /**
   * For how long the worker could have answered calls, but hasn't, in
   * milliseconds. The time that the pool took to send calls doesn't count.
   */
  get silence(): number {
    if (this.#calls === 0) return 0;
    const sending = this.#pace.sending - this.#sendingBefore;
    return Math.max(0, this.#now() - this.#heardAt - sending);
  }

  /** Whether the present call takes much longer than those before. */
  get isSlow(): boolean {
    return this.#isSlow;
  }

  /**
   * Adds a call that was sent.
   *
   * @param bytes The size of its arguments.
   * @param _items How many items it has; 0 if it was sent before.
   */
  sent(bytes: number, _items = 0): void {
    if (this.#calls++ === 0) {
      this.#beganAt = this.#now();
      this.#heardAt = this.#beganAt + this.delay;
      this.#sendingBefore = this.#pace.sending;
      this.#wasIdle = bytes <= MAX_TIMED_BYTES;
    }
    this.#count(bytes, 1);
  }

  /** Corrects the size of the arguments of a call that was cut. */
  shrunk(before: number, after: number): void {
    this.#count(before, -1);
    this.#count(after, 1);
  }

  /** Removes a call that was answered, with the size of its arguments. */
  returned(bytes: number): void {
    this.#calls--;
    this.#count(bytes, -1);
  }

  /** Takes note that the worker has given back items. */
  givenBack(_items: number): void {}

  #count(bytes: number, sign: 1 | -1): void {
    if (bytes >= MAX_BYTES) this.#largeCalls += sign;
    else this.#argumentBytes += bytes * sign;
  }

  /**
   * Adapts the window to calls that were answered in one message.
   *
   * @param calls The number of the calls.
   * @param microseconds How long the worker was busy with them.
   * @param bytes The size of their results.
   */
  measured(calls: number, microseconds: number, bytes: number): void {
    const now = this.#now();
    if (this.#wasIdle && bytes <= MAX_TIMED_BYTES && !this.#isLocal) {
      const delay = Math.max(0, now - this.#beganAt - microseconds / 1_000);
      this.#delay = Math.min(this.#delay ?? Infinity, delay);
    }
    this.#wasIdle = false;
    this.#heardAt = now;
    this.#sendingBefore = this.#pace.sending;
    this.#isSlow = false;
    this.#resultBytes = average(this.#resultBytes, bytes / calls);
    this.#mean.add(calls, microseconds);
    this.#pace.duration.add(calls, microseconds);
    this.#adapt();
  }

  /** Takes no more calls until the worker answers: its present call is slow. */
  hold(): void {
    this.#isSlow = true;
  }

  /** Does the same, and expects that other calls take as long. */
  slowed(): void {
    this.hold();
    this.expect(this.silence * 1_000 / this.#concurrency);
  }

  /** Expects that calls take this many microseconds at least. */
  expect(microseconds: number): void {
    if (this.microseconds < microseconds) this.#mean.reset(microseconds);
    this.#adapt();
  }

  #adapt(): void {
    if (this.isFixed) return;
    const before = this.limit;
    this.#isAdapted = true;
    const each = Math.max(1, this.microseconds);
    const away = this.delay * 1_000 * DELAYS_AHEAD;
    const onTheWay = Math.round(away / each);
    const { isDistant } = this;
    this.#needed = isDistant ? this.#concurrency + onTheWay : Infinity;
    const queued = Math.max(
      Math.floor(TARGET_MICROSECONDS / each),
      isDistant ? Math.max(MIN_CALLS_AHEAD, onTheWay) : 0,
    );
    // One short measurement at most doubles the window, unless others agree.
    const fitting = this.#concurrency + queued;
    this.#limit = Math.min(
      fitting,
      Math.max(before * 2, this.#pace.limit),
      Math.max(MAX_CALLS, this.#concurrency),
    );
    this.#pace.adapted(this.#limit);
  }
}

function average(before: number, now: number): number {
  return before === 0 ? now : before + (now - before) * WEIGHT;
}
