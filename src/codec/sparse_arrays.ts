/** The longest array that is allocated before its elements are decoded. */
export const MAX_PREALLOCATED = 4_096;

/** V8 may allocate elements for indices up to this number, … */
const MAX_UNUSED = 16;

/** … plus this number for each element that an array has. */
const MAX_SPARSENESS = 4;

/** The highest index of an array element. */
const LAST_INDEX = 2 ** 32 - 2;

/** The arrays whose length isn't limited by the bytes that arrived. */
const extended = new WeakSet<readonly unknown[]>();

/**
 * Makes an array to set elements of, and then the length.
 *
 * @param length Its length, which may exceed the number of bytes that arrived.
 * @param elements The most elements that it will have, of which none may have
 * arrived yet.
 */
export function makeSparseArray(length: number, elements: number): unknown[] {
  const array: unknown[] = [];
  extended.add(array);
  if (length > MAX_UNUSED + elements * MAX_SPARSENESS) {
    // V8 moves a read-only element to a dictionary, where elements stay.
    const element = { value: undefined, configurable: true };
    Object.defineProperty(array, LAST_INDEX, element);
    array.length = 0;
  } else if (length <= MAX_PREALLOCATED) {
    array.length = length;
  }
  return array;
}

/**
 * Returns whether a value is an array as the peer writes its own lists: at most
 * as long as the bytes that arrived. A loop over another array could take
 * minutes.
 */
export function isPlainList(value: unknown): value is unknown[] {
  return Array.isArray(value) && !extended.has(value);
}
