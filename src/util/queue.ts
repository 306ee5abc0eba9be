/** Emptied slots at the front that are tolerated before they are cut off. */
const MAX_EMPTIED = 4_096;

/** First in, first out, at a constant cost for each element. */
export class Queue<T> {
  #elements: (T | undefined)[] = [];
  #head = 0;

  /** How many elements wait. */
  get length(): number {
    return this.#elements.length - this.#head;
  }

  /** Appends an element. */
  push(element: T): void {
    this.#elements.push(element);
  }

  /** Puts an element before all others. */
  unshift(element: T): void {
    if (this.#head > 0) this.#elements[--this.#head] = element;
    else this.#elements.unshift(element);
  }

  /** The first element, which stays. */
  peek(): T | undefined {
    return this.#elements[this.#head];
  }

  /** Takes the first element. */
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

  /** All elements, which stay. */
  toArray(): T[] {
    return this.#elements.slice(this.#head) as T[];
  }

  /** Whether there is an element that `isMeant` is true of. */
  some(isMeant: (element: T) => boolean): boolean {
    for (let at = this.#head; at < this.#elements.length; at++) {
      if (isMeant(this.#elements[at] as T)) return true;
    }
    return false;
  }

  /** Drops all elements but those that `isKept` is true of. */
  retain(isKept: (element: T) => boolean): void {
    this.#elements = this.toArray().filter(isKept);
    this.#head = 0;
  }

  /** Takes all elements. */
  drain(): T[] {
    const elements = this.#elements.slice(this.#head) as T[];
    this.#elements = [];
    this.#head = 0;
    return elements;
  }
}
