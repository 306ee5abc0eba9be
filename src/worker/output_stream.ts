import { setImmediate } from "node:timers";
import { StreamNumber } from "../protocol/worker_messages.ts";
import type { Credit } from "../streams/credit.ts";
import { cancelled, now, restorePrimordials } from "./primordials.ts";
import type { ResultWriter } from "./result_writer.ts";
import { resumeTask, TaskContext } from "./task_context.ts";
import { isPromiseLike, openSource, type ValueSource } from "./value_source.ts";

/** How long values are taken before they are sent, in milliseconds. */
const SLICE_MILLISECONDS = 1;

/** How many values are taken between two checks of the time. */
const VALUES_PER_LOOK = 16;

/** Handles pauses of a stream that has no credit. */
export interface PauseEvents {
  /** Lets other tasks use the place of this one. */
  paused(): void;
  /** Takes the place again. */
  resumed(): void;
}

/** The stream of the values that one call yields. */
export class OutputStream {
  readonly #id: number;
  readonly #results: ResultWriter;
  readonly #credit: Credit;
  readonly #events: PauseEvents;
  #flushDue = false;
  #sliceEnd = 0;
  #looks = 0;

  /** Constructs the stream of the call with an id. */
  constructor(
    id: number,
    results: ResultWriter,
    credit: Credit,
    events: PauseEvents,
  ) {
    this.#id = id;
    this.#results = results;
    this.#credit = credit;
    this.#events = events;
  }

  /**
   * Sends all values of an iterable object. If the context is aborted or a value
   * can't be sent, closes the iterable.
   *
   * @throws What the iterable throws, or an error for a value that can't be
   * sent, or a `DOMException` named `"AbortError"`.
   * @throws {TypeError} If it isn't iterable.
   */
  async sendAll(iterable: unknown, context: TaskContext): Promise<void> {
    const source = resumeTask(context, () => openSource(iterable));
    if (source === undefined) throw notIterable(iterable);
    const close = closer(source, context);
    TaskContext.whenAborted(context, () => void close());
    try {
      while (await this.#sendSome(source, context));
    } catch (error) {
      // A source that throws has ended.
      if (!(error instanceof UnsendableValue)) throw error;
      await close();
      throw error.cause;
    }
    if (!TaskContext.isAborted(context)) return;
    await close();
    throw cancelled();
  }

  /**
   * Sends a single value.
   *
   * @throws {DOMException} If it can't be sent, or the context is aborted.
   */
  async send(value: unknown, context: TaskContext): Promise<void> {
    if (this.#isBlocked) await this.#ready();
    // There may be no credit then.
    if (TaskContext.isAborted(context)) throw cancelled();
    try {
      this.#write(value);
    } catch (error) {
      throw (error as UnsendableValue).cause;
    }
    // The next item might change the memory of this one's value.
    if (this.#results.isFull) await this.#results.drained();
  }

  /** Sends what was written, unless more follows in this turn. */
  flushSoon(): void {
    if (this.#flushDue) return;
    this.#flushDue = true;
    setImmediate(() => {
      this.#flushDue = false;
      this.#results.flush();
    });
  }

  /** Lets the event loop handle its other events if the slice is over. */
  async yieldIfDue(): Promise<void> {
    if (++this.#looks % VALUES_PER_LOOK !== 0 || now() < this.#sliceEnd) return;
    await this.#nextSlice();
  }

  /**
   * Sends values until the source must be awaited, the slice is over or there is
   * no credit.
   *
   * @returns Whether there may be more.
   */
  async #sendSome(
    source: ValueSource,
    context: TaskContext,
  ): Promise<boolean> {
    if (this.#isBlocked) await this.#ready();
    while (!TaskContext.isAborted(context)) {
      let step = resumeTask(context, () => source.next());
      if (isPromiseLike(step)) {
        this.flushSoon();
        step = await step;
      }
      restorePrimordials();
      if (step.done) return false;
      let { value } = step;
      if (isPromiseLike(value)) value = await value;
      this.#write(value);
      if (this.#isBlocked) return true;
      if (++this.#looks % VALUES_PER_LOOK === 0 && now() >= this.#sliceEnd) {
        await this.#nextSlice();
      }
    }
    return false;
  }

  #write(value: unknown): void {
    const { OUTPUT } = StreamNumber;
    let bytes: number;
    try {
      bytes = this.#results.streamValue(this.#id, OUTPUT, value, "value");
    } catch (cause) {
      throw new UnsendableValue("", { cause });
    }
    this.#credit.spend(bytes);
  }

  get #isBlocked(): boolean {
    return !this.#credit.isOpen || this.#results.isFull;
  }

  /** Waits until another value may be sent, or the call is aborted. */
  async #ready(): Promise<void> {
    // The source might change the memory of a value that hasn't been sent.
    await this.#results.drained();
    if (!this.#credit.isOpen) {
      this.#events.paused();
      await this.#credit.whenOpen();
      this.#events.resumed();
    }
    restorePrimordials();
    this.#sliceEnd = now() + SLICE_MILLISECONDS;
  }

  async #nextSlice(): Promise<void> {
    this.#results.flush();
    await new Promise((resolve) => setImmediate(resolve));
    restorePrimordials();
    this.#sliceEnd = now() + SLICE_MILLISECONDS;
  }
}

/** Wraps the error for a value that can't be sent. */
class UnsendableValue extends Error {}

/** Returns a function that closes a source once, and ignores its errors. */
function closer(source: ValueSource, context: TaskContext) {
  let closing: Promise<void> | undefined;
  return () =>
    closing ??= (async () => {
      try {
        await resumeTask(context, () => source.close(cancelled()));
      } catch {
        // The call fails with another error, or nobody waits for it.
      }
    })();
}

function notIterable(value: unknown): TypeError {
  const kind = value === null ? "null" : typeof value;
  return new TypeError(
    `The task of stream() returned ${
      kind === "object"
        ? "an object that isn't iterable"
        : `a value of type ${kind}`
    }: it must be a generator, or return an iterable or a ReadableStream; use run() for a single result`,
  );
}
