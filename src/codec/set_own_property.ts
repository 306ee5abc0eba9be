/** V8 may make an array for index keys up to this number, … */
const MAX_GAP = 16;

/** … plus this number for each property of the object. */
const MAX_SPARSENESS = 4;

/** V8 never makes an array for a greater index key. */
const MAX_ARRAY_KEY = 99_999;

/**
 * Sets an own data property of a decoded value, even if its name is `__proto__`.
 *
 * For a key such as `"1000"` V8 may allocate an array of a thousand elements,
 * far more memory than the few bytes that arrived. This function makes V8 store
 * such keys in a dictionary.
 *
 * @param size The number of properties that the object will have.
 */
export function setOwnProperty(
  object: Record<string, unknown>,
  key: string,
  value: unknown,
  size: number,
): void {
  if (isFarKey(key, size)) {
    // V8 moves a read-only element to a dictionary, where it stays.
    Object.defineProperty(object, key, {
      value: undefined,
      configurable: true,
    });
  } else if (!(key in object)) {
    // No setter is inherited, unlike for `__proto__`.
    object[key] = value;
    return;
  }
  Object.defineProperty(object, key, {
    value,
    writable: true,
    configurable: true,
    enumerable: true,
  });
}

/** Returns whether V8 may allocate unused elements for a key. */
export function isFarKey(key: string, size: number): boolean {
  const first = key.charCodeAt(0);
  // A number with a fraction or an exponent does no harm.
  return first >= 0x31 && first <= 0x39 && key.length < 6 &&
    isFarIndex(Number(key), size);
}

/** Returns whether V8 may allocate unused elements for an index. */
export function isFarIndex(index: number, size: number): boolean {
  return index <= MAX_ARRAY_KEY && isSparse(index, size);
}

/**
 * Sets the length of a decoded array, whose last elements may be holes, without
 * allocating memory for them.
 *
 * @param size The number of properties that the array has.
 */
export function setLength(
  array: unknown[],
  length: number,
  size: number,
): void {
  if (isSparse(length, size) && array.length < length) {
    // V8 moves a read-only element to a dictionary, as above.
    Object.defineProperty(array, length - 1, { configurable: true });
    delete array[length - 1];
  }
  array.length = length;
}

function isSparse(index: number, size: number): boolean {
  return index > MAX_GAP + size * MAX_SPARSENESS;
}
