/**
 * A task can replace what is built into JavaScript, such as
 * `Array.prototype.push`, which the worker's own code uses too: results of
 * other tasks could then get wrong. So methods that the worker relies on, and
 * the classes of the language, are put back after a task. Other globals, such
 * as `Date` or `setTimeout`, may stay replaced, as by an initializer with a
 * clock of its own: each file of the worker has taken those that it uses.
 *
 * @module
 */

const {
  Array,
  ArrayBuffer,
  BigInt,
  DataView,
  Date,
  Error,
  Function,
  JSON,
  Map,
  Math,
  Number,
  Object,
  Promise,
  Reflect,
  RegExp,
  Set,
  String,
  Symbol,
  TextDecoder,
  TextEncoder,
  TypeError,
  Uint8Array,
} = globalThis;

const { defineProperty, getOwnPropertyDescriptor, getPrototypeOf, hasOwn } =
  Object;
const { deleteProperty, ownKeys } = Reflect;

const arrays = Array.prototype;
const maps = Map.prototype;
const sets = Set.prototype;
const promises = Promise.prototype;
const functions = Function.prototype;
const strings = String.prototype;
const views = DataView.prototype;
const bytes = Uint8Array.prototype;
const typedArrays = getPrototypeOf(bytes);
const encoders = TextEncoder.prototype;
const decoders = TextDecoder.prototype;
const arrayIterators = getPrototypeOf([][Symbol.iterator]());
const mapIterators = getPrototypeOf(new Map().values());
const setIterators = getPrototypeOf(new Set().values());

/** All that is put back, with what it was when the worker started. */
const originals: [object, PropertyKey, PropertyDescriptor][] = [];

for (
  const owner of [
    ...[arrays, maps, sets, promises, functions, strings, views, typedArrays],
    ...[encoders, decoders, arrayIterators, mapIterators, setIterators],
    ...[RegExp.prototype, Date.prototype, ArrayBuffer.prototype],
    ...[Object, Array, ArrayBuffer, Promise, Reflect, Math, String, Number],
    ...[JSON, BigInt, Symbol],
  ]
) {
  for (const key of ownKeys(owner)) {
    const descriptor = getOwnPropertyDescriptor(owner, key)!;
    // No accessors, and nothing that the name of a property may stand for.
    Object.setPrototypeOf(descriptor, null);
    if (descriptor.configurable) originals.push([owner, key, descriptor]);
  }
}

const globals: Record<string, unknown> = globalThis as never;
for (
  const key of [
    ...["Array", "ArrayBuffer", "BigInt", "DataView", "Error", "Function"],
    ...["JSON", "Map", "Math", "Number", "Object", "Promise", "RangeError"],
    ...["Reflect", "RegExp", "Set", "String", "Symbol", "TextDecoder"],
    ...["TextEncoder", "TypeError", "Uint8Array"],
  ]
) {
  const descriptor = getOwnPropertyDescriptor(globals, key)!;
  Object.setPrototypeOf(descriptor, null);
  originals.push([globals, key, descriptor]);
}

const { push, pop, slice, splice, map, reverse, includes, fill } = arrays;
const { [Symbol.iterator]: iterateArray } = arrays;
const { next: nextOfArray } = arrayIterators;
const { next: nextOfMap } = mapIterators;
const { next: nextOfSet } = setIterators;
const { get, set, has, delete: deleteOfMap, entries } = maps;
const { add, delete: deleteOfSet, values, has: hasOfSet } = sets;
const { then, catch: catchOfPromise, constructor: promiseConstructor } =
  promises;
const { call, apply } = functions;
const { charCodeAt, isWellFormed, split, replace, startsWith } = strings;
const { setUint32, getUint32, setFloat64, getFloat64, setUint16, getUint16 } =
  views;
