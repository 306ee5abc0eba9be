import { hasOtherKeys } from "./array_keys.ts";

/** Returns whether an array has no holes and no other properties. */
export function isDense(array: readonly unknown[]): boolean {
  for (let index = 0; index < array.length; index++) {
    if (array[index] === undefined && !(index in array)) return false;
  }
  return !hasOtherKeys(array);
}
