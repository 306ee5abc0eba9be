import {
  assert,
  assertEquals,
  assertFalse,
  assertInstanceOf,
  assertStrictEquals,
} from "@std/assert";
import { MIN_ATTACHMENT_BYTES } from "../../src/codec/wire_limits.ts";
import {
  assertSame,
  encodeMessages,
  nest,
  roundTrip,
} from "../helpers/frames.ts";

/** Checks that an error's built-in properties are the same, and not enumerable. */
function assertSameError(received: Error, sent: Error): void {
  assertStrictEquals(
    Object.getPrototypeOf(received),
    Object.getPrototypeOf(sent),
  );
  for (const key of ["name", "message", "stack"] as const) {
    assertStrictEquals(received[key], sent[key], key);
  }
  assertEquals(Object.keys(received), Object.keys(sent));
}

/** An error with further own properties, as many libraries throw. */
function errorWith(properties: Record<string, unknown>): Error {
  return Object.assign(new Error("message"), properties);
}

for (
  const ErrorClass of [
    Error,
    TypeError,
    RangeError,
    SyntaxError,
    ReferenceError,
    EvalError,
    URIError,
    ...Object.values(Deno.errors),
  ]
) {
  Deno.test(`Encoder round-trips ${ErrorClass.name}`, () => {
    const sent = new ErrorClass(`about ${ErrorClass.name}`);
    assertSameError(roundTrip(sent), sent);
  });
}

Deno.test("Encoder round-trips errors without a message", () => {
  const sent = new TypeError();
  assertSameError(roundTrip(sent), sent);
});

Deno.test("Encoder round-trips AggregateError with its errors", () => {
  const errors = [new TypeError("a"), "text", new Error("b")];
  const sent = new AggregateError(errors, "all", { cause: 5 });
  const received = roundTrip(sent);
  assertSameError(received, sent);
  assertInstanceOf(received, AggregateError);
  assertEquals(received.errors.length, 3);
  assertSameError(received.errors[0], errors[0] as Error);
  assertEquals(received.errors[1], "text");
  assertSameError(received.errors[2], errors[2] as Error);
  assertEquals(received.cause, 5);
});

Deno.test("Encoder round-trips SuppressedError with both errors", () => {
  const sent = new SuppressedError(new TypeError("a"), "b", "message");
  const received = roundTrip(sent);
  assertSameError(received, sent);
  assertSameError(received.error, sent.error);
  assertEquals(received.suppressed, "b");
});

Deno.test("Encoder round-trips DOMException with its code", () => {
  for (const name of ["AbortError", "DataCloneError", "Unheard"]) {
    const sent = new DOMException("about it", name);
    const received = roundTrip(sent);
    assertSameError(received, sent);
    assertInstanceOf(received, DOMException);
    assertEquals(received.code, sent.code);
  }
});

Deno.test("Encoder sends a custom error as the nearest built-in, with its name", () => {
  class HttpError extends RangeError {
    override readonly name = "HttpError";
    constructor(message: string, readonly status: number) {
      super(message);
    }
  }
  class NotFoundError extends HttpError {}
  const sent = new NotFoundError("nowhere", 404);
  const received = roundTrip(sent);
  assertStrictEquals(Object.getPrototypeOf(received), RangeError.prototype);
  assertStrictEquals(received.name, "HttpError");
  assertStrictEquals(received.message, "nowhere");
  assertStrictEquals(received.stack, sent.stack);
  assertEquals(Object.entries(received), [["status", 404]]);
});

Deno.test("Encoder sends a subclass of a Deno error as the Deno error", () => {
  class NoFile extends Deno.errors.NotFound {}
  const received = roundTrip(new NoFile("gone"));
  assertStrictEquals(
    Object.getPrototypeOf(received),
    Deno.errors.NotFound.prototype,
  );
});

Deno.test("Encoder sends an object that only inherits from Error as an Error", () => {
  const sent = Object.assign(Object.create(Error.prototype), { a: 1 });
  const received = roundTrip(sent);
  assertStrictEquals(Object.getPrototypeOf(received), Error.prototype);
  assertEquals({ ...received }, { a: 1 });
});

