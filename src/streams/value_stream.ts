import { Queue } from "../util/queue.ts";
import { platformReadableStream } from "./readable_stream.ts";

/** A value stream's callbacks to its owner. */
export interface ValueStreamEvents {
  /** Handles that a reader waits for a value and none has arrived. */
  starved?(): void;
  /** Handles that values were handed to the reader. */
  read(values: number, bytes: number): void;
  /** Handles that the reader has cancelled the stream. */
  cancelled(reason: unknown): Promise<void> | void;
}

/** Values that arrived together. */
interface Batch {
  readonly values: readonly unknown[];
  readonly bytes: number;
}

/**
 * A `ReadableStream` of values that arrive in batches. It hands a whole batch to
 * the reader whenever the reader has none left.
 */
export class ValueStream {
  /** The stream for the reader. */
  readonly readable: ReadableStream<unknown>;
  readonly #events: ValueStreamEvents;
  readonly #batches = new Queue<Batch>();
  #controller!: ReadableStreamDefaultController<unknown>;
  #isStarved = false;
  /** How the stream ends after the last batch. */
  #end: { readonly errors: readonly unknown[] } | undefined;
  #isClosed = false;

  /** Constructs an empty stream. */
  constructor(events: ValueStreamEvents) {
    this.#events = events;
    this.readable = new (platformReadableStream())<unknown>({
      start: (controller) => {
        this.#controller = controller;
      },
      pull: () => this.#pull(),
      cancel: (reason) => {
        this.#close();
        return events.cancelled(reason);
      },
    }, { highWaterMark: 0 });
  }

  /** Appends values. */
  push(values: readonly unknown[], bytes: number): void {
    if (this.#isClosed) return;
    this.#batches.push({ values, bytes });
    if (this.#isStarved) this.#pull();
  }

  /** Ends the stream after its last value. */
  end(): void {
    this.#finish({ errors: [] });
  }

  /** Ends the stream with an error after its last value. */
  fail(error: unknown): void {
    this.#finish({ errors: [error] });
  }

  /** Ends the stream with an error at once. */
  abort(error: unknown): void {
    if (this.#isClosed) return;
    this.#close();
    this.#controller.error(error);
  }

  #finish(end: { readonly errors: readonly unknown[] }): void {
    if (this.#isClosed) return;
    this.#end ??= end;
    if (this.#batches.length === 0) this.#finishNow();
  }

  #pull(): void {
    const batch = this.#batches.shift();
    if (batch === undefined) {
      if (this.#end !== undefined) return this.#finishNow();
      this.#isStarved = true;
      return this.#events.starved?.();
    }
    this.#isStarved = false;
    const { values, bytes } = batch;
    const controller = this.#controller;
    for (let index = 0; index < values.length; index++) {
      controller.enqueue(values[index]);
    }
    if (this.#end !== undefined && this.#batches.length === 0) {
      this.#finishNow();
    }
    this.#events.read(values.length, bytes);
  }

  #finishNow(): void {
    const { errors } = this.#end!;
    // An error drops the values that the reader hasn't taken.
    const isEarly = errors.length > 0 && this.#controller.desiredSize! < 0;
    if (isEarly) return;
    this.#close();
    if (errors.length > 0) this.#controller.error(errors[0]);
    else this.#controller.close();
  }

  #close(): void {
    this.#isClosed = true;
    this.#batches.drain();
  }
}
