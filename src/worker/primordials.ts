/**
 * Restores built-ins that tasks have replaced.
 *
 * A task that patches `Array.prototype` or `Promise` would break the code that
 * sends the results of other tasks. So the worker restores JavaScript's own
 * classes and methods whenever control returns from a task. Other globals, such
 * as `Date` or `fetch`, stay as tasks and initializers leave them. No other
 * file handles replaced built-ins.
 *
 * This guards against accidents. A task that wants to break its worker can.
 *
 * @module
 */

const {
  defineProperty,
  getOwnPropertyDescriptor,
  getOwnPropertyDescriptors,
  getPrototypeOf,
  hasOwn,
  setPrototypeOf,
} = Object;
const { deleteProperty, ownKeys } = Reflect;

const bytes = Uint8Array.prototype;
const objects = Object.prototype;
const typedArrays: object = getPrototypeOf(bytes);

/** Web classes, which tasks may replace for good. */
export const { AbortController, Blob, DOMException, URL } = globalThis;

/** A web function, which tasks may replace for good. */
export const { queueMicrotask } = globalThis;

/** Makes the error of a task that was cancelled. */
export function cancelled(): DOMException {
  return new DOMException("The task was cancelled", "AbortError");
}

/** Writes to stderr. */
export const { error: logError } = console;

/** Returns the time since the worker started, in milliseconds. */
export const now: () => number = performance.now.bind(performance);

/** The globals that the worker's code uses. */
const GLOBALS = [
  ...["AggregateError", "Array", "ArrayBuffer", "BigInt", "DataView", "Error"],
  ...["Function", "JSON", "Map", "Math", "Number", "Object", "Promise"],
  ...["RangeError", "ReferenceError", "Reflect", "RegExp", "Set", "String"],
  ...["SuppressedError", "TypeError", "Uint8Array"],
];

/** The methods that the worker's code uses, by the object that has them. */
const METHODS: readonly [owner: object, names: readonly PropertyKey[]][] = [
  [Array, ["isArray"]],
  [Array.prototype, [
    ...["at", "entries", "every", "fill", "filter", "find", "findIndex"],
    ...["flatMap", "includes", "join", "map", "pop", "push", "reverse"],
    ...["slice", "some", "splice", "toReversed"],
    Symbol.iterator,
  ]],
  [getPrototypeOf([].values()), ["next"]],
  [ArrayBuffer, ["isView"]],
  [ArrayBuffer.prototype, ["slice"]],
  [BigInt, ["asIntN"]],
  [BigInt.prototype, ["toString"]],
  [DataView.prototype, [
    ...["getBigInt64", "getBigUint64", "getFloat32", "getFloat64", "getInt8"],
    ...["getInt16", "getInt32", "getUint16", "getUint32", "setBigInt64"],
    ...["setFloat64", "setInt16", "setInt32", "setInt8", "setUint16"],
    "setUint32",
  ]],
  [Date.prototype, ["getTime"]],
  [Function.prototype, ["apply", "call", "toString", Symbol.hasInstance]],
  [JSON, ["parse", "stringify"]],
  [Map.prototype, ["delete", "entries", "get", "has", "set", Symbol.iterator]],
  [getPrototypeOf(new Map().values()), ["next"]],
  [Math, ["ceil", "max", "min", "round"]],
  [Object, [
    ...["defineProperty", "entries", "getOwnPropertyDescriptor"],
    ...["getPrototypeOf", "hasOwn", "keys", "values"],
  ]],
  [Object.prototype, ["toString"]],
  [Promise, ["resolve", "withResolvers"]],
  [Promise.prototype, ["catch", "constructor", "then"]],
  [Reflect, ["apply", "get"]],
  [RegExp.prototype, ["exec", "test", Symbol.replace]],
  [Set.prototype, ["add", "delete", "has", "values", Symbol.iterator]],
  [getPrototypeOf(new Set().values()), ["next"]],
  [String, ["fromCharCode"]],
  [String.prototype, [
    ...["charAt", "charCodeAt", "endsWith", "includes", "indexOf"],
    ...["isWellFormed", "lastIndexOf", "replace", "slice", "split"],
    "startsWith",
  ]],
  [TextDecoder.prototype, ["decode"]],
  [TextEncoder.prototype, ["encode", "encodeInto"]],
  [WeakSet.prototype, ["add", "has"]],
  [bytes, ["copyWithin", "set", "slice", "subarray"]],
];

