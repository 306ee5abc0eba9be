/** The longest array whose keys take less time to list than to select. */
const SHORT_ARRAY = 5;

/** After so many keys were listed, loading {@linkcode selectKeys} pays. */
const MAX_LISTED = 100_000;

/** Returns the keys of an array that aren't indices, in constant time. */
type SelectKeys = (array: readonly unknown[], filter: number) => string[];

/** `undefined` until it is loaded; `null` if the runtime doesn't have it. */
let selectKeys: SelectKeys | null | undefined;

/** How many keys were listed of arrays that aren't short. */
let listed = 0;

/** How many elements are tried before the keys of an array are listed. */
const SHORT_GAP = 64;

const { hasOwn } = Object;

/** V8's filter for enumerable properties without symbols. */
const ENUMERABLE_STRINGS = 2 | 16;

/**
 * Returns whether an array without holes has own enumerable properties besides
 * its elements.
 */
export function hasOtherKeys(array: readonly unknown[]): boolean {
  const { length } = array;
  if (length > SHORT_ARRAY) {
    if (selectKeys) return selectKeys(array, ENUMERABLE_STRINGS).length > 0;
    listed += length;
    if (listed > MAX_LISTED && selectKeys === undefined) {
      selectKeys = loadSelectKeys();
    }
  }
  return Object.keys(array).length > length;
}

/** Returns the own enumerable keys of an array that aren't indices. */
export function otherKeys(array: readonly unknown[]): string[] {
  return Object.keys(array).filter((key) => !isIndex(key));
}

/**
 * Returns a function that finds the first element of a sparse array at an index
 * or after it. The indices that it gets must increase.
 */
export function nextIndices(
  array: readonly unknown[],
  length: number,
): (from: number) => number {
  let keys: string[] | undefined;
  let position = 0;
  return (from) => {
    const end = Math.min(from + SHORT_GAP, length);
    for (let index = from; index < end; index++) {
      if (hasOwn(array, index)) return index;
    }
    if (end === length) return length;
    // Indices come first, in ascending order.
    keys ??= Object.keys(array).filter(isIndex);
    while (position < keys.length && Number(keys[position]) < end) position++;
    return Math.min(Number(keys[position] ?? length), length);
  };
}

/** Returns whether a property key is the index of an array element. */
export function isIndex(key: string): boolean {
  const index = Number(key) >>> 0;
  return String(index) === key && index !== 2 ** 32 - 1;
}

/**
 * Loads the function by which Node inspects arrays. Listing all keys of a long
 * array, the only other way, takes as long as encoding it. Loading takes about
 * 10 ms.
 */
function loadSelectKeys(): SelectKeys | null {
  try {
    const { getOwnNonIndexProperties }: { [name: string]: SelectKeys } = Reflect
      .get(Reflect.get(globalThis, "process"), "binding")("util");
    const probe = Object.assign([1], { key: 2 });
    const found = getOwnNonIndexProperties?.(probe, ENUMERABLE_STRINGS);
    return found?.join() === "key" ? getOwnNonIndexProperties! : null;
  } catch {
    return null;
  }
}