Deno.test("Encoder round-trips chains of causes", () => {
  const root = new TypeError("root");
  const middle = new Error("middle", { cause: { reason: root } });
  const received = roundTrip(new RangeError("top", { cause: middle }));
  const cause = received.cause as Error;
  assertSameError(cause, middle);
  assertSameError((cause.cause as { reason: Error }).reason, root);
  assertEquals(Object.keys(cause), []);
});

Deno.test("Encoder keeps a cause that is undefined or null", () => {
  for (const cause of [undefined, null]) {
    const received = roundTrip(new Error("m", { cause }));
    assert(Object.hasOwn(received, "cause"));
    assertStrictEquals(received.cause, cause);
  }
  assert(!Object.hasOwn(roundTrip(new Error("m")), "cause"));
});

Deno.test("Encoder round-trips long chains of causes", () => {
  let sent = new Error("0");
  for (let i = 1; i <= 450; i++) sent = new Error(`${i}`, { cause: sent });
  let received: unknown = roundTrip(sent);
  for (let i = 450; i >= 0; i--) {
    assertInstanceOf(received, Error);
    assertEquals(received.message, `${i}`);
    received = received.cause;
  }
});

Deno.test("Encoder cuts chains of causes that are too long", () => {
  let sent = new Error("0");
  for (let i = 1; i <= 3_000; i++) sent = new Error(`${i}`, { cause: sent });
  const received = roundTrip(sent);
  assertEquals(received.message, "3000");
  assertEquals((received.cause as Error).message, "2999");
});

Deno.test("Encoder leaves out a cause that leads back to its error", () => {
  const itself = new Error("itself");
  itself.cause = itself;
  assert(!Object.hasOwn(roundTrip(itself), "cause"));
  const one = new Error("one");
  const two = new Error("two", { cause: one });
  one.cause = two;
  const cause = roundTrip(one).cause as Error;
  assertEquals(cause.message, "two");
  assert(!Object.hasOwn(cause, "cause"));
});

Deno.test("Encoder leaves out properties that contain their error", () => {
  const sent = errorWith({ code: 7 });
  let reads = 0;
  Object.defineProperty(sent, "context", {
    enumerable: true,
    get() {
      // Reading each shared level again would double the number of reads.
      if (++reads > 100) throw new Error("read too often");
      return { left: { error: sent }, right: [sent] };
    },
  });
  const received = roundTrip(sent);
  assertEquals(reads, 1);
  assertEquals({ ...received }, { code: 7 });
});

Deno.test("Encoder sends a shared error twice", () => {
  const shared = new Error("shared");
  const received = roundTrip(errorWith({ a: shared, b: [shared, shared] }));
  const { a, b } = { ...received } as unknown as { a: Error; b: Error[] };
  for (const error of [a, ...b]) assertSameError(error, shared);
});

Deno.test("Encoder sends the stack unchanged", () => {
  const sent = new Error("message");
  sent.stack = "a text 😀\n  at somewhere";
  assertStrictEquals(roundTrip(sent).stack, sent.stack);
});

Deno.test("Encoder sends an error whose stack isn't a string", () => {
  const sent = new Error("message");
  Reflect.set(sent, "stack", [{ line: 1 }]);
  const received = roundTrip(sent);
  assertStrictEquals(received.message, "message");
  assertStrictEquals(typeof received.stack, "string");
});

Deno.test("Encoder turns an error's name and message into strings", () => {
  const sent = new Error();
  const symbol = Symbol("name");
  Object.defineProperty(sent, "name", { value: symbol });
  Object.defineProperty(sent, "message", { value: 404 });
  const received = roundTrip(sent);
  assertStrictEquals(received.name, "Symbol(name)");
  assertStrictEquals(received.message, "404");
});

Deno.test("Encoder sends an error whose properties all throw", () => {
  const sent = new TypeError("message");
  const get = () => {
    throw new Error("not to be read");
  };
  for (const key of ["name", "message", "stack", "cause", "other"]) {
    Object.defineProperty(sent, key, { get, enumerable: key === "other" });
  }
  assertInstanceOf(roundTrip(sent), TypeError);
  const unprintable = new TypeError("message");
  Object.defineProperty(unprintable, "name", { value: Object.create(null) });
  assertStrictEquals(roundTrip(unprintable).message, "message");
});

