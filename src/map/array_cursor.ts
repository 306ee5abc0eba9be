/** Marks the end of the items. */
export const END: unique symbol = Symbol("end");

const arrayValues = Array.prototype.values;
const arrayIterator = Object.getPrototypeOf([].values());
const { next } = arrayIterator;

/** Does what the iterator of an array does, without an object per element. */
export class ArrayCursor implements Iterator<unknown> {
  #array: readonly unknown[];
  #index = 0;

  /** Constructs a cursor at the first element. */
  constructor(array: readonly unknown[]) {
    this.#array = array;
  }

  /** The array; empty once the cursor has reached its end. */
  get array(): readonly unknown[] {
    return this.#array;
  }

  /** The index of the next element. */
  get index(): number {
    return this.#index;
  }

  /** Moves to the element at an index. */
  moveTo(index: number): void {
    this.#index = index;
  }

  /**
   * Moves to the next element.
   *
   * @returns The element; {@linkcode END} after the last one.
   */
  take(): unknown {
    if (this.#index < this.#array.length) return this.#array[this.#index++];
    // An iterator that has ended doesn't return elements that are added.
    this.#array = [];
    return END;
  }

  next(): IteratorResult<unknown> {
    const value = this.take();
    return value === END
      ? { done: true, value: undefined }
      : { done: false, value };
  }
}

/** Returns whether an iterable is an array with the usual iterator. */
export function isPlainArray(
  iterable: Iterable<unknown>,
): iterable is readonly unknown[] {
  return Array.isArray(iterable) &&
    iterable[Symbol.iterator] === arrayValues && arrayIterator.next === next;
}
