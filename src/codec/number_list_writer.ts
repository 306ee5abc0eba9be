import { hasOtherKeys } from "./array_keys.ts";
import { AttachmentWriter } from "./attachment_writer.ts";
import { Extension } from "./extensions.ts";
import { NumberKind, readNumbers } from "./number_lists.ts";
import { partOf } from "./unsendable_part.ts";

/** How many elements are written before the buffer is made larger. */
const BLOCK = 4_096;

/** The size of the header of the extension, with the kind. */
const HEADER_BYTES = 7;

/** Appends arrays of numbers. It reads each element once: it may be a getter. */
export abstract class NumberListWriter extends AttachmentWriter {
  /** The element at which the last loop stopped; `undefined` at the end. */
  #stop: unknown;
  /** The bits in which an integer of the last loop differs from its sign. */
  #bits = 0;

  /** Appends a value. */
  abstract value(value: unknown, isList?: boolean): void;

  /**
   * Appends a list of the protocol, if all its elements are numbers.
   *
   * @returns Whether it was appended.
   */
  protected numberList(list: readonly unknown[]): boolean {
    if (typeof list.at(-1) !== "number") return false;
    const start = this.position;
    const { kind, count } = this.#pack(list, list[0]);
    this.#stop = undefined;
    const isComplete = count === list.length;
    if (isComplete) this.#finish(start, kind, count);
    else this.position = start;
    return isComplete;
  }

  /**
   * Appends an array that begins with a number, or its first elements.
   *
   * @returns The index of the next element to append; `undefined` if there is
   * none.
   */
  protected numbers(
    array: readonly unknown[],
    first: number,
  ): number | undefined {
    const start = this.position;
    const { length } = array;
    const { kind, count } = this.#pack(array, first);
    const stop = this.#stop;
    this.#stop = undefined;
    if (count === length && !hasOtherKeys(array)) {
      this.#finish(start, kind, count);
      return undefined;
    }
    const at = start + HEADER_BYTES;
    const numbers = readNumbers(kind, this.view, at, this.position);
    this.position = start;
    this.arrayHeader(length);
    for (let index = 0; index < count; index++) this.number(numbers[index]!);
    return count === length ? count : this.element(array, count, stop);
  }

  /**
   * Appends an element of an array, unless it is a hole.
   *
   * @returns The index of the next element to append.
   */
  protected element(
    array: readonly unknown[],
    index: number,
    element: unknown,
  ): number {
    if (element === undefined && !(index in array)) return index;
    try {
      this.value(element);
    } catch (reason) {
      throw partOf(array, index, reason);
    }
    return index + 1;
  }

  /** Appends the numbers at the start of an array, behind room for a header. */
  #pack(
    array: readonly unknown[],
    first: unknown,
  ): { kind: number; count: number } {
    const start = this.skip(HEADER_BYTES) + HEADER_BYTES;
    const count = this.#integers(array, first);
    if (typeof this.#stop !== "number") {
      return { kind: NumberKind.INT32, count };
    }
    this.#widen(start, count);
    return { kind: NumberKind.FLOAT64, count: this.#floats(array, count) };
  }

  /** Appends integers of 32 bits; returns the index of what follows them. */
  #integers(array: readonly unknown[], first: unknown): number {
    const { length } = array;
    if (!isInt32(first)) {
      this.#stop = first;
      return 0;
    }
    const at = this.skip(4);
    this.view.setInt32(at, first, true);
    let index = 1;
    let bits = first ^ (first >> 31);
    let isWithin = true;
    try {
      while (isWithin && index < length) {
        const end = Math.min(index + BLOCK, length);
        this.reserve((end - index) * 4);
        const { view } = this;
        let { position } = this;
        for (; index < end; index++) {
          // V8 doesn't box a number that only one turn of a loop uses.
          const element = array[index];
          if (!isInt32(element)) {
            this.#stop = element;
            isWithin = false;
            break;
          }
          view.setInt32(position, element, true);
          position += 4;
          bits |= element ^ (element >> 31);
        }
        this.position = position;
      }
    } catch (reason) {
      throw partOf(array, index, reason);
    }
    this.#bits = bits;
    return index;
  }

  /** Appends the number at which the last loop stopped, and all that follow. */
  #floats(array: readonly unknown[], from: number): number {
    const { length } = array;
    const at = this.skip(8);
    this.view.setFloat64(at, this.#stop as number, true);
    this.#stop = undefined;
    let index = from + 1;
    let isWithin = true;
    try {
      while (isWithin && index < length) {
        const end = Math.min(index + BLOCK, length);
        this.reserve((end - index) * 8);
        const { view } = this;
        let { position } = this;
        for (; index < end; index++) {
          const element = array[index];
          if (typeof element !== "number") {
            this.#stop = element;
            isWithin = false;
            break;
          }
          view.setFloat64(position, element, true);
          position += 8;
        }
        this.position = position;
      }
    } catch (reason) {
      throw partOf(array, index, reason);
    }
    return index;
  }

  /** Turns the integers of 32 bits at the end of the buffer into floats. */
  #widen(start: number, count: number): void {
    this.skip(count * 4);
    const { view } = this;
    for (let index = count - 1; index >= 0; index--) {
      const value = view.getInt32(start + index * 4, true);
      view.setFloat64(start + index * 8, value, true);
    }
  }

  /** Shortens the integers of 32 bits at the end of the buffer. */
  #narrow(start: number, count: number): number {
    const { view } = this;
    if (this.#bits < 0x80) {
      for (let index = 0; index < count; index++) {
        view.setInt8(start + index, view.getInt32(start + index * 4, true));
      }
      this.position = start + count;
      return NumberKind.INT8;
    }
    if (this.#bits >= 0x8000) return NumberKind.INT32;
    for (let index = 0; index < count; index++) {
      const value = view.getInt32(start + index * 4, true);
      view.setInt16(start + index * 2, value, true);
    }
    this.position = start + count * 2;
    return NumberKind.INT16;
  }

  /** Writes the header before numbers, and makes them as short as possible. */
  #finish(start: number, kind: number, count: number): void {
    const content = start + HEADER_BYTES;
    const shortest = kind === NumberKind.INT32
      ? this.#narrow(content, count)
      : kind;
    const end = this.position;
    this.position = start;
    this.beginExtension(Extension.NUMBERS);
    this.bytes[content - 1] = shortest;
    this.position = end;
    this.endExtension(start);
  }
}

/** Returns whether a value is an integer of 32 bits; -0 is a float. */
function isInt32(value: unknown): value is number {
  return typeof value === "number" && (value | 0) === value &&
    (value !== 0 || 1 / value > 0);
}
