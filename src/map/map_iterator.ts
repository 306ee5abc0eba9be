import {
  checkNames,
  checkObject,
  wrongType,
} from "../options/option_checks.ts";
import { DISPLAY, type MediaBundle } from "../util/display_table.ts";
import { displayMap } from "./display_map.ts";
import { BatchIterator } from "./batch_iterator.ts";
import { FailureLimit } from "./failure_limit.ts";
import type { MapBatches, MapResults, SettledOptions } from "./map_results.ts";
import type { SettledItem } from "./settled_item.ts";
import { type MapState, progressOf } from "./map_state.ts";
import { ProgressWatch } from "./progress_watch.ts";
import { RateMeter } from "./rate_meter.ts";
import type { ProgressListener } from "../options/map_options.ts";
import type { MapProgress } from "../options/map_progress.ts";
import { isPromiseLike } from "../util/is_promise_like.ts";
import { Queue } from "../util/queue.ts";

/** The source of an iterator's results. */
export interface ResultReader {
  /** How far the map has come. */
  readonly state: MapState;
  /**
   * Moves to the next results; starts the map if necessary.
   *
   * @throws The error that ended the map.
   */
  advance(): "values" | "waiting" | "end";
  /** The index of the item whose error has ended the map, if that is known. */
  readonly failedIndex: number | undefined;
  /** Handles that all results will be read together. */
  collect(): void;
  /**
   * Lets the map go on after items that fail, and deliver how each has ended.
   *
   * @throws {DOMException} If the map has started.
   */
  settle(limit: FailureLimit): void;
  /** Takes these results, at least one. */
  take(): readonly unknown[];
  /** Ends the map; the promise resolves when the inputs are closed. */
  close(): Promise<void>;
}

const NO_RESULTS: readonly never[] = [];

/** The async iterator that a map returns. */
export class MapIterator<Result> implements MapResults<Result> {
  readonly #reader: ResultReader;
  /** The results that are being read, and the index of the next one. */
  #results: readonly Result[] = NO_RESULTS;
  #index = 0;
  readonly #waiting = new Queue<
    PromiseWithResolvers<IteratorResult<Result, undefined>>
  >();
  /** Wakes those who read batches when more results have arrived. */
  #collecting: PromiseWithResolvers<void> | undefined;
  /** Whether the reader has ended the map. */
  #isClosed = false;
  /** Measures the rate, once somebody has read the progress. */
  #meter: RateMeter | undefined;
  /** Reports the progress, if somebody watches. */
  #watch: ProgressWatch | undefined;

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
    return displayMap(this.#reader.state);
  }

  next(): Promise<IteratorResult<Result, undefined>> {
    const results = this.#results;
    if (this.#index < results.length) {
      const value = results[this.#index++] as Result;
      return Promise.resolve({ done: false, value });
    }
    return this.#advance();
  }

  /** Returns the next result, now or when it arrives. */
  #advance(): Promise<IteratorResult<Result, undefined>> {
    if (this.#waiting.length === 0) {
      try {
        const next = this.#next();
        if (next !== undefined) return Promise.resolve(next);
      } catch (error) {
        return Promise.reject(error);
      }
    }
    const waiting = Promise.withResolvers<IteratorResult<Result, undefined>>();
    this.#waiting.push(waiting);
    return waiting.promise;
  }

  async return(): Promise<IteratorResult<Result, undefined>> {
    this.#isClosed = true;
    const closed = this.#reader.close();
    this.#watch?.ended();
    this.#results = NO_RESULTS;
    this.#index = 0;
    this.serve();
    await closed;
    return { done: true, value: undefined };
  }