const { subarray, set: setBytes, slice: sliceBytes, copyWithin } = bytes;
const { encodeInto, encode } = encoders;
const { decode } = decoders;
const { keys } = Object;
const { isArray } = Array;
const { isView } = ArrayBuffer;
const { resolve, withResolvers } = Promise;
const { min, max, round } = Math;
const { fromCharCode } = String;
const { test, exec } = RegExp.prototype;

/** One after the other in full, as a loop would take ten times as long. */
function areIntact(): boolean {
  return arrays.push === push && arrays.pop === pop &&
    arrays.slice === slice && arrays.splice === splice && arrays.map === map &&
    arrays.reverse === reverse && arrays.includes === includes &&
    arrays.fill === fill && arrays[Symbol.iterator] === iterateArray &&
    arrayIterators.next === nextOfArray && mapIterators.next === nextOfMap &&
    setIterators.next === nextOfSet && maps.get === get && maps.set === set &&
    maps.has === has && maps.delete === deleteOfMap &&
    maps.entries === entries && sets.add === add &&
    sets.delete === deleteOfSet && sets.values === values &&
    sets.has === hasOfSet && promises.then === then &&
    promises.catch === catchOfPromise &&
    promises.constructor === promiseConstructor &&
    functions.call === call && functions.apply === apply &&
    strings.charCodeAt === charCodeAt &&
    strings.isWellFormed === isWellFormed && strings.split === split &&
    strings.replace === replace && strings.startsWith === startsWith &&
    views.setUint32 === setUint32 && views.getUint32 === getUint32 &&
    views.setFloat64 === setFloat64 && views.getFloat64 === getFloat64 &&
    views.setUint16 === setUint16 && views.getUint16 === getUint16 &&
    bytes.subarray === subarray && bytes.set === setBytes &&
    bytes.slice === sliceBytes && bytes.copyWithin === copyWithin &&
    encoders.encodeInto === encodeInto && encoders.encode === encode &&
    decoders.decode === decode && Object.keys === keys &&
    Object.getPrototypeOf === getPrototypeOf &&
    Object.defineProperty === defineProperty && Array.isArray === isArray &&
    ArrayBuffer.isView === isView && Promise.resolve === resolve &&
    Promise.withResolvers === withResolvers && Math.min === min &&
    Math.max === max && Math.round === round &&
    String.fromCharCode === fromCharCode && RegExp.prototype.test === test &&
    RegExp.prototype.exec === exec;
}

/** The same of the classes, which take longer to look at. */
function areGlobalsIntact(): boolean {
  return globals.Array === Array &&
    globals.ArrayBuffer === ArrayBuffer && globals.Error === Error &&
    globals.JSON === JSON && globals.Map === Map && globals.Math === Math &&
    globals.Object === Object && globals.Promise === Promise &&
    globals.Reflect === Reflect && globals.Set === Set &&
    globals.String === String && globals.TypeError === TypeError &&
    globals.Uint8Array === Uint8Array && globals.DataView === DataView &&
    globals.TextEncoder === TextEncoder;
}

/** The time, whatever becomes of `performance`. */
export const now: () => number = performance.now.bind(performance);

/**
 * Puts back what a task has replaced of what the worker itself needs.
 *
 * @throws {TypeError} If that can't be done.
 */
export function restorePrimordials(): void {
  if (!areIntact()) restore();
}

/**
 * Puts back what a task has replaced, before those of another message run.
 *
 * @throws {TypeError} If that can't be done.
 */
export function restoreGlobals(): void {
  if (!areIntact() || !areGlobalsIntact()) restore();
}

function restore(): void {
  for (let index = 0; index < originals.length; index++) {
    // Not taken apart: what iterates over arrays may be replaced too.
    const original = originals[index]!;
    const owner = original[0];
    const key = original[1];
    // What a task adds may stand before what all typed arrays have.
    if (owner === typedArrays && hasOwn(bytes, key) && key !== "constructor") {
      deleteProperty(bytes, key);
    }
    defineProperty(owner, key, original[2]);
  }
}
