import { MeanDuration } from "./mean_duration.ts";
import { SharedPace } from "./shared_pace.ts";

/** How much work should wait in a worker's queue, in microseconds. */
const TARGET_MICROSECONDS = 4_000;

/** The most calls in an automatic window, unless the concurrency is higher. */
const MAX_CALLS = 4_096;

/** The most bytes of arguments and expected results in flight. */
const MAX_BYTES = 4 * 2 ** 20;

/**
 * How much work should wait there in relation to the time that a call takes to
 * the worker and back.
 */
const DELAYS_AHEAD = 1.5;

/**
 * How many calls should wait at a distant worker at least: a few long calls may
 * hide that most are short.
 */
const MIN_CALLS_AHEAD = 8;

/** The weight of the newest measurement in a running average. */
const WEIGHT = 0.25;

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
  readonly #mean = new MeanDuration();
  /** Whether the limit fits what the worker did. */
  #isAdapted = false;
  #resultBytes = 0;
  /** The shortest time that a call was on its way, in milliseconds. */
  #delay: number | undefined;
  /** When the worker last got its first call, or answered one. */
  #heardAt = 0;
  /** Whether the worker was idle before that. */
  #wasIdle = false;

  #calls = 0;
  #argumentBytes = 0;

  /**
   * Constructs the window of one worker.
   *
   * @param prefetch How many calls may wait at the worker in addition to the
   * running ones; `"auto"` adapts to the measured durations.
   * @param concurrency How many calls the worker runs at once.
   * @param pace What the windows of the pool's workers have in common.
   * @param now Returns the time, in milliseconds.
   */
  constructor(
    prefetch: number | "auto",
    concurrency: number,
    pace: SharedPace = new SharedPace(),
    now: () => number = () => performance.now(),
  ) {
    this.#now = now;
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

  /** How many calls the worker has. */
  get calls(): number {
    return this.#calls;
  }

  /** How many more calls may be sent now. */
  get room(): number {
    const bytes = this.#argumentBytes + this.#calls * this.#resultBytes;
    if (bytes >= MAX_BYTES && this.#calls > 0) return 0;
    return this.limit - this.#calls;
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

  /** How long the worker has had calls and answered none, in milliseconds. */
  get silence(): number {
    return this.#calls === 0 ? 0 : this.#now() - this.#heardAt;
  }

  /** Adds a call that was sent, with the size of its arguments. */
  sent(bytes: number): void {
    if (this.#calls++ === 0) {
      this.#heardAt = this.#now();
      this.#wasIdle = true;
    }
    this.#argumentBytes += bytes;
  }

  /** Corrects the size of the arguments of a call that was cut. */
  shrunk(bytes: number): void {
    this.#argumentBytes -= bytes;
  }

  /** Removes a call that was answered, with the size of its arguments. */
  returned(bytes: number): void {
    this.#calls--;
    this.#argumentBytes -= bytes;
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
    if (this.#wasIdle) {
      const delay = Math.max(0, now - this.#heardAt - microseconds / 1_000);
      this.#delay = Math.min(this.#delay ?? Infinity, delay);
      this.#wasIdle = false;
    }
    this.#heardAt = now;
    this.#resultBytes = average(this.#resultBytes, bytes / calls);
    this.#mean.add(calls, microseconds);
    this.#pace.duration.add(calls, microseconds);
    this.#adapt();
  }

  /** Adapts the window to calls that take longer than those before. */
  slowed(): void {
    const each = this.silence * 1_000 / this.#concurrency;
    this.#mean.reset(Math.max(this.microseconds, each));
    this.#adapt();
  }

  #adapt(): void {
    if (this.isFixed) return;
    const before = this.limit;
    this.#isAdapted = true;
    const each = Math.max(1, this.microseconds);
    const away = this.delay * 1_000 * DELAYS_AHEAD;
    const isDistant = away >= TARGET_MICROSECONDS;
    const queued = Math.max(
      Math.floor(TARGET_MICROSECONDS / each),
      isDistant ? Math.max(MIN_CALLS_AHEAD, Math.round(away / each)) : 0,
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
