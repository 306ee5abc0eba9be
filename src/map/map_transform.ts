import { watchLimits } from "../calls/watch_limits.ts";
import type { CallSink } from "./call_sink.ts";
import type { TransformSettings } from "../options/map_settings.ts";
import type { MapIterator } from "./map_iterator.ts";
import type { MapPlan } from "./map_plan.ts";
import { prepareMap } from "./map_run.ts";
import { PushedItems } from "./pushed_items.ts";
import type { Thrown } from "./thrown.ts";

/** The settings of a transform. */
export interface TransformPlan<Item, Result>
  extends
    Omit<MapPlan, "items">,
    Pick<
      TransformSettings<Item, Result>,
      "writableStrategy" | "readableStrategy"
    > {}

/**
 * A transform stream that calls a task with each value written to it: its sides
 * are the two ends of a map.
 *
 * The `TransformStream` that this class extends is unused: it handles one value
 * at a time, and stops as soon as its readable side is full.
 */
export class MapTransform<Item, Result> extends TransformStream<Item, Result> {
  override readonly readable: ReadableStream<Result>;
  override readonly writable: WritableStream<Item>;
  readonly #plan: TransformPlan<Item, Result>;
  readonly #items = new PushedItems();
  readonly #results: MapIterator<Result>;
  #source!: ReadableStreamDefaultController<Result>;
  #sink!: WritableStreamDefaultController;
  #isStarted = false;
  #hasEnded = false;
  /** The map's error, while the readable side has values from before it. */
  #failure: Thrown | undefined;
  /** The pending close of the writable side. */
  #closing: PromiseWithResolvers<void> | undefined;
  #unwatchSignal: (() => void) | undefined;
  #unwatchTimeout: (() => void) | undefined;

  /** Constructs a transform, which starts when its readable side is read. */
  constructor(plan: TransformPlan<Item, Result>, sink: CallSink) {
    super();
    this.#plan = plan;
    this.#results = prepareMap<Result>({
      ...plan,
      items: this.#items,
      // They end both sides at once, without the results in between.
      timeout: undefined,
      signal: undefined,
    }, sink);
    this.readable = new ReadableStream<Result>({
      start: (controller: ReadableStreamDefaultController<Result>) => {
        this.#source = controller;
      },
      pull: () => this.#pull(),
      cancel: (reason) => this.#abort(reason),
    }, plan.readableStrategy);
    this.writable = new WritableStream<Item>({
      start: (controller) => {
        this.#sink = controller;
      },
      write: (item) => this.#items.push(item),
      close: () => this.#close(),
      abort: (reason) => this.#abort(reason),
    }, plan.writableStrategy);
    this.#watchSignals();
  }

  #watchSignals(): void {
    const { signal } = this.#plan;
    if (signal?.aborted) {
      this.#abort(signal.reason);
      return;
    }
    const abort = (reason: unknown) => void this.#abort(reason);
    this.#unwatchSignal = watchLimits({ signal }, abort);
    // The sink's method `abort` is called only after a pending write, and not
    // at all after a pending close.
    const aborted = this.#sink.signal;
    aborted.addEventListener("abort", () => {
      this.#items.fail(aborted.reason);
      if (this.#closing !== undefined) abort(aborted.reason);
    });
  }

  #start(): void {
    this.#isStarted = true;
    const { timeout, trace } = this.#plan;
    const abort = (reason: unknown) => void this.#abort(reason);
    this.#unwatchTimeout = watchLimits({ timeout }, abort, trace, "transform");
  }

  /** Moves results that have arrived to the readable side: at least one. */
  async #pull(): Promise<void> {
    if (!this.#isStarted) this.#start();
    if (this.#failure !== undefined) return this.#fail(this.#failure);
    let results: readonly Result[] | undefined;
    try {
      results = await this.#results.nextBatch();
    } catch (reason) {
      return this.#fail({ reason });
    }
    if (this.#hasEnded) return;
    if (results === undefined) return this.#finish();
    try {
      for (const result of results) this.#source.enqueue(result);
    } catch (reason) {
      // The strategy's `size` threw.
      await this.#abort(reason);
    }
  }

  #close(): void | Promise<void> {
    // Before the first read, the first write would still be pending.
    if (!this.#isStarted) {
      void this.#results.return();
      return this.#finish();
    }
    this.#closing = Promise.withResolvers();
    this.#items.end();
    return this.#closing.promise;
  }

  /** Ends both sides after the last result. */
  #finish(): void {
    this.#hasEnded = true;
    this.#unwatch();
    this.#source.close();
    this.#closing?.resolve();
  }

  /** Ends the writable side, and the readable side after its last value. */
  async #fail(failure: Thrown): Promise<void> {
    if (this.#hasEnded) return;
    this.#failure = failure;
    this.#endWritable(failure.reason);
    // An error would drop the values in the queue. This is called again when
    // one of them is read.
    const { highWaterMark } = this.#plan.readableStrategy;
    const isEmpty = this.#source.desiredSize === highWaterMark;
    if (isEmpty) await this.#abort(failure.reason);
  }

  /** Ends both sides and the map at once. */
  async #abort(reason: unknown): Promise<void> {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#unwatch();
    this.#source.error(reason);
    this.#endWritable(reason);
    await this.#results.return();
  }

  #endWritable(reason: unknown): void {
    this.#sink.error(reason);
    this.#items.fail(reason);
    this.#closing?.reject(reason);
  }

  #unwatch(): void {
    this.#unwatchSignal?.();
    this.#unwatchTimeout?.();
  }
}
