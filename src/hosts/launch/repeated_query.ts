import { pause } from "../../util/pause.ts";

/** The pauses before the launcher is asked after agents, in milliseconds. */
const FIRST_PAUSE = 1_000;
const LAST_PAUSE = 10_000;
const GROWTH = 1.5;

/** What is repeated, and while what. */
export interface RepeatedQueryOptions {
  /** Returns whether there is anything to ask. */
  readonly isNeeded: () => boolean;
  /** Asks; the signal cancels this. */
  readonly query: (signal: AbortSignal) => Promise<void>;
  /** Ends the repetition. */
  readonly signal: AbortSignal;
}

/** Asks again and again, with growing pauses, while there is anything to ask. */
export class RepeatedQuery {
  readonly #options: RepeatedQueryOptions;
  #pause = FIRST_PAUSE;
  #isRunning = false;
  /** Ends the pause in progress. */
  #woken = new AbortController();

  /** Constructs it; {@linkcode RepeatedQuery.soon} begins. */
  constructor(options: RepeatedQueryOptions) {
    this.#options = options;
  }

  /** Whether the pauses don't grow any more. */
  get isSlow(): boolean {
    return this.#pause === LAST_PAUSE;
  }

  /** Asks after the shortest pause. */
  soon(): void {
    this.#pause = FIRST_PAUSE;
    this.#woken.abort();
    if (!this.#isRunning) this.#run();
  }

  async #run(): Promise<void> {
    const { isNeeded, query, signal } = this.#options;
    this.#isRunning = true;
    while (isNeeded() && !signal.aborted) {
      this.#woken = new AbortController();
      const over = AbortSignal.any([signal, this.#woken.signal]);
      await pause(this.#pause, over).catch(() => {});
      if (over.aborted) continue;
      this.#pause = Math.min(LAST_PAUSE, this.#pause * GROWTH);
      await query(signal).catch((error) => {
        if (!signal.aborted) throw error;
      });
    }
    this.#isRunning = false;
  }
}
