/** Marks the end of the items. */
export const END: unique symbol = Symbol("end");

const arrayValues = Array.prototype.values;
const arrayIterator = Object.getPrototypeOf([].values());
const { next } = arrayIterator;

/** Does what the iterator of an array does, without an object per element. */
export class ArrayCursor implements Iterator<unknown> {
  #array: readonly unknown[];
  #index = 0;
  /** What reading the next element gave, if it was read but not taken. */
  #read: (() => unknown) | undefined;

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
   * @throws The error of a getter.
   */
  take(): unknown {
    const read = this.#read;
    if (read !== undefined) {
      this.#read = undefined;
      return read();
    }
    if (this.#index < this.#array.length) return this.#array[this.#index++];
    // An iterator that has ended doesn't return elements that are added.
    this.#array = [];
    return END;
  }

  /**
   * Moves over the next numbers, and writes them to the start of an array.
   *
   * @returns How many there are before another element or the end; `most` at
   * most.
   */
  takeNumbers(target: unknown[], most: number): number {
    if (this.#read !== undefined) return 0;
    const array = this.#array;
    let index = this.#index;
    let count = 0;
    try {
      while (count < most && index < array.length) {
        // Each element is read once, because it may be a getter.
        const element = array[index++];
        if (typeof element !== "number") {
          this.#read = returning(element);
          break;
        }
        target[count++] = element;
      }
    } catch (error) {
      this.#read = () => {
        throw error;
      };
    }
    this.#index = index;
    return count;
  }

  next(): IteratorResult<unknown> {
    const value = this.take();
    return value === END
      ? { done: true, value: undefined }
      : { done: false, value };
  }
}

/** A closure in the loop would make each element an object of its own. */
function returning(value: unknown): () => unknown {
  return () => value;
}

/** Returns whether an iterable is an array with the usual iterator. */
export function isPlainArray(
  iterable: Iterable<unknown>,
): iterable is readonly unknown[] {
  return Array.isArray(iterable) &&
    iterable[Symbol.iterator] === arrayValues && arrayIterator.next === next;
}
