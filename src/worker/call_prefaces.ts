import type { Numbered, Watch } from "../protocol/worker_messages.ts";

/** What the pool has announced of the calls of a message. */
export interface AnnouncedCalls {
  /** Whether the pool must know when they begin, and doesn't yet. */
  isWatched: boolean;
  /** The number of the first one; `undefined` if they have none. */
  index: number | undefined;
  /** The seed of their random numbers, or an empty list. */
  seed: readonly number[];
}

/** What the pool announces of calls until they arrive. */
export class CallPrefaces {
  readonly #announced = new Map<number, AnnouncedCalls>();

  /** Takes note that the pool must know when a call begins. */
  watch([, id, watched]: Watch): void {
    this.#of(id).isWatched = watched;
  }

  /** Takes note of the numbers of calls. */
  number([, id, index, seed]: Numbered): void {
    const announced = this.#of(id);
    announced.index = index;
    announced.seed = seed;
  }

  /** Takes what was announced of the calls of a message that has arrived. */
  take(id: number): AnnouncedCalls | undefined {
    if (this.#announced.size === 0) return undefined;
    const announced = this.#announced.get(id);
    this.#announced.delete(id);
    return announced;
  }

  #of(id: number): AnnouncedCalls {
    let announced = this.#announced.get(id);
    if (announced === undefined) {
      announced = { isWatched: false, index: undefined, seed: [] };
      this.#announced.set(id, announced);
    }
    return announced;
  }
}
