/** The constructor of a built-in error class: of JavaScript, the web or Deno. */
export type ErrorClass = new (message?: string, name?: string) => Error;

const CLASSES = new Map<string, ErrorClass>([
  ["Error", Error],
  ["TypeError", TypeError],
  ["RangeError", RangeError],
  ["SyntaxError", SyntaxError],
  ["ReferenceError", ReferenceError],
  ["EvalError", EvalError],
  ["URIError", URIError],
  ["DOMException", DOMException],
  ...Object.entries(Deno.errors).map(([name, constructor]) =>
    [`Deno.errors.${name}`, constructor as ErrorClass] as const
  ),
]);

const NAMES = new Map<unknown, string>(
  [...CLASSES].map(([name, constructor]) => [constructor.prototype, name]),
);

/**
 * Properties that a built-in constructor sets as not enumerable: `cause`, and
 * those of `AggregateError` and `SuppressedError`.
 */
const HIDDEN_PROPERTIES: readonly string[] = [
  "cause",
  "errors",
  "error",
  "suppressed",
];

/** Returns the name of the nearest built-in class of an error. */
export function errorClassName(error: Error): string {
  if (error instanceof AggregateError) return "AggregateError";
  if (error instanceof SuppressedError) return "SuppressedError";
  for (
    let prototype = Object.getPrototypeOf(error);
    prototype !== null;
    prototype = Object.getPrototypeOf(prototype)
  ) {
    const name = NAMES.get(prototype);
    if (name !== undefined) return name;
  }
  return "Error";
}

/** Returns a property of an error as text; `""` if reading it fails. */
export function errorText(
  error: Error,
  key: "name" | "message" | "stack",
): string {
  try {
    const text: unknown = error[key];
    return typeof text === "string" ? text : String(text ?? "");
  } catch {
    return "";
  }
}

/** Returns whether an error has no message, not even an empty one. */
export function lacksMessage(error: Error, message: string): boolean {
  try {
    return message === "" && !Object.hasOwn(error, "message");
  } catch {
    return false;
  }
}

/** Returns the own properties of an error besides name, message and stack. */
export function errorKeys(error: Error): string[] {
  const keys = new Set([
    ...Object.keys(error),
    ...HIDDEN_PROPERTIES.filter((key) => Object.hasOwn(error, key)),
  ]);
  for (const key of ["name", "message", "stack"]) keys.delete(key);
  return [...keys];
}

/**
 * Makes an error of the class that {@linkcode errorClassName} named, or a plain
 * `Error` if this runtime doesn't have the class.
 */
export function makeError(
  className: string,
  name: string,
  message: string | undefined,
): Error {
  if (className === "AggregateError") {
    return withName(new AggregateError([], message), name);
  }
  if (className === "SuppressedError") {
    return withName(new SuppressedError(undefined, undefined, message), name);
  }
  const constructor = CLASSES.get(className) ?? Error;
  return withName(new constructor(message, name), name);
}

function withName(error: Error, name: string): Error {
  if (error.name !== name) defineHidden(error, "name", name);
  return error;
}

/** Sets a property of an error: enumerable, unless it is a built-in one. */
export function defineProperty(
  error: Error,
  key: string,
  value: unknown,
): void {
  const isBuiltIn = key === "cause" || Object.hasOwn(error, key);
  if (isBuiltIn) defineHidden(error, key, value);
  else {
    Object.defineProperty(error, key, {
      value,
      writable: true,
      configurable: true,
      enumerable: true,
    });
  }
}

/** Sets a property that isn't enumerable, like the built-in properties. */
export function defineHidden(
  error: Error,
  key: string,
  value: unknown,
): void {
  Object.defineProperty(error, key, {
    value,
    writable: true,
    configurable: true,
    enumerable: false,
  });
}
