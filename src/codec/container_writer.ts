import { hasOtherKeys, nextIndices, otherKeys } from "./array_keys.ts";
import { AttachmentWriter } from "./attachment_writer.ts";
import { Extension } from "./extensions.ts";
import { partOf, propertyAccess } from "./unsendable_part.ts";

const { hasOwn } = Object;

/** Appends arrays and properties, whose parts may be any values. */
export abstract class ContainerWriter extends AttachmentWriter {
  /** Appends a value. */
  abstract value(value: unknown, isList?: boolean): void;

  /** Appends a part of a value; if that fails, removes it again. */
  abstract part(value: unknown): void;

  /** Appends an array, or only the elements of a list of the protocol. */
  protected array(array: readonly unknown[], isList: boolean): void {
    const start = this.position;
    const length = array.length;
    this.arrayHeader(length);
    let index = 0;
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
