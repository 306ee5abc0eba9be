/** The highest index that V8 may make an array for, in an object of one key. */
const MAX_GAP = 16;

/** How many times as many places as keys such an array may have. */
const MAX_SPARSENESS = 4;

/**
 * Sets a property of a decoded value as plain own data, whatever it is called.
 *
 * For a key such as `"1000"` V8 may make an array of a thousand places, which
 * is much for a few bytes that were received; so such keys are kept apart.
 *
 * @param size How many properties the object is to have.
 */
export function setOwnProperty(
  object: Record<string, unknown>,
  key: string,
  value: unknown,
  size: number,
): void {
  const first = key.charCodeAt(0);
  if (first >= 0x31 && first <= 0x39 && isFar(key, size)) {
    // A read-only element can't be in an array, and what isn't stays apart.
    Object.defineProperty(object, key, {
      value: undefined,
      configurable: true,
    });
  } else if (!(key in object)) {
    // No inherited setter takes it, such as that of `__proto__`.
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
  // NaN isn't far, and what has more digits is kept apart by V8 itself.
  return key.length < 6 && Number(key) > MAX_GAP + size * MAX_SPARSENESS;
}
