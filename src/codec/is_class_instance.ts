const { getOwnPropertyDescriptor, getPrototypeOf } = Object;
const objectPrototype = Object.prototype;
const functionText = Function.prototype.toString;

/** The names of the platform's classes, and of anything else global. */
const globals: ReadonlySet<string> = new Set(
  Object.getOwnPropertyNames(globalThis),
);

/**
 * Returns whether an object is an instance of a class of the program, rather
 * than of the platform. It may have a `Symbol.toStringTag`, like an object of
 * the platform.
 */
export function isClassInstance(value: object): boolean {
  for (
    let prototype = getPrototypeOf(value);
    prototype !== objectPrototype && prototype !== null;
    prototype = getPrototypeOf(prototype)
  ) {
    const own = getOwnPropertyDescriptor(prototype, "constructor")?.value;
    if (typeof own !== "function" || isOfPlatform(own)) return false;
  }
  return true;
}

function isOfPlatform(constructor: { readonly name?: unknown }): boolean {
  const { name } = constructor;
  if (
    typeof name === "string" && globals.has(name) &&
    Reflect.get(globalThis, name) === constructor
  ) return true;
  return functionText.call(constructor).includes("[native code]");
}
