/** Returns whether an array has no holes and no other properties. */
export function isDense(array: readonly unknown[]): boolean {
  const keys = Object.keys(array);
  const { length } = array;
  // Indices come first, in their order.
  return keys.length === length &&
    (length === 0 || keys[length - 1] === String(length - 1));
}
