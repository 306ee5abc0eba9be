import { isDate } from "node:util/types";
import { isDense } from "./is_dense.ts";
import { MAX_DEPTH } from "./wire_limits.ts";

/**
 * Returns whether a value consists of plain data and contains no object twice.
 * Then MessagePack keeps all that V8's serializer would keep, and takes less
 * time.
 */
export function isTree(value: object): boolean {
  try {
    return isNew(value, new Set(), 0);
  } catch {
    // A getter has thrown; it will again when its property is copied.
    return false;
  }
}

/** Returns whether an object is a tree of objects that weren't seen before. */
function isNew(value: object, seen: Set<object>, depth: number): boolean {
  if (seen.has(value) || depth > MAX_DEPTH) return false;
  seen.add(value);
  if (Array.isArray(value)) {
    return isDense(value) && areNew(value, seen, depth + 1);
  }
  if (Object.getPrototypeOf(value) === Object.prototype) {
    return areNew(Object.values(value), seen, depth + 1);
  }
  // Views of one buffer share it.
  if (ArrayBuffer.isView(value)) return isNew(value.buffer, seen, depth);
  return value instanceof ArrayBuffer || isDate(value);
}

function areNew(
  values: readonly unknown[],
  seen: Set<object>,
  depth: number,
): boolean {
  for (let index = 0; index < values.length; index++) {
    const value = values[index];
    // The encoder refuses functions and symbols.
    if (typeof value !== "object" || value === null) continue;
    if (!isNew(value, seen, depth)) return false;
  }
  return true;
}
