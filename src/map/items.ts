/** Anything whose values can be had one after the other, at once or later. */
export type AnyIterable<T> = Iterable<T> | AsyncIterable<T>;

/** Stands for the end of the items. */
export const END: unique symbol = Symbol("end");

type AnyIterator = Iterator<unknown> | AsyncIterator<unknown>;

/**
 * The items that a map takes one after the other: the values of one iterable,
 * or lists of the values of several in step until the shortest ends.
 */
export class Items {
  /** Whether all iterables are synchronous. */
  readonly sync: boolean;
  readonly #open: Set<AnyIterator>;
  readonly #iterators: AnyIterator[];
  /** The only iterator, if there is one. */
  readonly #single: AnyIterator | undefined;
  #asked = false;

  /** Begins to iterate. */
  constructor(iterables: readonly AnyIterable<unknown>[]) {
    this.sync = iterables.every(isIterable);
    this.#iterators = iterables.map((iterable) =>
      isIterable(iterable)
        ? iterable[Symbol.iterator]()
        : iterable[Symbol.asyncIterator]()
    );
    this.#open = new Set(this.#iterators);
    this.#single = iterables.length === 1 ? this.#iterators[0] : undefined;
  }

  /**
   * Takes the next item of synchronous iterables.
   *
   * @throws Whatever an iterable throws.
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
   * Takes the next item; all iterables are asked at the same time.
   *
   * @throws Whatever an iterable throws.
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
   * Tells the iterables that haven't ended that no more is wanted.
   *
   * @throws Whatever one of them throws, unless it still owes an item: then
   * nobody can wait for it, as that may never come.
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

/** Whether a value can be given to `for … of`. */
export function isIterable(value: unknown): value is Iterable<unknown> {
  return hasMethod(value, Symbol.iterator);
}

/** Whether a value can be given to `for await … of`. */
export function isAsyncIterable(
  value: unknown,
): value is AsyncIterable<unknown> {
  return hasMethod(value, Symbol.asyncIterator);
}

function hasMethod(value: unknown, key: symbol): boolean {
  return value !== null && value !== undefined &&
    typeof (value as Record<symbol, unknown>)[key] === "function";
}
