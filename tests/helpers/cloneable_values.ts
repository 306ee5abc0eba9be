import fc from "fast-check";

/** Makes a typed array on a buffer. */
type ViewClass = new (
  buffer: ArrayBuffer,
  offset?: number,
  length?: number,
) => ArrayBufferView;

const VIEWS: readonly [ViewClass, size: number][] = [
  [Int8Array, 1],
  [Uint8Array, 1],
  [Uint8ClampedArray, 1],
  [Int16Array, 2],
  [Uint16Array, 2],
  [Float16Array, 2],
  [Int32Array, 4],
  [Uint32Array, 4],
  [Float32Array, 4],
  [Float64Array, 8],
  [BigInt64Array, 8],
  [BigUint64Array, 8],
  [DataView, 1],
];

const ERRORS = [
  Error,
  EvalError,
  RangeError,
  ReferenceError,
  SyntaxError,
  TypeError,
  URIError,
  class extends RangeError {},
];

class Point {
  [name: string]: unknown;
  #secret = 1;
  get sum(): number {
    return this.#secret;
  }
}

class Tagged extends Point {
  get [Symbol.toStringTag](): string {
    return "Tagged";
  }
}

/** Makes an object to set properties of. */
const MAKE_OBJECT: readonly (() => object)[] = [
  () => ({}),
  () => Object.create(null),
  () => Object.create({ inherited: 1 }),
  () => new Point(),
  () => new Tagged(),
  () => Object.defineProperty({}, "hidden", { value: 1 }),
  () => ({ [Symbol("symbol")]: () => {} }),
];

/** Keys with a meaning in JavaScript, and others. */
const KEY = fc.oneof(
  fc.constantFrom("__proto__", "constructor", "toString", "then", "a", "b"),
  fc.constantFrom("length", "index", "-1", "01", "4294967295", "1e3"),
  // Larger gaps in arrays would take structuredClone most of the time.
  fc.integer({ min: 0, max: 2_000 }).map(String),
  fc.string({ unit: "binary", maxLength: 40 }),
);

const TEXT = fc.oneof(
  fc.string({ unit: "binary", maxLength: 100 }),
  fc.array(fc.nat(0xffff), { maxLength: 20 })
    .map((units) => String.fromCharCode(...units)),
);

const BIGINT = fc.oneof(
  fc.bigInt({ min: -9n, max: 9n }),
  fc.bigInt({ min: -(2n ** 80n), max: 2n ** 80n }),
);

const PRIMITIVE = fc.oneof(
  fc.constantFrom(undefined, null, true, false, -0, NaN, Infinity),
  fc.double(),
  fc.integer(),
  BIGINT,
  TEXT,
);

const BOXED = fc.oneof(fc.boolean(), fc.double(), BIGINT, TEXT)
  .map((value) => Object(value));

/** Arrays of numbers or strings only. */
const UNIFORM = fc.tuple(
  fc.oneof(
    fc.array(fc.integer({ min: -0x90, max: 0x90 }), { minLength: 1 }),
    fc.array(fc.integer(), { minLength: 1 }),
    fc.array(fc.double(), { minLength: 1 }),
    fc.array(TEXT, { minLength: 1, maxLength: 4 }),
  ),
  fc.integer({ min: 30, max: 70 }),
).map(([elements, length]) =>
  Array.from({ length }, (_, index) => elements[index % elements.length])
);

const REGEXP = fc.tuple(
  fc.constantFrom("a+", "é|\\/", "(?<x>b)", ""),
  fc.constantFrom("", "g", "dgimsuy", "v", "y"),
  fc.nat(9),
).map(([source, flags, lastIndex]) =>
  Object.assign(new RegExp(source, flags), { lastIndex })
);

const BUFFER = fc.tuple(
  fc.uint8Array({ maxLength: 64 }),
  fc.option(fc.nat(100), { nil: undefined }),
).map(([bytes, room]) => makeBuffer(bytes, room));

