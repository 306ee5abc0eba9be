import { DISPLAY, type MediaBundle } from "../util/display_table.ts";
import { displayMap, type MapProgress } from "./display_map.ts";
import type { MapResults } from "./map_results.ts";
import { Queue } from "../util/queue.ts";

/** The source of an iterator's results. */
export interface ResultReader {
  /** How far the map has come. */
  readonly progress: MapProgress;
  /**
   * Moves to the next result; starts the map if necessary.
   *
   * @throws The error that ended the map.
   */
  advance(): "value" | "waiting" | "end";
  /** Takes the current value. */
  takeValue(): unknown;
  /** Appends all values of the current call to an array. */
  takeValues(results: unknown[]): void;
  /** Ends the map; the promise resolves when the inputs are closed. */
  close(): Promise<void>;
}

/** The async iterator that a map returns. */
export class MapIterator<Result> implements MapResults<Result> {
  readonly #reader: ResultReader;
  readonly #waiting = new Queue<
    PromiseWithResolvers<IteratorResult<Result, undefined>>
  >();
  /** Wakes `toArray()` or `nextBatch()` when more results have arrived. */
  #collecting: PromiseWithResolvers<void> | undefined;

  /** Constructs an iterator over the reader's results. */
  constructor(reader: ResultReader) {
    this.#reader = reader;
  }

  /** Whether somebody waits for a result. */
  get isAwaited(): boolean {
    return this.#waiting.length > 0 || this.#collecting !== undefined;
  }

  [Symbol.asyncIterator](): MapResults<Result> {
    return this;
  }

  /** Formats the progress of the map for a notebook. */
  [DISPLAY](): MediaBundle {
    return displayMap(this.#reader.progress);
  }

  next(): Promise<IteratorResult<Result, undefined>> {
    if (this.#waiting.length === 0) {
      try {
        const step = this.#reader.advance();
        if (step !== "waiting") return Promise.resolve(this.#take(step));
      } catch (error) {
        return Promise.reject(error);
      }
    }
    const waiting = Promise.withResolvers<IteratorResult<Result, undefined>>();
    this.#waiting.push(waiting);
    return waiting.promise;
  }

  async return(): Promise<IteratorResult<Result, undefined>> {
    const closed = this.#reader.close();
    this.serve();
    await closed;
    return { done: true, value: undefined };
  }

  async toArray(): Promise<Result[]> {
    const reader = this.#reader;
    const results: Result[] = [];
    for (;;) {
      const step = reader.advance();
      if (step === "end") return results;
      if (step === "value") reader.takeValues(results);
      else {
        this.#collecting ??= Promise.withResolvers();
        await this.#collecting.promise;
      }
    }
  }

  /**
   * Takes the next results that have arrived; waits until there are any.
   *
   * @returns The results, at least one; `undefined` after the last one.
   * @throws The error that ended the map, after the results before it.
   */
  async nextBatch(): Promise<Result[] | undefined> {
    const results: Result[] = [];
    for (;;) {
      const step = this.#reader.advance();
      if (step === "end") return undefined;
      if (step === "value") {
        this.#reader.takeValues(results);
        return results;
      }
      this.#collecting ??= Promise.withResolvers();
      await this.#collecting.promise;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  /** Settles pending `next()` calls with the results that have arrived. */
  serve(): void {
    this.#collecting?.resolve();
    this.#collecting = undefined;
    while (this.#waiting.length > 0) {
      try {
        const step = this.#reader.advance();
        if (step === "waiting") return;
        this.#waiting.shift()!.resolve(this.#take(step));
      } catch (error) {
        this.#waiting.shift()!.reject(error);
      }
    }
  }

  #take(step: "value" | "end"): IteratorResult<Result, undefined> {
    if (step === "end") return { done: true, value: undefined };
    return { done: false, value: this.#reader.takeValue() as Result };
  }
}
