import type { setTimeout } from "node:timers";
import { loadTimers } from "../util/timers.ts";

/** How long a task waits before others may use its place, in milliseconds. */
const PATIENCE_MILLISECONDS = 100;

/** The same for a task that has waited so long before. */
const SHORT_PATIENCE_MILLISECONDS = 5;

/** Handles that a task waits for a while, and that it continues. */
export interface PauseEvents {
  /** Lets others use the place of the task. */
  paused(): void;
  /** Takes a place for the task again. */
  resumed(): void;
}

/**
 * Detects that a task has waited for the values of a stream for a while. Values
 * that are on their way arrive sooner, so only one timer runs at a time.
 */
export class Starvation {
  readonly #events: PauseEvents;
  /** How many streams the task waits for. */
  #waiting = 0;
  /** How often it began to wait. */
  #waits = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isWatching = false;
  #patience = PATIENCE_MILLISECONDS;
  #isPaused = false;
  #isClosed = false;

  /** Constructs the detection for a task that waits for nothing. */
  constructor(events: PauseEvents) {
    this.#events = events;
  }

  /** Handles that the task begins to wait for a stream. */
  begin(): void {
    if (this.#waiting++ > 0) return;
    this.#waits++;
    if (!this.#isWatching && !this.#isClosed) this.#watch();
  }

  /** Handles that the task no longer waits for a stream. */
  end(): void {
    if (--this.#waiting === 0) this.#resume();
  }

  /** Ends the detection, because the task has ended or was cancelled. */
  close(): void {
    this.#isClosed = true;
    this.#timer?.close();
    this.#resume();
  }

  async #watch(): Promise<void> {
    this.#isWatching = true;
    const waits = this.#waits;
    const { setTimeout } = await loadTimers();
    if (this.#isClosed) return;
    this.#timer = setTimeout(() => {
      this.#isWatching = false;
      if (this.#waiting === 0) return;
      if (waits !== this.#waits) return this.#watch();
      this.#isPaused = true;
      this.#patience = SHORT_PATIENCE_MILLISECONDS;
      this.#events.paused();
    }, this.#patience);
    this.#timer.unref();
  }

  #resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#events.resumed();
  }
}