const VIEW = fc.tuple(
  BUFFER,
  fc.constantFrom(...VIEWS),
  fc.nat(8),
  fc.option(fc.nat(8), { nil: undefined }),
).map(([buffer, [View, size], start, count]) => {
  const most = Math.floor(buffer.byteLength / size);
  const first = Math.min(start, most);
  // A view that follows a fixed buffer must fill it.
  const isExact = buffer.byteLength % size === 0;
  const length = buffer.resizable || isExact ? count : count ?? 0;
  return length === undefined
    ? new View(buffer, first * size)
    : new View(buffer, first * size, Math.min(length, most - first));
});

const BLOB = fc.tuple(
  fc.uint8Array({ maxLength: 20 }),
  fc.constantFrom("", "text/plain"),
  fc.option(fc.string({ unit: "binary", maxLength: 9 }), { nil: undefined }),
  fc.integer(),
).map(([bytes, type, name, lastModified]) =>
  name === undefined
    ? new Blob([bytes.slice()], { type })
    : new File([bytes.slice()], name, { type, lastModified })
);

const DOM_EXCEPTION = fc.tuple(
  fc.string(),
  fc.constantFrom("AbortError", "TimeoutError", "Unheard"),
).map(([message, name]) => new DOMException(message, name));

/** Nested values of all kinds that `structuredClone` takes. */
export const CLONEABLE_VALUES: fc.Arbitrary<unknown> = fc.letrec((tie) => {
  const value = tie("value");
  const entries = fc.array(fc.tuple(KEY, value), { maxLength: 4 });
  const list = fc.array(value, { maxLength: 4 });
  const pairs = fc.array(fc.tuple(value, value), { maxLength: 3 });
  return {
    value: fc.oneof(
      { maxDepth: 2, depthIdentifier: "cloneable" },
      PRIMITIVE,
      PRIMITIVE,
      fc.oneof(
        fc.date({ noInvalidDate: false }),
        BOXED,
        REGEXP,
        BUFFER,
        VIEW,
        BLOB,
        DOM_EXCEPTION,
        UNIFORM,
      ),
      list,
      fc.tuple(list, entries).map(([items, extra]) => makeArray(items, extra)),
      fc.tuple(entries, fc.constantFrom(...MAKE_OBJECT))
        .map(([properties, make]) => define(make(), properties)),
      entries.map((properties) => defineGetters(properties)),
      fc.tuple(pairs, entries)
        .map(([members, extra]) => define(new Map(members), extra)),
      fc.tuple(list, entries)
        .map(([members, extra]) => define(new Set(members), extra)),
      fc.tuple(
        fc.option(fc.string()),
        fc.constantFrom(...ERRORS),
        fc.option(fc.record({ cause: value }), { nil: undefined }),
      ).map(([message, ErrorClass, options]) =>
        new ErrorClass(message ?? undefined, options)
      ),
    ),
  };
}).value;

function makeBuffer(bytes: Uint8Array, room: number | undefined): ArrayBuffer {
  const options = room === undefined
    ? undefined
    : { maxByteLength: bytes.length + room };
  const buffer = new ArrayBuffer(bytes.length, options);
  new Uint8Array(buffer).set(bytes);
  return buffer;
}

/** Makes an array with holes and other properties. */
function makeArray(
  items: readonly unknown[],
  extra: readonly [string, unknown][],
): unknown[] {
  const array: unknown[] = extra.length > 2
    ? new (class extends Array {})()
    : [];
  let index = 0;
  for (const item of items) {
    // Some numbers make holes.
    if (typeof item === "number") index += Math.abs(item | 0) % 300;
    else array[index++] = item;
  }
  for (const [key, value] of extra) {
    if (key !== "length") define(array, [[key, value]]);
  }
  return array;
}

function define<T extends object>(
  object: T,
  properties: readonly [string, unknown][],
): T {
  for (const [key, value] of properties) {
    Object.defineProperty(object, key, {
      value,
      writable: true,
      configurable: true,
      enumerable: true,
    });
  }
  return object;
}

function defineGetters(properties: readonly [string, unknown][]): object {
  const object = {};
  for (const [key, value] of properties) {
    Object.defineProperty(object, key, {
      get: () => value,
      configurable: true,
      enumerable: true,
    });
  }
  return object;
}
