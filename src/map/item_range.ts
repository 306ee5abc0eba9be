import { END } from "./array_cursor.ts";

/** A range of the items of arrays, which are taken from both of its ends. */
export class ItemRange {
  readonly #arrays: readonly (readonly unknown[])[];
  /** The array, if there is only one. */
  readonly #single: readonly unknown[] | undefined;
  #start: number;
  #end: number;

  /**
   * Constructs a range.
   *
   * @param arrays An item has an element of each; if there is only one array, an
   * item is an element.
   * @param start The index of the first item.
   * @param end The index after the last item.
   */
  constructor(
    arrays: readonly (readonly unknown[])[],
    start: number,
    end: number,
  ) {
    this.#arrays = arrays;
    this.#single = arrays.length === 1 ? arrays[0] : undefined;
    this.#start = start;
    this.#end = end;
  }

  /** The index of the first item that is left. */
  get start(): number {
    return this.#start;
  }

  /** The index after the last item that is left. */
  get end(): number {
    return this.#end;
  }

  /** How many items are left, unless elements are removed from the arrays. */
  get left(): number {
    return this.#end - this.#start;
  }

  /**
   * Takes the first or the last item that is left. Elements that were removed
   * from the arrays are left out.
   *
   * @returns The item; {@linkcode END} if none is left.
   */
  take(last: boolean): unknown {
    const single = this.#single;
    const length = single?.length ?? shortest(this.#arrays);
    const end = this.#end < length ? this.#end : length;
    if (this.#start >= end) return END;
    const at = last ? this.#end = end - 1 : this.#start++;
    return single === undefined
      ? this.#arrays.map((array) => array[at])
      : single[at];
  }
}

/** Returns the length of the shortest array. */
export function shortest(arrays: readonly (readonly unknown[])[]): number {
  let length = Infinity;
  for (let index = 0; index < arrays.length; index++) {
    length = Math.min(length, arrays[index]!.length);
  }
  return length;
}
