import type { FailureLimit } from "./failure_limit.ts";
import type { MapCall } from "./map_call.ts";

/** Counts the items of a map that have ended, and those of them that failed. */
export class MapCounts {
  #ended = 0;
  #failed = 0;
  #skipped = 0;
  #limit: FailureLimit | undefined;

  /** How many items have ended. */
  get ended(): number {
    return this.#ended;
  }

  /** How many of them have failed. */
  get failed(): number {
    return this.#failed;
  }

  /** How many of those that have ended didn't run, but were recalled. */
  get skipped(): number {
    return this.#skipped;
  }

  /** Whether items may fail without ending the map. */
  get isSettled(): boolean {
    return this.#limit !== undefined;
  }

  /** Sets how many items may fail, without ending the map. */
  settle(limit: FailureLimit): void {
    this.#limit = limit;
  }

  /**
   * Counts the items of a call that have ended.
   *
   * @param left How many of its items a worker has left unprocessed.
   */
  add(call: MapCall, left: number): void {
    const { items, isStreamed, values, thrown, pieces } = call;
    if (thrown === undefined) {
      this.#ended += pieces.length > 0 ? values.length : items - left;
    } else if (items > 0) {
      // An error of the inputs has no item.
      this.#ended += isStreamed ? 1 : values.length + 1;
      this.#failed++;
    }
  }

  /** Counts the items of a call that has got results of an earlier run. */
  addRecalled(call: MapCall): void {
    const before = this.#ended;
    this.add(call, 0);
    this.#skipped += this.#ended - before;
  }

  /** Counts the results of a call that has them from another one. */
  addResults({ values, thrown }: MapCall): void {
    this.#ended += values.length;
    if (thrown === undefined) return;
    this.#ended++;
    this.#failed++;
  }

  /** Counts the items of a call that have failed without ending the map. */
  addFailures(call: MapCall): void {
    if (this.#limit === undefined) return;
    this.#failed += call.addFailures(this.#limit);
  }

  /**
   * Returns the error with all reasons if too many items have failed.
   *
   * @param total How many items there are; `Infinity` if that is unknown.
   */
  check(total: number): AggregateError | undefined {
    return this.#limit?.check(this.#ended, total);
  }
}
