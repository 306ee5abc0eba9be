import fc from "fast-check";
import { createSecretKey } from "node:crypto";

/** Keys with a meaning in JavaScript, and others. */
const KEY = fc.oneof(
  fc.constantFrom("__proto__", "constructor", "toString", "then", "length"),
  fc.integer({ min: 0, max: 100_000 }).map(String),
  fc.string({ unit: "binary", maxLength: 40 }),
);

/** Arrays of numbers or strings, and such with another element. */
const UNIFORM = fc.tuple(
  fc.oneof(
    fc.array(fc.integer({ min: -0x90, max: 0x90 }), { maxLength: 3 }),
    fc.array(fc.integer(), { maxLength: 3 }),
    fc.array(fc.double(), { maxLength: 3 }),
    fc.array(fc.string({ unit: "binary" }), { maxLength: 3 }),
  ),
  fc.integer({ min: 30, max: 70 }),
  fc.option(fc.tuple(fc.nat(70), fc.constantFrom(null, undefined, "a", 0.5))),
).map(([elements, length, other]) => {
  const array: unknown[] = Array.from(
    { length },
    (_, index) => elements[index % elements.length],
  );
  if (other !== null) array[other[0] % length] = other[1];
  return array;
});

/** Nested values of all kinds that can be sent. */
export const VALUES: fc.Arbitrary<unknown> = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, depthIdentifier: "value" },
    tie("leaf"),
    tie("leaf"),
    fc.array(tie("value"), { maxLength: 6 }),
    fc.array(fc.tuple(KEY, tie("value")), { maxLength: 6 }).map(makeObject),
    fc.array(fc.tuple(tie("leaf"), tie("value")), { maxLength: 4 })
      .map((entries) => new Map(entries)),
    fc.array(tie("leaf"), { maxLength: 4 }).map((values) => new Set(values)),
    fc.array(fc.tuple(KEY, tie("value")), { maxLength: 6 }).map(makeArray),
    fc.tuple(fc.string(), tie("value"))
      .map(([message, cause]) => makeError(message, cause)),
  ),
  leaf: fc.oneof(
    fc.constantFrom(undefined, null, true, false),
    fc.double(),
    fc.integer(),
    fc.bigInt({ min: -(2n ** 80n), max: 2n ** 80n }),
    fc.string({ unit: "binary", maxLength: 300 }),
    fc.array(fc.nat(0xffff), { maxLength: 20 })
      .map((units) => String.fromCharCode(...units)),
    fc.date({ noInvalidDate: false }),
    fc.constantFrom(/a+/, /é/gu, new URL("https://example.com/?a=b")),
    fc.uint8Array({ maxLength: 300 }),
    fc.float64Array({ maxLength: 20 }),
    fc.bigInt64Array({ maxLength: 20 }),
    fc.uint8Array({ maxLength: 50 }).map((bytes) => bytes.slice().buffer),
    fc.oneof(fc.double(), fc.boolean(), fc.string()).map((one) => Object(one)),
    fc.uint8Array({ maxLength: 50 }).map(makeResizable),
    fc.uint8Array({ minLength: 1, maxLength: 50 })
      .map((bytes) => createSecretKey(bytes)),
    UNIFORM,
    fc.nat(30).map((n) => n === 0 ? new Uint16Array(20_000) : n),
  ),
})).value;

function makeObject(entries: [string, unknown][]): unknown {
  const object = {};
  for (const [key, value] of entries) {
    Object.defineProperty(object, key, {
      value,
      writable: true,
      configurable: true,
      enumerable: true,
    });
  }
  return object;
}

/** Makes an array with holes and other properties. */
function makeArray(entries: [string, unknown][]): unknown[] {
  const array: unknown[] = [];
  for (const [key, value] of entries) {
    // The comparison calls methods of arrays.
    if (["constructor", "length", "toString"].includes(key)) continue;
    Object.defineProperty(array, key, {
      value,
      writable: true,
      configurable: true,
      enumerable: true,
    });
  }
  return array;
}

function makeResizable(bytes: Uint8Array): Uint8Array {
  const maxByteLength = bytes.length * 2;
  const view = new Uint8Array(new ArrayBuffer(bytes.length, { maxByteLength }));
  view.set(bytes);
  return view;
}

function makeError(message: string, cause: unknown): Error {
  const error = new RangeError(message.toWellFormed(), { cause });
  error.stack = "RangeError";
  return error;
}
