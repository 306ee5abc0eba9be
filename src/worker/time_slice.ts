import { now } from "./primordials.ts";

/**
 * How long tasks run before results are sent and messages are read, in
 * milliseconds.
 */
const SLICE_MILLISECONDS = 1;

/** The most items of a chunk that run between two checks of the time. */
const MAX_ITEMS_PER_LOOK = 16;

/**
 * How long items run between two checks if these aren't to take more than a tenth
 * of the time, in milliseconds. After a long task, the other items may be needed
 * elsewhere.
 */
const MILLISECONDS_PER_LOOK = 0.001;

/** The time for which an executor runs tasks in a turn. */
export class TimeSlice {
  #end = 0;
  /** How many items of chunks run between two checks of the time. */
  #itemsPerLook = MAX_ITEMS_PER_LOOK;
  /** How many of them run before the next check. */
  #untilLook = MAX_ITEMS_PER_LOOK;
  /** When the time was last checked. */
  #lookedAt = 0;

  /** Begins a slice at a time, in milliseconds. */
  begin(time: number): void {
    this.#end = time + SLICE_MILLISECONDS;
    this.#lookedAt = time;
    this.#untilLook = this.#itemsPerLook;
  }

  /** How many items of chunks may run before the next check of the time. */
  get itemsLeft(): number {
    return this.#untilLook;
  }

  /** Checks how long ago the slice has ended, in milliseconds; below 0: it hasn't. */
  late(): number {
    return now() - this.#end;
  }

  /** Counts items that have run; returns whether the slice is known to be over. */
  isOverAfter(items: number): boolean {
    this.#untilLook -= items;
    return this.#untilLook <= 0 && this.#look();
  }

  /** Checks the time: the longer the last items took, the sooner again. */
  #look(): boolean {
    const time = now();
    const each = (time - this.#lookedAt) / this.#itemsPerLook;
    this.#itemsPerLook = Math.min(
      Math.ceil(MILLISECONDS_PER_LOOK / each),
      MAX_ITEMS_PER_LOOK,
    );
    this.#untilLook = this.#itemsPerLook;
    this.#lookedAt = time;
    return time >= this.#end;
  }
}
