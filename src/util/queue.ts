/** The most empty slots at the front before the array is compacted. */
const MAX_EMPTIED = 4_096;

/** A FIFO queue with constant cost per element. */
export class Queue<T> {
  #elements: (T | undefined)[] = [];
  #head = 0;

  /** The number of elements. */
  get length(): number {
    return this.#elements.length - this.#head;
  }

  /** Appends an element. */
  push(element: T): void {
    this.#elements.push(element);
  }

  /** Inserts an element at the front. */
  unshift(element: T): void {
    if (this.#head > 0) this.#elements[--this.#head] = element;
    else this.#elements.unshift(element);
  }

  /** Returns the first element without removing it. */
  peek(): T | undefined {
    return this.#elements[this.#head];
  }

  /** Removes and returns the first element. */
  shift(): T | undefined {
    if (this.#head === this.#elements.length) return undefined;
    const element = this.#elements[this.#head];
    this.#elements[this.#head++] = undefined;
    if (this.#head === this.#elements.length) {
      this.#elements.length = this.#head = 0;
    } else if (
      this.#head > MAX_EMPTIED && this.#head * 2 > this.#elements.length
    ) {
      this.#elements = this.#elements.slice(this.#head);
      this.#head = 0;
    }
    return element;
  }

  /** Removes and returns the last element. */
  pop(): T | undefined {
    if (this.#head === this.#elements.length) return undefined;
    const element = this.#elements.pop();
    if (this.#head === this.#elements.length) {
      this.#elements.length = this.#head = 0;
    }
    return element;
  }

  /** Returns the last element without removing it. */
  peekLast(): T | undefined {
    return this.length === 0 ? undefined : this.#elements.at(-1);
  }

  /** Returns a copy of the elements. */
  toArray(): T[] {
    return this.#elements.slice(this.#head) as T[];
  }

  /** Whether an element satisfies a condition. */
  some(condition: (element: T) => boolean): boolean {
    for (let at = this.#head; at < this.#elements.length; at++) {
      if (condition(this.#elements[at] as T)) return true;
    }
    return false;
  }

  /** Removes all elements that don't satisfy a condition. */
  retain(condition: (element: T) => boolean): void {
    this.#elements = this.drain().filter(condition);
  }

  /** Removes and returns all elements. */
  drain(): T[] {
    const elements = this.toArray();
    this.#elements = [];
    this.#head = 0;
    return elements;
  }
}
