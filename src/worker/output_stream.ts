import { StreamNumber } from "../protocol/worker_messages.ts";
import type { Credit } from "../streams/credit.ts";
import type { PauseEvents } from "../streams/starvation.ts";
import { cancelled, now, restorePrimordials } from "./primordials.ts";
import type { ResultWriter } from "./result_writer.ts";
import { resumeTask, TaskContext } from "./task_context.ts";
import type { LoadedTask } from "./task_table.ts";
import { isPromiseLike } from "../util/is_promise_like.ts";
import { yieldToEvents } from "../util/timers.ts";
import { openSource, type Step, type ValueSource } from "./value_source.ts";

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
  #isSliceOver = false;
  #sliceEnd: number;
  #lastLook = now();
  /** How many values are taken until the next check of the time. */
  #valuesToLook = 1;
  #valuesPerLook = 1;

  /**
   * Constructs the stream of the call with an id.
   *
   * @param isEager Whether the first value is sent at once.
   */
  constructor(
    id: number,
    results: ResultWriter,
    credit: Credit,
    isEager: boolean,
    events: PauseEvents,
  ) {
    this.#id = id;
    this.#results = results;
    this.#credit = credit;
    this.#sliceEnd = isEager ? 0 : this.#lastLook + SLICE_MILLISECONDS;
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
  sendAll(
    iterable: unknown,
    context: TaskContext,
    task: LoadedTask,
  ): Promise<void> | undefined {
    const source = openIn(context, iterable);
    if (source === undefined) throw notIterable(iterable, task);
    if (source.isSync && this.#sendNow(source, context)) return undefined;
    return this.#sendRest(source, context);
  }

  /**
   * Sends a single value.
   *
   * @returns A promise, unless the value was sent at once.
   * @throws {DOMException} If it can't be sent.
   */
  send(value: unknown): Promise<void> | undefined {
    this.#write(value);
    // At once: the next item might change the memory of a value that isn't sent.
    return this.#isBlocked ? this.#ready() : undefined;
  }

  /** Sends what was written, unless more follows in this turn. */
  flushSoon(): void {
    if (this.#flushDue) return;
    this.#flushDue = true;
    yieldToEvents().then(() => {
      this.#flushDue = false;
      this.#results.flush();
    });
  }

  /** Lets the event loop handle its other events if the slice is over. */
  yieldIfDue(): Promise<void> | undefined {
    return this.#isSliceOver ? this.#nextSlice() : undefined;
  }

  /**
   * Sends values of a sync source without waiting for anything.
   *
   * @returns Whether all values were sent.
   */
  #sendNow(source: ValueSource, context: TaskContext): boolean {
    while (!this.#isBlocked && !this.#isSliceOver) {
      const step = takeNext(source, context) as Step;
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
      // At once after a value: the source might change the memory of one that
      // isn't sent.
      if (this.#isBlocked) await this.#ready();
      else if (this.#isSliceOver) await this.#nextSlice();
      if (TaskContext.isAborted(context)) break;
      let step = takeNext(source, context);
      if (isPromiseLike(step)) {
        this.flushSoon();
        step = await step;
        restorePrimordials();
      }
      if (step.done) return;
      try {
        const { value } = step;
        this.#write(isPromiseLike(value) ? await this.#resolved(value) : value);
      } catch (error) {
        await close();
        throw error;
      }
    }
    await close();
    throw cancelled();
  }

  /** Awaits a promise that a source yields as a value. */
  async #resolved(value: PromiseLike<unknown>): Promise<unknown> {
    this.flushSoon();
    try {
      return await value;
    } finally {
      restorePrimordials();
    }
  }

  #write(value: unknown): void {
    const { OUTPUT } = StreamNumber;
    const bytes = this.#results.streamValue(this.#id, OUTPUT, value, "value");
    this.#credit.spend(bytes);
    if (--this.#valuesToLook === 0) this.#look();
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
   * Looks at the time: after each value if they take long, because each should
   * be sent when it is there, else after some of them.
   */
  #look(): void {
    const time = now();
    const isSlow = time - this.#lastLook >= SLICE_MILLISECONDS / 2;
    this.#valuesPerLook = isSlow
      ? 1
      : Math.min(this.#valuesPerLook * 2, MAX_VALUES_PER_LOOK);
    this.#valuesToLook = this.#valuesPerLook;
    this.#lastLook = time;
    this.#isSliceOver = time >= this.#sliceEnd;
  }

  async #nextSlice(): Promise<void> {
    this.#results.flush();
    await yieldToEvents();
    this.#beginSlice();
  }

  #beginSlice(): void {
    restorePrimordials();
    this.#isSliceOver = false;
    this.#lastLook = now();
    this.#sliceEnd = this.#lastLook + SLICE_MILLISECONDS;
  }
}

function openIn(
  context: TaskContext,
  iterable: unknown,
): ValueSource | undefined {
  const source = resumeTask(context, openSource, iterable);
  restorePrimordials();
  return source;
}

function takeNext(
  source: ValueSource,
  context: TaskContext,
): Step | PromiseLike<Step> {
  const step = resumeTask(context, nextOf, source);
  restorePrimordials();
  return step;
}

function nextOf(source: ValueSource): Step | PromiseLike<Step> {
  return source.next();
}

function close(source: ValueSource): unknown {
  return source.close(cancelled());
}

/** Returns a function that closes a source once, and ignores its errors. */
function closer(source: ValueSource, context: TaskContext) {
  let closing: Promise<void> | undefined;
  return () =>
    closing ??= (async () => {
      try {
        const closing = resumeTask(context, close, source);
        restorePrimordials();
        await closing;
      } catch {
        // The call fails with another error, or nobody waits for it.
      }
      restorePrimordials();
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
