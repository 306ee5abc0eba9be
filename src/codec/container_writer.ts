import { hasOtherKeys, nextIndices, otherKeys } from "./array_keys.ts";
import { Extension } from "./extensions.ts";
import { StringListWriter } from "./string_list_writer.ts";
import { partOf, propertyAccess } from "./unsendable_part.ts";

const { hasOwn } = Object;

/** The shortest array that is checked for numbers and for strings. */
const MIN_UNIFORM = 32;

/** Appends arrays and properties, whose parts may be any values. */
export abstract class ContainerWriter extends StringListWriter {
  /** Appends a part of a value; if that fails, removes it again. */
  abstract part(value: unknown): void;

  /** Appends an array, or only the elements of a list of the protocol. */
  protected array(array: readonly unknown[], isList: boolean): void {
    const start = this.position;
    const length = array.length;
    let index = 0;
    if (isList || length < MIN_UNIFORM) this.arrayHeader(length);
    else {
      const next = this.#uniform(array);
      if (next === undefined) return;
      index = next;
    }
    try {
      for (; index < length; index++) {
        const element = array[index];
        if (typeof element === "number") this.number(element);
        else if (
          element === undefined && !isList && !(index in array)
        ) break;
        else this.value(element);
      }
    } catch (reason) {
      throw partOf(array, index, reason);
    }
    if (isList || index === length && !hasOtherKeys(array)) return;
    this.#extendedArray(array, start, index, length);
  }

  /** Appends a list of the protocol, if it has numbers or strings only. */
  protected uniformList(list: readonly unknown[]): boolean {
    if (list.length < MIN_UNIFORM) return false;
    const first = list[0];
    if (typeof first === "number") return this.numberList(list);
    return typeof first === "string" && this.stringList(list);
  }

  /**
   * Appends an array of numbers or strings, or the first elements of another.
   *
   * @returns The index of the next element to append; `undefined` if there is
   * none.
   */
  #uniform(array: readonly unknown[]): number | undefined {
    const first = array[0];
    if (typeof first === "number") return this.numbers(array, first);
    if (typeof first === "string") return this.strings(array, first);
    this.arrayHeader(array.length);
    return this.element(array, 0, first);
  }

  /**
   * Turns an array of which the elements before `index` are written into an
   * extension, and writes the rest of it.
   */
  #extendedArray(
    array: readonly unknown[],
    start: number,
    index: number,
    length: number,
  ): void {
    const head = this.headerSize(length);
    // The header of the extension, the length, and the number of parts.
    this.insert(start, 6 + 5 + 5 - head);
    const end = this.position;
    this.position = start;
    this.beginExtension(Extension.ARRAY);
    this.uint32(length);
    const countAt = this.skip(5) + 1;
    this.bytes[countAt - 1] = 0xdd;
    this.position = end;
    const count = this.#parts(array, index, length);
    this.setUint32(countAt, count);
    this.properties(array, otherKeys(array));
    this.endExtension(start);
  }

  /** Writes elements and gaps; returns their number with those before. */
  #parts(array: readonly unknown[], index: number, length: number): number {
    let count = index;
    const next = nextIndices(array, length);
    try {
      for (; index < length; count++) {
        const element = array[index];
        if (element !== undefined || hasOwn(array, index)) {
          this.value(element);
          index++;
        } else {
          const to = next(index + 1);
          this.gap(to - index);
          index = to;
        }
      }
    } catch (reason) {
      throw partOf(array, index, reason);
    }
    return count;
  }

  /** Appends the properties of an object with these keys. */
  protected properties(value: object, keys: readonly string[]): void {
    const start = this.position;
    this.header(keys.length, 0x80, 16, 0xde);
    let current = "";
    let missing = 0;
    try {
      for (const key of keys) {
        current = key;
        const property = (value as Record<string, unknown>)[key];
        // A getter of another property may have deleted it.
        if (property === undefined && !hasOwn(value, key)) missing++;
        else {
          this.string(key);
          this.value(property);
        }
      }
    } catch (reason) {
      throw partOf(value, propertyAccess(current), reason);
    }
    if (missing > 0) {
      this.setMapLength(start, keys.length, keys.length - missing);
    }
  }
}
