import { malformed } from "./texts.ts";

/** The kinds of {@linkcode Extension.NUMBERS}: those of typed arrays. */
export const NumberKind = {
  INT8: 2,
  INT16: 4,
  INT32: 6,
  FLOAT64: 9,
} as const;

/** The longest array that is allocated at once. */
const MAX_TEMPLATE = 4_096;

// A copy of an array without holes has none either, and its elements have the
// representation that V8 chose for those of the original.
let integers: readonly number[] | undefined;
let floats: readonly number[] | undefined;

/**
 * Makes an array from the little-endian numbers between two positions.
 *
 * @throws {RangeError} If there is no such kind, or the bytes aren't a whole
 * number of elements.
 */
export function readNumbers(
  kind: number,
  view: DataView,
  start: number,
  end: number,
): number[] {
  switch (kind) {
    case NumberKind.INT8:
      return readInt8(view, start, end - start);
    case NumberKind.INT16:
      return readInt16(view, start, countOf(end - start, 2));
    case NumberKind.INT32:
      return readInt32(view, start, countOf(end - start, 4));
    case NumberKind.FLOAT64:
      return readFloat64(view, start, countOf(end - start, 8));
    default:
      throw malformed(`there are no numbers of kind ${kind}`);
  }
}

// In a function for all kinds, the loop would be slower.

function readInt8(view: DataView, start: number, count: number): number[] {
  const array = (integers ??= makeTemplate(0)).slice(0, count);
  for (let index = 0; index < count; index++) {
    array[index] = view.getInt8(start + index);
  }
  return array;
}

function readInt16(view: DataView, start: number, count: number): number[] {
  const array = (integers ??= makeTemplate(0)).slice(0, count);
  for (let index = 0; index < count; index++) {
    array[index] = view.getInt16(start + index * 2, true);
  }
  return array;
}

function readInt32(view: DataView, start: number, count: number): number[] {
  const array = (integers ??= makeTemplate(0)).slice(0, count);
  for (let index = 0; index < count; index++) {
    array[index] = view.getInt32(start + index * 4, true);
  }
  return array;
}

function readFloat64(view: DataView, start: number, count: number): number[] {
  const array = (floats ??= makeTemplate(0.5)).slice(0, count);
  for (let index = 0; index < count; index++) {
    array[index] = view.getFloat64(start + index * 8, true);
  }
  return array;
}

/** Takes a while, so only the first list of its kind waits for it. */
function makeTemplate(element: number): number[] {
  const template: number[] = [];
  while (template.length < MAX_TEMPLATE) template.push(element);
  return template;
}

function countOf(bytes: number, size: number): number {
  if (bytes % size !== 0) throw malformed("its numbers are cut short");
  return bytes / size;
}
