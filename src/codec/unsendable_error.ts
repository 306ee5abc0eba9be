/**
 * Finds what in a value keeps it from being sent, and says where it is. Used
 * only when encoding has failed, so it may take its time.
 *
 * @module
 */

import { Encoder, isPlain } from "./encoder.ts";

/** How many parts of parts are looked at. */
const MAX_PATH = 100;

/**
 * Makes the error that names the part of `value` that can't be sent.
 *
 * @param value The value that could not be encoded.
 * @param path How its root is called, such as `"args[0]"` or `"result"`.
 * @param reason What the encoder threw.
 * @returns A `DOMException` named `"DataCloneError"`, as `structuredClone`
 * throws.
 */
export function unsendableError(
  value: unknown,
  path: string,
  reason: unknown,
): DOMException {
  const culprit = look(value, path) ??
    `${path} can't be sent: ${messageOf(reason)}`;
  const message = `${culprit}; send plain data, or make it in the task itself`;
  const error = new DOMException(message, "DataCloneError");
  // Where it was found out says nothing to a user.
  Object.defineProperty(error, "stack", {
    value: `${error.name}: ${message}`,
    writable: true,
    configurable: true,
  });
  return error;
}

function look(value: unknown, path: string): string | undefined {
  try {
    return find(value, path, [], new Map());
  } catch {
    // Such as a revoked proxy: the encoder's own words do.
    return undefined;
  }
}

/**
 * Finds the first part that can't be sent, and describes it.
 *
 * @param passed The least depth at which nothing was found in an object. It
 * isn't looked at again there or further below, where less of it would be seen:
 * there are 2¹⁰⁰ ways through 100 lists that have the next one twice. What this
 * misses is a cycle that is almost as long as a path can be.
 */
function find(
  value: unknown,
  path: string,
  ancestors: readonly unknown[],
  passed: Map<object, number>,
): string | undefined {
  if (typeof value === "function" || typeof value === "symbol") {
    return `${path} is a ${typeof value}`;
  }
  if (typeof value !== "object" || value === null) return undefined;
  if (ancestors.includes(value)) return `${path} is part of a cycle`;
  // Deeper than any sensible path: the encoder's own words do.
  const depth = ancestors.length;
  if (depth > MAX_PATH || depth >= (passed.get(value) ?? Infinity)) {
    return undefined;
  }
  if (value instanceof Error) return undefined;
  const inside = [...ancestors, value];
  for (const [key, read] of parts(value)) {
    let part: unknown;
    try {
      part = read();
    } catch (error) {
      return `${path}${key} can't be read: ${messageOf(error)}`;
    }
    const found = find(part, `${path}${key}`, inside, passed);
    if (found !== undefined) return found;
  }
  if (!hasParts(value)) {
    const found = unsendableKind(value, path);
    if (found !== undefined) return found;
  }
  passed.set(value, depth);
  return undefined;
}

function* parts(value: object): Iterable<[string, () => unknown]> {
  if (value instanceof Map) {
    for (const [key, member] of value) {
      const isSimple = typeof key !== "object" && typeof key !== "function";
      const name = isSimple ? String(key) : "key";
      yield [`.keys(${name})`, () => key];
      yield [`.get(${name})`, () => member];
    }
  } else if (value instanceof Set) {
    let index = 0;
    for (const member of value) yield [`.values(${index++})`, () => member];
  } else if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index++) {
      yield [`[${index}]`, () => value[index]];
    }
  } else if (!ArrayBuffer.isView(value)) {
    for (const key of Object.keys(value)) {
      const name = /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(key)
        ? `.${key}`
        : `[${JSON.stringify(key)}]`;
      yield [name, () => Reflect.get(value, key)];
    }
  }
}

function hasParts(value: object): boolean {
  return Array.isArray(value) || value instanceof Map || value instanceof Set;
}

/** Says of a value without parts whether it is of a kind that can't travel. */
function unsendableKind(value: object, path: string): string | undefined {
  const kind = Object.prototype.toString.call(value).slice(8, -1);
  if (kind === "Object" || isPlain(value)) return undefined;
  try {
    new Encoder().value(value);
    return undefined;
  } catch (reason) {
    if (ArrayBuffer.isView(value)) {
      return `${path} can't be sent: ${messageOf(reason)}`;
    }
    const article = /^[AEIOU]/.test(kind) ? "an" : "a";
    return `${path} is ${article} ${kind}, which can't be sent`;
  }
}

function messageOf(error: unknown): string {
  try {
    return error instanceof Error ? error.message : String(error);
  } catch {
    return "it can't be read";
  }
}
