import { platformReadableStream } from "../streams/readable_stream.ts";
import { cancelled } from "./primordials.ts";

/** A step of an iterator. */
export type Step = IteratorResult<unknown, unknown>;

/** Something that yields values, one after another. */
export interface ValueSource {
  /** Whether `next()` returns no promise. */
  readonly isSync: boolean;
  /** Returns the next step, or a promise of it. */
  next(): Step | PromiseLike<Step>;
  /** Makes `next()` of a sync source return a step again. */
  unread?(step: Step): void;
  /** Ends the source early. */
  close(reason: unknown): unknown;
}

type Iterators = {
  [Symbol.asyncIterator]?: unknown;
  [Symbol.iterator]?: unknown;
  next?: unknown;
};

/**
 * Returns whether a map flattens a value: a generator, another iterator, or an
 * async iterable such as a `ReadableStream`. Arrays and other collections are
 * values.
 */
export function yieldsValues(value: unknown): value is object {
  if (typeof value !== "object" || value === null) return false;
  const candidate = value as Iterators;
  try {
    return typeof candidate[Symbol.asyncIterator] === "function" ||
      (typeof candidate.next === "function" &&
        typeof candidate[Symbol.iterator] === "function");
  } catch {
    // A revoked proxy is refused when it is encoded.
    return false;
  }
}

/**
 * Makes a source of the values of any iterable object, sync or async.
 *
 * @returns The source, or `undefined` if the value isn't iterable.
 */
export function openSource(value: unknown): ValueSource | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  if (value instanceof platformReadableStream()) {
    return new ReaderSource(value.getReader());
  }
  const iterable = value as Iterators;
  const open = iterable[Symbol.asyncIterator];
  if (typeof open === "function") {
    return new IteratorSource(Reflect.apply(open, value, []), false);
  }
  const openSync = iterable[Symbol.iterator];
  if (typeof openSync !== "function") return undefined;
  return new IteratorSource(Reflect.apply(openSync, value, []), true);
}

/** The values of an iterator, sync or async. */
class IteratorSource implements ValueSource {
  readonly isSync: boolean;
  readonly #iterator: Iterator<unknown>;
  #unread: Step | undefined;

  constructor(iterator: Iterator<unknown>, isSync: boolean) {
    this.#iterator = iterator;
    this.isSync = isSync;
  }

  next(): Step {
    const unread = this.#unread;
    if (unread === undefined) return this.#iterator.next();
    this.#unread = undefined;
    return unread;
  }

  unread(step: Step): void {
    this.#unread = step;
  }

  close(): unknown {
    return this.#iterator.return?.();
  }
}

/** The values of a stream. */
class ReaderSource implements ValueSource {
  readonly isSync = false;
  readonly #reader: ReadableStreamDefaultReader<unknown>;

  constructor(reader: ReadableStreamDefaultReader<unknown>) {
    this.#reader = reader;
  }

  next(): PromiseLike<Step> | Step {
    return this.#reader.read() as Promise<Step>;
  }

  close(reason: unknown): unknown {
    return this.#reader.cancel(reason);
  }
}

/** Closes values that nobody reads; so nobody gets an error of that either. */
export async function dropValues(iterable: unknown): Promise<void> {
  try {
    await openSource(iterable)?.close(cancelled());
  } catch {
    // See above.
  }
}