  get progress(): MapProgress {
    this.#meter ??= new RateMeter();
    return progressOf(this.#reader.state, this.#meter);
  }

  /** Calls a function with the progress of the map while it runs. */
  watch(listener: ProgressListener): void {
    this.#watch ??= new ProgressWatch(this);
    this.#watch.add(listener);
  }

  get failedIndex(): number | undefined {
    return this.#reader.failedIndex;
  }

  settled(options: SettledOptions = {}): MapResults<SettledItem<Result>> {
    checkObject("settled()", options);
    const { maxFailures = Infinity } = options;
    checkNames("settled()", options, { maxFailures });
    this.#reader.settle(new FailureLimit(maxFailures));
    return this as MapResults<unknown> as MapResults<SettledItem<Result>>;
  }

  async toArray(): Promise<Result[]> {
    const all: Result[] = [];
    this.#reader.collect();
    for (;;) {
      const batch = this.takeBatch();
      if (batch === undefined) return all;
      if (batch.length === 0) await this.#arrival();
      for (let index = 0; index < batch.length; index++) {
        all.push(batch[index] as Result);
      }
    }
  }

  batches(): MapBatches<Result> {
    return new BatchIterator(this);
  }

  async forEach(
    callback: (result: Result, index: number) => unknown,
  ): Promise<void> {
    if (typeof callback !== "function") {
      throw wrongType("callback", callback, "a function");
    }
    let next = 0;
    try {
      for (;;) {
        const batch = this.takeBatch();
        if (batch === undefined) return;
        if (batch.length === 0) await this.#arrival();
        for (let index = 0; index < batch.length; index++) {
          const returned = callback(batch[index] as Result, next++);
          if (isPromiseLike(returned)) await returned;
          if (this.#isClosed) return;
        }
      }
    } catch (error) {
      // As in a loop, this error counts, and not that of an input.
      await this.return().catch(() => {});
      throw error;
    }
  }

  /**
   * Takes the next results that have arrived; waits until there are any.
   *
   * @returns The results, at least one; `undefined` after the last one.
   * @throws The error that ended the map, after the results before it.
   */
  async nextBatch(): Promise<readonly Result[] | undefined> {
    for (;;) {
      const batch = this.takeBatch();
      if (batch?.length !== 0) return batch;
      await this.#arrival();
    }
  }

  /**
   * Takes the next results without waiting.
   *
   * @returns The results, none if they haven't arrived; `undefined` after the
   * last one.
   * @throws The error that ended the map, after the results before it.
   */
  takeBatch(): readonly Result[] | undefined {
    const results = this.#results;
    const index = this.#index;
    this.#results = NO_RESULTS;
    this.#index = 0;
    if (index < results.length) {
      return index === 0 ? results : results.slice(index);
    }
    const step = this.#step();
    if (step === "waiting") return NO_RESULTS;
    return step === "end" ? undefined : this.#reader.take() as Result[];
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
        const next = this.#next();
        if (next === undefined) return;
        this.#waiting.shift()!.resolve(next);
      } catch (error) {
        this.#waiting.shift()!.reject(error);
      }
    }
  }

  /** Returns the next result; `undefined` if it hasn't arrived. */
  #next(): IteratorResult<Result, undefined> | undefined {
    if (this.#index === this.#results.length) {
      // While the map waits, it keeps no results that were read.
      this.#results = NO_RESULTS;
      this.#index = 0;
      const step = this.#step();
      if (step === "waiting") return undefined;
      if (step === "end") return { done: true, value: undefined };
      this.#results = this.#reader.take() as Result[];
    }
    return { done: false, value: this.#results[this.#index++] as Result };
  }

  /** Moves to the next results. */
  #step(): "values" | "waiting" | "end" {
    const watch = this.#watch;
    if (watch === undefined) return this.#reader.advance();
    watch.requested();
    try {
      const step = this.#reader.advance();
      if (step === "end") watch.ended();
      return step;
    } catch (error) {
      watch.ended();
      throw error;
    }
  }

  /** Waits for more results. */
  #arrival(): Promise<void> {
    this.#collecting ??= Promise.withResolvers();
    return this.#collecting.promise;
  }
}