Deno.test("Encoder sends an error's own properties of any kind", () => {
  const properties = {
    code: "E",
    at: new Date(3),
    big: new Uint8Array(MIN_ATTACHMENT_BYTES).fill(1),
    nested: { map: new Map([[1, 2n]]) },
    nothing: undefined,
  };
  const received = roundTrip(errorWith(properties));
  assertSame({ ...received }, properties);
});

Deno.test("Encoder sends many properties of an error", () => {
  const properties = Object.fromEntries(
    Array.from({ length: 70_000 }, (_, index) => [`key ${index}`, index]),
  );
  const received = roundTrip(errorWith(properties));
  assertSame({ ...received }, properties);
});

Deno.test("Encoder keeps properties enumerable unless they are built in", () => {
  const properties = { errors: [1], error: 2, suppressed: 3 };
  const received = roundTrip(errorWith(properties));
  assertSame({ ...received }, properties);
});

Deno.test("Encoder leaves out an error's properties that can't be sent", () => {
  const big = new Uint8Array(MIN_ATTACHMENT_BYTES).fill(2);
  const sent = errorWith({
    before: big,
    method: () => 1,
    symbol: Symbol("symbol"),
    nested: { big, promise: Promise.resolve(), after: 1 },
    map: new Map([[1, new WeakMap()]]),
    after: big.with(0, 3),
  });
  Object.defineProperty(sent, "thrower", {
    enumerable: true,
    get() {
      throw new Error("not to be read");
    },
  });
  Reflect.set(sent, "last", 1);
  const frame = encodeMessages([sent, big]);
  assertEquals(Math.floor(frame.length / MIN_ATTACHMENT_BYTES), 3);
  const [received, after] = roundTrip([sent, big]);
  const { last, ...rest } = { ...received } as Record<string, unknown>;
  assertSame(rest, { before: big, after: big.with(0, 3) });
  assertEquals(last, 1);
  assertSame(after, big);
});

Deno.test("Encoder counts the depth correctly after it left out a property", () => {
  const refused = nest(250, (inner) => [inner, () => {}]);
  const entries = [...Array(20).keys()].map((index) => [`k${index}`, refused]);
  const after = { deep: nest(450) };
  const sent = errorWith({ ...Object.fromEntries(entries), ...after });
  assertSame({ ...roundTrip(sent) }, after);
});

Deno.test("Encoder leaves out a cause that can't be sent", () => {
  const received = roundTrip(new Error("m", { cause: () => {} }));
  assert(!Object.hasOwn(received, "cause"));
});

Deno.test("Decoder makes an error's own __proto__ a plain property", () => {
  const sent = new Error("message");
  Object.defineProperty(sent, "__proto__", {
    value: { polluted: true },
    enumerable: true,
  });
  const received = roundTrip(sent);
  assertStrictEquals(Object.getPrototypeOf(received), Error.prototype);
  assertEquals(Object.entries(received), [["__proto__", { polluted: true }]]);
});

Deno.test("Encoder round-trips errors within other values", () => {
  const error = new Error("message");
  const map = roundTrip(new Map([[error, [error]]]));
  const [[key, [member]]] = [...map] as [[Error, [Error]]];
  assertSameError(key, error);
  assertSameError(member, error);
});

interface Entangled extends Error {
  again?: Entangled;
}

/** Makes an error with 2ⁿ paths to the innermost of n levels. */
function entangled(levels: number): Entangled {
  let error: Entangled = new Error("innermost");
  for (; levels > 0; levels--) {
    const next = new Error("", { cause: error });
    error = Object.assign(next, { again: error });
    error.stack = "";
  }
  return error;
}

Deno.test("Encoder leaves out errors that are shared too often", () => {
  // Sending every path to the innermost would take forever.
  let received = roundTrip(entangled(300)) as Entangled;
  for (let level = 0; level < 300; level++) received = received.again!;
  assertEquals(received.message, "innermost");
});

Deno.test("Encoder leaves out a property that shares too much", () => {
  let shared: unknown = 1;
  for (let level = 0; level < 300; level++) shared = [shared, shared];
  const error = Object.assign(new Error("message"), { shared, code: 5 });
  const received = roundTrip(error) as Error & { code: number };
  assertEquals([received.message, received.code], ["message", 5]);
  assertFalse("shared" in received);
});
