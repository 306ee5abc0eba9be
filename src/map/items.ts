import { ArrayCursor, END, isPlainArray } from "./array_cursor.ts";
import { ItemRange, shortest } from "./item_range.ts";

/** An iterable, sync or async. */
export type AnyIterable<T> = Iterable<T> | AsyncIterable<T>;

type AnyIterator = Iterator<unknown> | AsyncIterator<unknown>;

const setValues = Set.prototype[Symbol.iterator];
const mapEntries = Map.prototype[Symbol.iterator];
const typedArrayValues = Uint8Array.prototype[Symbol.iterator];

/**
 * The items of a map: the values of a single iterable; or with several
 * iterables, arrays with a value from each, until the shortest iterable ends.
 */
export class Items {
  /** Whether all iterables are synchronous. */
  readonly sync: boolean;
  readonly #open: Set<AnyIterator>;
  readonly #iterators: AnyIterator[];
  /** The iterator, if there is only one. */
  readonly #single: AnyIterator | undefined;
  /** How many values each iterable had at first, if it knows that. */
  readonly #sizes: readonly (number | undefined)[];
  #asked = false;

  /** Gets the iterators of the iterables. */
  constructor(iterables: readonly AnyIterable<unknown>[]) {
    this.sync = iterables.every(isIterable);
    this.#iterators = iterables.map((iterable) =>
      isIterable(iterable)
        ? iteratorOf(iterable)
        : iterable[Symbol.asyncIterator]()
    );
    this.#open = new Set(this.#iterators);
    this.#single = iterables.length === 1 ? this.#iterators[0] : undefined;
    this.#sizes = iterables.map(sizeOf);
  }

  /**
   * How many items there are in all, as long as no array has ended; `undefined`
   * if an iterable doesn't know how many values it has.
   */
  get size(): number | undefined {
    let size = Infinity;
    for (let index = 0; index < this.#iterators.length; index++) {
      const iterator = this.#iterators[index];
      const values = iterator instanceof ArrayCursor
        ? iterator.array.length
        : this.#sizes[index];
      if (values === undefined) return undefined;
      size = Math.min(size, values);
    }
    return size;
  }

  /**
   * How many items are left if all iterables are arrays; otherwise `Infinity`,
   * since that is unknown.
   */
  get left(): number {
    let left = Infinity;
    for (let index = 0; index < this.#iterators.length; index++) {
      const iterator = this.#iterators[index];
      if (!(iterator instanceof ArrayCursor)) return Infinity;
      left = Math.min(left, iterator.array.length - iterator.index);
    }
    return Math.max(0, left);
  }

  /**
   * Takes the next item of synchronous iterables.
   *
   * @returns The item; {@linkcode END} after the last one.
   * @throws Any error of an iterable.
   */
  next(): unknown {
    const single = this.#single;
    if (single !== undefined) return this.#step(single as Iterator<unknown>);
    const item: unknown[] = [];
    for (const iterator of this.#iterators) {
      const value = this.#step(iterator as Iterator<unknown>);
      if (value === END) return END;
      item.push(value);
    }
    return item;
  }

  /**
   * Takes the next items as long as they are numbers of a single array, and
   * writes them to the start of another.
   *
   * @returns How many were taken; `most` at most.
   */
  takeNumbers(target: unknown[], most: number): number {
    const single = this.#single;
    if (!(single instanceof ArrayCursor)) return 0;
    return single.takeNumbers(target, most);
  }

  /**
   * Takes the next item, from all iterables at the same time.
   *
   * @returns The item; {@linkcode END} after the last one.
   * @throws Any error of an iterable.
   */
  async nextAsync(): Promise<unknown> {
    this.#asked = true;
    const single = this.#single;
    const item = single === undefined
      ? await this.#stepAll()
      : await this.#stepAsync(single);
    this.#asked = false;
    return item;
  }

  /**
   * Takes all items of arrays at once, if there are enough.
   *
   * @param count How many items there must be.
   * @param unit The first half has a multiple of this many items.
   * @returns Both halves of the items; `[]` if none were taken. Elements that
   * are added to the arrays later can still be taken as items.
   */
  halve(count: number, unit: number): ItemRange[] {
    const cursors = this.#iterators.filter((iterator) =>
      iterator instanceof ArrayCursor
    );
    if (cursors.length < this.#iterators.length) return [];
    const arrays = cursors.map(({ array }) => array);
    const start = cursors[0]!.index;
    const end = shortest(arrays);
    if (end - start < count) return [];
    const middle = start + Math.floor((end - start) / 2 / unit) * unit;
    for (const cursor of cursors) cursor.moveTo(end);
    return [
      new ItemRange(arrays, start, middle),
      new ItemRange(arrays, middle, end),
    ];
  }

  /**
   * Closes the iterables that haven't ended. If a {@linkcode Items.nextAsync}
   * call is pending, doesn't wait for them, because the item may never arrive.
   *
   * @throws Any error of an iterable, unless `nextAsync()` is pending.
   */
  async close(): Promise<void> {
    const open = [...this.#open];
    this.#open.clear();
    const closing = Promise.all(
      open.map(async (iterator) => await iterator.return?.()),
    );
    if (this.#asked) closing.catch(() => {});
    else await closing;
  }

  #step(iterator: Iterator<unknown>): unknown {
    if (iterator instanceof ArrayCursor) return iterator.take();
    let result: IteratorResult<unknown>;
    try {
      result = iterator.next();
    } catch (error) {
      this.#open.delete(iterator);
      throw error;
    }
    if (!result.done) return result.value;
    this.#open.delete(iterator);
    return END;
  }

  async #stepAll(): Promise<unknown> {
    const values = await Promise.all(
      this.#iterators.map((iterator) => this.#stepAsync(iterator)),
    );
    return values.includes(END) ? END : values;
  }

  async #stepAsync(iterator: AnyIterator): Promise<unknown> {
    let result: IteratorResult<unknown>;
    try {
      result = await iterator.next();
    } catch (error) {
      this.#open.delete(iterator);
      throw error;
    }
    if (!result.done) return await result.value;
    this.#open.delete(iterator);
    return END;
  }
}

function iteratorOf(iterable: Iterable<unknown>): Iterator<unknown> {
  return isPlainArray(iterable)
    ? new ArrayCursor(iterable)
    : iterable[Symbol.iterator]();
}

/** Returns how many values a collection has that is iterated as usual. */
function sizeOf(iterable: AnyIterable<unknown>): number | undefined {
  if (!isIterable(iterable)) return undefined;
  switch (iterable[Symbol.iterator]) {
    case setValues:
      return (iterable as Set<unknown>).size;
    case mapEntries:
      return (iterable as Map<unknown, unknown>).size;
    case typedArrayValues:
      return (iterable as Uint8Array).length;
  }
  return undefined;
}

/** Returns whether a value is a sync iterable. */
export function isIterable(value: unknown): value is Iterable<unknown> {
  return hasMethod(value, Symbol.iterator);
}

/** Returns whether a value is an async iterable. */
export function isAsyncIterable(
  value: unknown,
): value is AsyncIterable<unknown> {
  return hasMethod(value, Symbol.asyncIterator);
}

function hasMethod(value: unknown, key: symbol): boolean {
  return value !== null && value !== undefined &&
    typeof (value as Record<symbol, unknown>)[key] === "function";
}
