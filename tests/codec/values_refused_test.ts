import {
  assert,
  assertEquals,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import { Encoder } from "../../src/codec/encoder.ts";
import { FrameWriter } from "../../src/transport/frame_writer.ts";
import {
  MAX_ATTACHMENTS,
  MAX_DEPTH,
  MIN_ATTACHMENT_BYTES,
} from "../../src/codec/wire_limits.ts";
import {
  assertSame,
  concat,
  decodeFrame,
  encodeMessages,
  nest,
  roundTrip,
  takeBytes,
} from "../helpers/frames.ts";
import { Random } from "../helpers/random.ts";

const BIG = new Uint8Array(MIN_ATTACHMENT_BYTES).fill(1);

/** The smallest module: its magic number and version. */
const EMPTY_MODULE = new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]);

class TaggedPromise extends Promise<void> {
  override get [Symbol.toStringTag](): string {
    return "Tagged";
  }
}

/** Values that can't be sent, with their names. */
const REFUSED: readonly [string, unknown][] = [
  ["functions", () => {}],
  ["classes", class {}],
  ["symbols", Symbol("symbol")],
  ["promises", Promise.resolve()],
  ["weak maps", new WeakMap()],
  ["weak sets", new WeakSet()],
  ["weak references", new WeakRef({})],
  ["generators", (function* () {})()],
  ["async generators", (async function* () {})()],
  ["iterators", [].values()],
  ["boxed symbols", Object(Symbol("symbol"))],
  ["blobs that aren't blobs", Object.create(Blob.prototype)],
  [
    "blobs beyond the limit of a message",
    repeat(new Uint8Array(2 ** 20), 5_120),
  ],
  ["blobs beyond 5 GiB", repeat(new Uint8Array(2 ** 20), 5_200)],
  ["events", new Event("event")],
  ["abort signals", AbortSignal.abort()],
  ["URL patterns", new URLPattern({ pathname: "/a" })],
  ["WebAssembly modules", new WebAssembly.Module(EMPTY_MODULE)],
  ["headers", new Headers({ a: "b" })],
  ["streams", new ReadableStream()],
  ["durations", Temporal.Duration.from({ hours: 1 })],
  ["shared buffers", new SharedArrayBuffer(8)],
  ["views of shared buffers", new Uint8Array(new SharedArrayBuffer(8))],
  ["big views of shared buffers", new DataView(new SharedArrayBuffer(100_000))],
  ["dates that aren't dates", Object.create(Date.prototype)],
  ["maps that aren't maps", Object.create(Map.prototype)],
  ["views of detached buffers", detachedView()],
  ["detached resizable buffers", detachedView({ maxByteLength: 9 }).buffer],
  ["views of detached resizable buffers", detachedView({ maxByteLength: 9 })],
  [
    "views that exceed their buffers",
    viewOutOfBounds((b) => new Uint8Array(b, 8, 8)),
  ],
  [
    "DataViews that exceed their buffers",
    viewOutOfBounds((b) => new DataView(b, 8, 8)),
  ],
  [
    "buffers that may grow too much",
    new ArrayBuffer(0, { maxByteLength: 2 ** 37 }),
  ],
  ["instances of a subclass of Promise", TaggedPromise.resolve()],
  ["revoked proxies", revokedProxy()],
  ["cycles in arrays", cycle((inner) => [BIG, inner])],
  ["cycles in objects", cycle((inner) => ({ big: BIG, inner }))],
  ["cycles in maps", cycle((inner) => new Map([[BIG, inner]]))],
  ["cycles in map keys", cycle((inner) => new Map([[inner, BIG]]))],
  ["cycles in sets", cycle((inner) => new Set([BIG, inner]))],
  ["arrays that nest too deeply", nest(MAX_DEPTH + 1)],
  ["arrays that nest far too deeply", nest(100_000)],
  ["objects that nest too deeply", nest(MAX_DEPTH + 1, (inner) => ({ inner }))],
];

