import { setImmediate } from "node:timers";
import { StreamNumber } from "../protocol/worker_messages.ts";
import type { Credit } from "../streams/credit.ts";
import type { PauseEvents } from "../streams/starvation.ts";
import { cancelled, now, restorePrimordials } from "./primordials.ts";
import type { ResultWriter } from "./result_writer.ts";
import { resumeTask, TaskContext } from "./task_context.ts";
import type { LoadedTask } from "./task_table.ts";
import { isPromiseLike, openSource, type ValueSource } from "./value_source.ts";

/** How long values are taken before they are sent, in milliseconds. */
const SLICE_MILLISECONDS = 1;

/** The most values that are taken between two checks of the time. */
const MAX_VALUES_PER_LOOK = 16;

/** The stream of the values that one call yields. */
export class OutputStream {
  readonly #id: number;
  readonly #results: ResultWriter;
  readonly #credit: Credit;
  readonly #events: PauseEvents;
  #flushDue = false;
  /** At the first check, it is over: the first value is sent at once. */
  #sliceEnd = 0;
  #lastLook = 0;
  /** How many values are taken until the next check of the time. */
  #valuesToLook = 1;
  #valuesPerLook = 1;

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
  async sendAll(
    iterable: unknown,
    context: TaskContext,
    task: LoadedTask,
  ): Promise<void> {
    const source = resumeTask(context, () => openSource(iterable));
    if (source === undefined) throw notIterable(iterable, task);
    const close = closer(source, context);
    TaskContext.whenAborted(context, () => void close());
    try {
      await this.#sendValues(source, context);
    } catch (error) {
      // A source that throws has ended.
      if (!(error instanceof UnusableValue)) throw error;
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
   * @throws {DOMException} If it can't be sent.
   */
  async send(value: unknown): Promise<void> {
    try {
      this.#write(value);
    } catch (error) {
      throw (error as UnusableValue).cause;
    }
    if (this.#isBlocked) await this.#ready();
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
    if (this.#isSliceOver()) await this.#nextSlice();
  }

  /** Sends values until there are no more, or the context is aborted. */
  async #sendValues(
    source: ValueSource,
    context: TaskContext,
  ): Promise<void> {
    while (!TaskContext.isAborted(context)) {
      let step = resumeTask(context, () => source.next());
      if (isPromiseLike(step)) {
        this.flushSoon();
        step = await step;
      }
      restorePrimordials();
      if (step.done) return;
      let { value } = step;
      if (isPromiseLike(value)) value = await this.#resolved(value);
      this.#write(value);
      // At once: the source might change the memory of a value that isn't sent.
      if (this.#isBlocked) await this.#ready();
      else if (this.#isSliceOver()) await this.#nextSlice();
    }
  }

  /** Awaits a promise that a source yields as a value. */
  async #resolved(value: PromiseLike<unknown>): Promise<unknown> {
    this.flushSoon();
    try {
      return await value;
    } catch (cause) {
      throw new UnusableValue("", { cause });
    } finally {
      restorePrimordials();
    }
  }

  #write(value: unknown): void {
    const { OUTPUT } = StreamNumber;
    let bytes: number;
    try {
      bytes = this.#results.streamValue(this.#id, OUTPUT, value, "value");
    } catch (cause) {
      throw new UnusableValue("", { cause });
    }
    this.#credit.spend(bytes);
  }

  get #isBlocked(): boolean {
    return !this.#credit.isOpen || this.#results.isFull;
  }

  /** Waits until another value may be sent, or the call is aborted. */
  async #ready(): Promise<void> {
    await this.#results.drained();
    if (!this.#credit.isOpen) {
      this.#events.paused();
      await this.#credit.whenOpen();
      this.#events.resumed();
    }
    this.#beginSlice();
  }

  /**
   * Counts a value; returns whether the slice is over. Looks at the time after
   * each value if they take long, because each should be sent when it is there.
   */
  #isSliceOver(): boolean {
    if (--this.#valuesToLook > 0) return false;
    const time = now();
    const isSlow = time - this.#lastLook >= SLICE_MILLISECONDS / 2;
    this.#valuesPerLook = isSlow
      ? 1
      : Math.min(this.#valuesPerLook * 2, MAX_VALUES_PER_LOOK);
    this.#valuesToLook = this.#valuesPerLook;
    this.#lastLook = time;
    return time >= this.#sliceEnd;
  }

  async #nextSlice(): Promise<void> {
    this.#results.flush();
    await new Promise((resolve) => setImmediate(resolve));
    this.#beginSlice();
  }

  #beginSlice(): void {
    restorePrimordials();
    this.#lastLook = now();
    this.#sliceEnd = this.#lastLook + SLICE_MILLISECONDS;
  }
}

/** Wraps the error of a value that can't be sent, or is a rejected promise. */
class UnusableValue extends Error {}

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

function notIterable(value: unknown, { name }: LoadedTask): TypeError {
  const kind = value === null ? "null" : typeof value;
  return new TypeError(
    `The task '${name}' returned ${
      kind === "object"
        ? "an object that isn't iterable"
        : `a value of type ${kind}`
    }, but stream() needs a generator, or a task that returns an iterable object such as a ReadableStream; use run() for a single result`,
  );
}
