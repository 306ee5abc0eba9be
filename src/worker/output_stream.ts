import { setImmediate } from "node:timers";
import { StreamNumber } from "../protocol/worker_messages.ts";
import type { Credit } from "../streams/credit.ts";
import { cancelled, now, restorePrimordials } from "./primordials.ts";
import type { ResultWriter } from "./result_writer.ts";
import { resumeTask, TaskContext } from "./task_context.ts";
import {
  isPromiseLike,
  openSource,
  type Step,
  type ValueSource,
} from "./value_source.ts";

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
   * @returns A promise, unless all values were sent at once.
   * @throws What the iterable throws, or an error for a value that can't be
   * sent, or a `DOMException` named `"AbortError"`.
   * @throws {TypeError} If it isn't iterable.
   */
  sendAll(iterable: unknown, context: TaskContext): Promise<void> | undefined {
    const source = openIn(context, iterable);
    if (source === undefined) throw notIterable(iterable);
    if (source.isSync && this.#sendNow(source, context)) return undefined;
    return this.#sendRest(source, context);
  }

  /**
   * Sends a single value.
   *
   * @returns A promise, unless the value was sent at once.
   * @throws {DOMException} If it can't be sent, or the context is aborted.
   */
  send(value: unknown, context: TaskContext): Promise<void> | undefined {
    if (this.#isBlocked) return this.#sendLater(value, context);
    this.#write(value);
    // The next item might change the memory of this one's value.
    return this.#results.isFull ? this.#results.drained() : undefined;
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
  yieldIfDue(): Promise<void> | undefined {
    return this.#isDue ? this.#nextSlice() : undefined;
  }

  /**
   * Sends values of a sync source without waiting for anything.
   *
   * @returns Whether all values were sent.
   */
  #sendNow(source: ValueSource, context: TaskContext): boolean {
    while (!this.#isBlocked && !this.#isDue) {
      const step = takeNext(source, context) as Step;
      restorePrimordials();
      if (step.done) return true;
      if (isPromiseLike(step.value)) {
        source.unread?.(step);
        return false;
      }
      try {
        this.#write(step.value);
      } catch (error) {
        closer(source, context)();
        throw error;
      }
    }
    return false;
  }

  async #sendRest(source: ValueSource, context: TaskContext): Promise<void> {
    const close = closer(source, context);
    TaskContext.whenAborted(context, () => void close());
    while (!TaskContext.isAborted(context)) {
      if (this.#isBlocked) await this.#ready();
      else if (this.#isDue) await this.#nextSlice();
      if (TaskContext.isAborted(context)) break;
      let step = takeNext(source, context);
      if (isPromiseLike(step)) {
        this.flushSoon();
        step = await step;
      }
      let { value } = step;
      if (isPromiseLike(value)) value = await value;
      restorePrimordials();
      if (step.done) return;
      try {
        this.#write(value);
      } catch (error) {
        await close();
        throw error;
      }
    }
    await close();
    throw cancelled();
  }

  async #sendLater(value: unknown, context: TaskContext): Promise<void> {
    await this.#ready();
    // There may be no credit then.
    if (TaskContext.isAborted(context)) throw cancelled();
    await this.send(value, context);
  }

  #write(value: unknown): void {
    const { OUTPUT } = StreamNumber;
    const bytes = this.#results.streamValue(this.#id, OUTPUT, value, "value");
    this.#credit.spend(bytes);
  }

  get #isDue(): boolean {
    return ++this.#looks % VALUES_PER_LOOK === 0 && now() >= this.#sliceEnd;
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

function openIn(
  context: TaskContext,
  iterable: unknown,
): ValueSource | undefined {
  return resumeTask(context, () => openSource(iterable));
}

function takeNext(
  source: ValueSource,
  context: TaskContext,
): Step | PromiseLike<Step> {
  return resumeTask(context, () => source.next());
}

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
