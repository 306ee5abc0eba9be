import { cancelled } from "./primordials.ts";

// A task may replace the global.
const { ReadableStream } = globalThis;

/** Something that yields values, one after another. */
export interface ValueSource {
  /** Returns the next step, or a promise of it. */
  next(): Step | PromiseLike<Step>;
  /** Ends the source early. */
  close(reason: unknown): unknown;
}

/** A step of an iterator. */
type Step = IteratorResult<unknown, unknown>;

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
  if (value instanceof ReadableStream) return readerSource(value);
  const iterable = value as Iterators;
  const open = iterable[Symbol.asyncIterator] ?? iterable[Symbol.iterator];
  if (typeof open !== "function") return undefined;
  const iterator: Iterator<unknown> = Reflect.apply(open, value, []);
  return {
    next: () => iterator.next(),
    close: () => iterator.return?.(),
  };
}

function readerSource(stream: ReadableStream<unknown>): ValueSource {
  const reader = stream.getReader();
  return {
    next: () => reader.read() as Promise<Step>,
    close: (reason) => reader.cancel(reason),
  };
}

/** Closes values that nobody reads; so nobody gets an error of that either. */
export async function dropValues(iterable: unknown): Promise<void> {
  try {
    await openSource(iterable)?.close(cancelled());
  } catch {
    // See above.
  }
}

/** Returns whether a value must be awaited. */
export function isPromiseLike<T>(
  value: T | PromiseLike<T>,
): value is PromiseLike<T> {
  return typeof value === "object" && value !== null &&
    typeof (value as PromiseLike<T>).then === "function";
}
