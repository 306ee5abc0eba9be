import type { MapBatches } from "./map_results.ts";

/** A batch of this size isn't copied to add others to it. */
const LARGE_BATCH = 256;

/** The results that a {@linkcode BatchIterator} reads. */
export interface BatchSource<Result> {
  /** See {@linkcode MapIterator.nextBatch}. */
  nextBatch(): Promise<readonly Result[] | undefined>;
  /** See {@linkcode MapIterator.takeBatch}. */
  takeBatch(): readonly Result[] | undefined;
  /** Ends the map. */
  return(): Promise<unknown>;
}

/** Iterates over arrays of the results of a map that have arrived. */
export class BatchIterator<Result> implements MapBatches<Result> {
  readonly #source: BatchSource<Result>;
  /** The error to throw after the results before it. */
  #thrown: { readonly error: unknown } | undefined;

  /** Constructs an iterator over results that nobody else reads. */
  constructor(source: BatchSource<Result>) {
    this.#source = source;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<Result[], undefined>> {
    const thrown = this.#thrown;
    this.#thrown = undefined;
    if (thrown !== undefined) throw thrown.error;
    const first = await this.#source.nextBatch();
    if (first === undefined) return { done: true, value: undefined };
    return { done: false, value: this.#gather(first) };
  }

  async return(): Promise<IteratorResult<Result[], undefined>> {
    this.#thrown = undefined;
    await this.#source.return();
    return { done: true, value: undefined };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  /** Adds what has arrived meanwhile to the first results. */
  #gather(first: readonly Result[]): Result[] {
    // Nobody else has the array: the map drops it once it is taken.
    if (first.length >= LARGE_BATCH) return first as Result[];
    const all = [...first];
    try {
      for (;;) {
        const batch = this.#source.takeBatch();
        if (batch === undefined || batch.length === 0) return all;
        for (let index = 0; index < batch.length; index++) {
          all.push(batch[index] as Result);
        }
      }
    } catch (error) {
      this.#thrown = { error };
      return all;
    }
  }
}
