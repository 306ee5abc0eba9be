import type { MapResults } from "./map_results.ts";
import { Queue } from "../util/queue.ts";

/** What an iterator reads. */
export interface ResultReader {
  /**
   * Moves on to the next result, starting the map if necessary.
   *
   * @throws Whatever ended the map.
   */
  advance(): "value" | "waiting" | "end";
  /** Takes the value that was found. */
  takeValue(): unknown;
  /** Appends the values that were found to a list. */
  takeValues(results: unknown[]): void;
  /** Ends the map; resolves when its inputs are closed. */
  close(): Promise<void>;
}

/** The reader's side of a map: promises of results that may be yet to come. */
export class MapIterator<Result> implements MapResults<Result> {
  readonly #reader: ResultReader;
  readonly #waiting = new Queue<
    PromiseWithResolvers<IteratorResult<Result, undefined>>
  >();
  /** Resolved when there is more to collect. */
  #collecting: PromiseWithResolvers<void> | undefined;

  /** Constructs an iterator over the results of a reader. */
  constructor(reader: ResultReader) {
    this.#reader = reader;
  }

  [Symbol.asyncIterator](): MapResults<Result> {
    return this;
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

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  /** Gives waiting readers the results that have arrived. */
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
