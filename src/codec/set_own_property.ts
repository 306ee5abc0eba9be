/** V8 may make an array for index keys up to this number, … */
const MAX_GAP = 16;

/** … plus this number for each property of the object. */
const MAX_SPARSENESS = 4;

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
  const first = key.charCodeAt(0);
  if (first >= 0x31 && first <= 0x39 && isFar(key, size)) {
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

function isFar(key: string, size: number): boolean {
  // NaN isn't far, and V8 itself uses a dictionary for longer numbers.
  return key.length < 6 && Number(key) > MAX_GAP + size * MAX_SPARSENESS;
}