/** Names that break property descriptors and promises if objects inherit them. */
const UNINHERITED = ["get", "set", "then", "value"];

/** The properties to restore, by the object that has them. */
const originals: [owner: object, descriptors: PropertyDescriptorMap][] = [];

/** Whether no task has replaced anything. */
let areIntact: () => boolean = () => true;

/** Whether the thread belongs to a program, which may replace built-ins. */
let areShared = false;

/**
 * Leaves built-ins as the program makes them, in a worker that shares its thread
 * with the program. Has no effect after {@linkcode savePrimordials}.
 */
export function sharePrimordials(): void {
  areShared = true;
}

/** Saves all built-ins. Call it once, before any code of the user is loaded. */
export function savePrimordials(): void {
  if (areShared) return;
  const globals: PropertyDescriptorMap = {};
  for (const key of GLOBALS) {
    globals[key] = getOwnPropertyDescriptor(globalThis, key)!;
  }
  originals.push([globalThis, globals]);
  for (const owner of [...METHODS.map(([owner]) => owner), typedArrays]) {
    originals.push([owner, getOwnPropertyDescriptors(owner)]);
  }
  areIntact = compileCheck();
}

/** Compares everything in one expression: a loop would be fifty times slower. */
function compileCheck(): () => boolean {
  const values: unknown[] = [];
  const use = (value: unknown) => `v${values.push(value) - 1}`;
  const world = use(globalThis);
  const checks = GLOBALS.map((name) =>
    `${world}.${name}===${use(Reflect.get(globalThis, name))}`
  );
  for (const [owner, names] of METHODS) {
    const object = use(owner);
    for (const name of names) {
      const method = `${object}[${
        typeof name === "symbol" ? use(name) : JSON.stringify(name)
      }]`;
      checks.push(`${method}===${use(Reflect.get(owner, name))}`);
    }
  }
  const object = use({});
  checks.push(...UNINHERITED.map((name) => `!("${name}" in ${object})`));
  const parameters = values.map((_, index) => `v${index}`);
  return new Function(...parameters, `return()=>${checks.join("&&")}`)(
    ...values,
  );
}

/**
 * Restores the built-ins that tasks have replaced. Call it whenever control
 * returns from a task, or from code that a task may have left behind.
 *
 * @throws {TypeError} If a task has made this impossible.
 */
export function restorePrimordials(): void {
  if (!areIntact()) restore();
}

/** Uses neither iterators nor methods, as these may be broken. */
function restore(): void {
  for (let index = 0; index < UNINHERITED.length; index++) {
    const name = UNINHERITED[index]!;
    if (!deleteProperty(objects, name)) {
      throw new TypeError(
        `A task has added a permanent property '${name}' to all objects`,
      );
    }
  }
  for (let index = 0; index < originals.length; index++) {
    const original = originals[index]!;
    restoreProperties(original[0], original[1]);
  }
}

function restoreProperties(
  owner: object,
  descriptors: PropertyDescriptorMap,
): void {
  const keys = ownKeys(descriptors);
  for (let index = 0; index < keys.length; index++) {
    const key = keys[index]!;
    const descriptor = descriptors[key]!;
    if (!descriptor.configurable) continue;
    // A property of Uint8Array.prototype would hide that of all typed arrays.
    if (owner === typedArrays && key !== "constructor" && hasOwn(bytes, key)) {
      deleteProperty(bytes, key);
    }
    // It must not inherit what a task gives all objects.
    setPrototypeOf(descriptor, null);
    defineProperty(owner, key, descriptor);
  }
}
