/** The most empty slots at the front before the array is compacted. */
const MAX_EMPTIED = 4_096;

/** The most slots that an empty queue keeps. */
const MAX_KEPT = 64;

/** A FIFO queue with constant cost per element. */
export class Queue<T> {
  #elements: (T | undefined)[] = [];
  /** The index of the first element, and the one after the last element. */
  #head = 0;
  #end = 0;

  /** The number of elements. */
  get length(): number {
    return this.#end - this.#head;
  }

  /** Appends an element. */
  push(element: T): void {
    this.#elements[this.#end++] = element;
  }

  /** Inserts an element at the front. */
  unshift(element: T): void {
    if (this.#head > 0) {
      this.#elements[--this.#head] = element;
      return;
    }
    this.#elements.unshift(element);
    this.#end++;
  }

  /** Returns the first element without removing it. */
  peek(): T | undefined {
    return this.#elements[this.#head];
  }

  /** Removes and returns the first element. */
  shift(): T | undefined {
    if (this.#head === this.#end) return undefined;
    const element = this.#elements[this.#head];
    this.#elements[this.#head++] = undefined;
    if (this.#head === this.#end) this.#reset();
    else if (this.#head > MAX_EMPTIED && this.#head * 2 > this.#end) {
      this.#use(this.toArray());
    }
    return element;
  }

  /** Removes and returns the last element. */
  pop(): T | undefined {
    if (this.#head === this.#end) return undefined;
    const element = this.#elements[--this.#end];
    this.#elements[this.#end] = undefined;
    if (this.#head === this.#end) this.#reset();
    return element;
  }

  /** Returns the last element without removing it. */
  peekLast(): T | undefined {
    return this.length === 0 ? undefined : this.#elements[this.#end - 1];
  }

  /** Returns a copy of the elements. */
  toArray(): T[] {
    return this.#elements.slice(this.#head, this.#end) as T[];
  }

  /** Whether an element satisfies a condition. */
  some(condition: (element: T) => boolean): boolean {
    for (let at = this.#head; at < this.#end; at++) {
      if (condition(this.#elements[at] as T)) return true;
    }
    return false;
  }

  /** Removes all elements that don't satisfy a condition. */
  retain(condition: (element: T) => boolean): void {
    this.#use(this.toArray().filter(condition));
  }

  /** Removes and returns all elements. */
  drain(): T[] {
    const elements = this.toArray();
    this.#use([]);
    return elements;
  }

  /**
   * Begins with the first slot again. An array whose length is set to 0 would
   * allocate new slots for the next element.
   */
  #reset(): void {
    if (this.#elements.length > MAX_KEPT) this.#elements = [];
    this.#head = this.#end = 0;
  }

  #use(elements: T[]): void {
    this.#elements = elements;
    this.#head = 0;
    this.#end = elements.length;
  }
}