function repeat(bytes: Uint8Array<ArrayBuffer>, times: number): Blob {
  // Its parts share the bytes.
  return new Blob(new Array<Blob>(times).fill(new Blob([bytes])));
}

function detachedView(options?: { maxByteLength: number }): Uint8Array {
  const view = new Uint8Array(new ArrayBuffer(8, options));
  view.buffer.transfer();
  return view;
}

function viewOutOfBounds<T>(view: (buffer: ArrayBuffer) => T): T {
  const buffer = new ArrayBuffer(16, { maxByteLength: 16 });
  const result = view(buffer);
  buffer.resize(8);
  return result;
}

function revokedProxy(): object {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

/** Makes a value that contains itself. */
function cycle(wrap: (inner: unknown) => unknown): unknown {
  const inner: unknown[] = [];
  const outer = wrap(inner);
  inner.push(outer);
  return outer;
}

/** Ways to put a value into another. */
const NESTINGS: readonly ((value: unknown) => unknown)[] = [
  (value) => value,
  (value) => [1, BIG, value, BIG],
  (value) => ({ a: BIG, b: { c: value }, d: 1 }),
  (value) => new Map<unknown, unknown>([[1, BIG], ["key", value]]),
  (value) => new Map<unknown, unknown>([[1, BIG], [value, "value"]]),
  (value) => new Set<unknown>(["x".repeat(100_000), BIG, value]),
];

const SENT: readonly unknown[][] = [
  [1, "before", BIG, { a: [new Error("message").message] }],
  [2, "between"],
  [3, { after: [BIG, new Map([[1, BIG]])] }],
];

for (const [name, value] of REFUSED) {
  Deno.test(`Encoder refuses ${name} and leaves no trace of them`, () => {
    const writer = new FrameWriter();
    writer.message(SENT[0]!);
    for (const wrap of NESTINGS) {
      const before = writer.byteLength;
      assertThrows(() => writer.message(["x", BIG, wrap(value)]), TypeError);
      assertEquals(writer.byteLength, before);
    }
    writer.message(SENT[1]!);
    assertThrows(() => writer.message([value]), TypeError);
    writer.message(SENT[2]!);
    assertSame(concat(takeBytes(writer)), encodeMessages(...SENT));
  });
}

Deno.test("Encoder stops at strings beyond the largest position", () => {
  const encoder = new Encoder();
  encoder.maxPosition = 1_000_000;
  let read = 0;
  const value = Array.from({ length: 1_000 }, () => ({
    get text() {
      read++;
      return "x".repeat(100_000);
    },
  }));
  assertThrows(
    () => encoder.value(value),
    TypeError,
    "It exceeds the limit of",
  );
  assert(read <= 30, `${read} strings`);
});

Deno.test("Encoder refuses too many resizable buffers, and forgets them", () => {
  const buffer = new ArrayBuffer(1, { maxByteLength: 2 });
  const most = new Array(4_092).fill(buffer);
  const writer = new FrameWriter();
  writer.beginList([1], false);
  for (let round = 0; round < 3; round++) {
    assertThrows(
      () => writer.append(new Array(4_097).fill(buffer)),
      TypeError,
      "more than 4,096 resizable buffers",
    );
  }
  writer.endList();
  writer.message([most]);
  assertEquals((decodeFrame(concat(takeBytes(writer)))[0] as []).length, 4_092);
});

Deno.test("Encoder refuses more blobs than a message can attach", () => {
  const blob = new Blob();
  const writer = new FrameWriter();
  assertThrows(
    () => writer.message([new Array(MAX_ATTACHMENTS + 1).fill(blob)]),
    TypeError,
    "more than 65000 blobs",
  );
  writer.message([new Array(MAX_ATTACHMENTS).fill(blob)]);
});

Deno.test("Encoder names the kind of a value that it refuses", () => {
  const kinds: [unknown, string][] = [
    [() => {}, "A function can't be sent"],
    [Symbol("symbol"), "A symbol can't be sent"],
    [Promise.resolve(), "A Promise can't be sent"],
    [new AbortController(), "An AbortController can't be sent"],
    [new SharedArrayBuffer(1), "A SharedArrayBuffer can't be sent"],
    [
      new Int8Array(new SharedArrayBuffer(1)),
      "Int8Array on shared memory can't be sent",
    ],
    [nest(MAX_DEPTH + 1), `Values can't nest deeper than ${MAX_DEPTH} levels`],
  ];
  for (const [value, message] of kinds) {
    assertThrows(() => encodeMessages([value]), TypeError, message);
  }
});

Deno.test("Encoder refuses a value whose getter throws, with the error as cause", () => {
  const reason = new Error("reason");
  const value = {
    big: BIG,
    get a() {
      throw reason;
    },
  };
  const writer = new FrameWriter();
  for (const wrap of NESTINGS) {
    const thrown = assertThrows(() => writer.message([wrap(value)]), TypeError);
    assertStrictEquals(thrown.cause, reason);
  }
  for (const message of SENT) writer.message(message);
  assertSame(concat(takeBytes(writer)), encodeMessages(...SENT));
});

Deno.test("Encoder round-trips values as deep as is allowed", () => {
  const wraps: ((inner: unknown) => unknown)[] = [
    (inner) => [inner],
    (inner) => ({ inner }),
    (inner) => new Map([["key", inner]]),
    (inner) => new Map([[inner, "value"]]),
    (inner) => new Set([inner]),
  ];
  for (const wrap of wraps) {
    const deepest = nest(MAX_DEPTH, wrap);
    // A comparison level by level would need more stack.
    const received = roundTrip(deepest);
    assertSame(encodeMessages([received]), encodeMessages([deepest]));
    assertThrows(() => roundTrip(wrap(deepest)), TypeError);
  }
});

Deno.test("Encoder round-trips members of lists as deep as is allowed", () => {
  const deepest = nest(MAX_DEPTH);
  const writer = new FrameWriter();
  writer.beginList([1], false);
  writer.append(deepest);
  writer.append(2);
  const [, members] = decodeFrame(concat(takeBytes(writer))) as [1, unknown[]];
  assertSame(encodeMessages(members), encodeMessages([deepest, 2]));
});

Deno.test("Encoder resets the depth after a refusal", () => {
  const writer = new FrameWriter();
  const deepest = nest(MAX_DEPTH);
  for (let round = 0; round < 3; round++) {
    assertThrows(() => writer.message([nest(250, () => [() => {}])]));
    assertThrows(() => writer.message([[deepest]]), TypeError);
  }
  writer.message([deepest]);
  assertSame(concat(takeBytes(writer)), encodeMessages([deepest]));
});

Deno.test("Encoder forgets the enclosing errors after a refusal", () => {
  const error = new Error("outer");
  const inner = new Error("inner", { cause: error });
  error.cause = { inner, refused: () => {} };
  const writer = new FrameWriter();
  writer.message([error]);
  assertThrows(() => writer.message([error, () => {}]));
  writer.message([inner]);
  const expected = encodeMessages([error], [inner]);
  assertSame(concat(takeBytes(writer)), expected);
});

Deno.test("Encoder leaves no trace of random refusals", () => {
  const random = new Random(5);
  for (let round = 0; round < 100; round++) {
    const writer = new FrameWriter();
    const sent: unknown[][] = [];
    for (let count = random.below(20); count > 0; count--) {
      const fields = random.list(4, () => random.value(3));
      if (random.below(2) === 0) fields.push(BIG);
      if (random.below(2) === 0) {
        const wrap = random.pick([NESTINGS[0]!, ...NESTINGS]);
        fields.splice(random.below(fields.length + 1), 0, wrap(() => {}));
        assertThrows(() => writer.message(fields), TypeError);
      } else {
        writer.message(fields);
        sent.push(fields);
      }
    }
    assertSame(concat(takeBytes(writer)), encodeMessages(...sent));
  }
});
