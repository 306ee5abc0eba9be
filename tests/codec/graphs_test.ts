import {
  assert,
  assertEquals,
  assertFalse,
  assertInstanceOf,
  assertNotStrictEquals,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import { Extension } from "../../src/codec/extensions.ts";
import { unsendableError } from "../../src/codec/unsendable_error.ts";
import {
  MAX_GRAPH_DEPTH,
  MIN_ATTACHMENT_BYTES,
} from "../../src/codec/wire_limits.ts";
import { FrameWriter } from "../../src/transport/frame_writer.ts";
import { loadV8Serializer } from "../../src/codec/v8_serializer.ts";
import {
  assertSame,
  concat,
  decodeFrame,
  encodeMessages,
  nest,
  takeBytes,
} from "../helpers/frames.ts";
import {
  decodeGraphs,
  encodeGraphs,
  roundTripGraph,
  roundTripGraphWithBlobs,
} from "../helpers/graphs.ts";

/** An object that contains itself in various ways. */
interface Knot {
  self?: Knot;
  list: unknown[];
  map: Map<unknown, unknown>;
  set: Set<unknown>;
}

function makeKnot(): Knot {
  const knot: Knot = { list: [], map: new Map(), set: new Set() };
  knot.self = knot;
  knot.list.push(knot, knot.list);
  knot.map.set("map", knot.map).set(knot.map, knot);
  knot.set.add(knot.set).add(knot);
  return knot;
}

function assertKnot(knot: Knot): void {
  assertStrictEquals(knot.self, knot);
  assertStrictEquals(knot.list[0], knot);
  assertStrictEquals(knot.list[1], knot.list);
  assertStrictEquals(knot.map.get("map"), knot.map);
  assertStrictEquals(knot.map.get(knot.map), knot);
  assertEquals(knot.set.size, 2);
  assert(knot.set.has(knot) && knot.set.has(knot.set));
}

Deno.test("Encoder keeps cycles with a serializer", () => {
  assertKnot(roundTripGraph(makeKnot()));
});

Deno.test("Encoder keeps shared references of each kind with a serializer", () => {
  const shared: object[] = [
    [{}],
    [[]],
    [new Map()],
    [new Set()],
    [new Date(5)],
    [/a+/g],
    [new URL("https://example.com/")],
    [new TypeError("a")],
    [new DOMException("a", "AbortError")],
    [new ArrayBuffer(8)],
    [new Uint8Array(8)],
    [new DataView(new ArrayBuffer(8))],
    [Object(1), Object("a"), Object(1n), Object(true)],
    [Object.assign([1], { extra: 1 })],
    [Object.assign(new Array(3), { 1: 1 })],
    [{ 1000: 1 }],
    [Object.create(null)],
  ].flat();
  for (const value of shared) {
    const [one, other] = roundTripGraph([value, value]);
    assertStrictEquals(one, other);
    assertEquals(Deno.inspect(one), Deno.inspect(cloneOf(value)));
  }
});

/** Clones a value, unless `structuredClone` refuses it or has a bug. */
function cloneOf(value: object): object {
  const isOdd = value instanceof URL || value instanceof DOMException;
  return isOdd ? value : structuredClone(value);
}

Deno.test("Encoder keeps what structuredClone keeps with a serializer", () => {
  const shared = {};
  const values = [
    [shared, shared, undefined, null, -0, NaN, 1n << 70n, "é\ud800", 1e300],
    [shared, shared, Object.assign([, 1, , undefined], { a: shared, 7: 1 })],
    [shared, shared, Object.assign([], { length: 4_000_000_000 })],
    [shared, shared, JSON.parse('{"__proto__": {"a": 1}, "constructor": 2}')],
    [shared, shared, { 99999: 1, 100000: 2, 4294967295: 3, item500: 4, "": 5 }],
    [shared, shared, {
      b: 1,
      a: 2,
      1: 3,
      get c() {
        return 4;
      },
    }],
    [shared, shared, new Array(40).fill(shared)],
    [shared, shared, new Map([[NaN, shared], [-0, {}]]), new Set([shared])],
    [shared, shared, Object(-0), Object(""), Object(-(1n << 90n))],
    [shared, shared, new Date(NaN), new Float16Array([1.5, NaN])],
    [
      shared,
      shared,
      Object.create(null, { a: { value: 1, enumerable: true } }),
    ],
  ];
  for (const value of values) {
    const received = roundTripGraph(value);
    const expected = structuredClone(value);
    assertStrictEquals(received[0], received[1]);
    assertEquals(received, expected);
    assertEquals(
      Deno.inspect(received, { depth: 9, showHidden: true }),
      Deno.inspect(expected, { depth: 9, showHidden: true }),
    );
  }
});

Deno.test("Encoder keeps the class, the stacks and the properties of errors in a cycle with a serializer", () => {
  const knot = makeKnot();
  const error = Object.assign(new RangeError("inner", { cause: knot }), {
    knot,
    code: 5,
    inner: new Deno.errors.NotFound("gone"),
    self: {},
  });
  error.self = error;
  const sum = new AggregateError([error, knot, error], "outer");
  const received = roundTripGraph(sum);
  assertInstanceOf(received, AggregateError);
  const [first, second, third] = received.errors;
  assertInstanceOf(first, RangeError);
  assertKnot(first.cause as Knot);
  assertStrictEquals(second, first.cause);
  assertStrictEquals(third, first);
  const copy = first as typeof error;
  assertStrictEquals(copy.knot, copy.cause);
  assertStrictEquals(copy.self, copy);
  assertInstanceOf(copy.inner, Deno.errors.NotFound);
  assertEquals(copy.code, 5);
  assertEquals(copy.stack, error.stack);
  assertEquals(Object.keys(copy), Object.keys(error));
  assertFalse(Object.keys(received).includes("errors"));
});

Deno.test("Encoder leaves out properties of errors that can't be sent with a serializer", () => {
  const shared = { kept: true };
  const error = Object.assign(new Error("a"), {
    first: { shared, bad: [new Uint8Array(9), new Error("b"), () => {}] },
    second: { shared },
    third: shared,
    fourth: new Uint8Array([1, 2]),
  });
  Object.defineProperty(error, "fifth", {
    get: () => {
      throw new Error("unreadable");
    },
    enumerable: true,
  });
  const received = roundTripGraph([error, shared]);
  const [copy, other] = received as [typeof error, typeof shared];
  assertEquals(Object.keys(copy), ["second", "third", "fourth"]);
  assertStrictEquals(copy.second.shared, other);
  assertStrictEquals(copy.third, other);
  assertEquals(copy.fourth, new Uint8Array([1, 2]));
});

function bytesOf(view: ArrayBufferView): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}

Deno.test("Encoder keeps views of one buffer together with a serializer", () => {
  for (const size of [256, MIN_ATTACHMENT_BYTES * 4]) {
    const { buffer } = Uint8Array.from({ length: size }, (_, index) => index);
    const views = [
      new Uint8Array(buffer, 33, 20),
      new Float64Array(buffer, 40, 2),
      new DataView(buffer, 35, 4),
      new Uint8Array(buffer, size - 5),
    ] as const;
    const received = roundTripGraph(views);
    assertEquals(received.map(bytesOf), views.map(bytesOf));
    for (const { buffer } of received) {
      assertStrictEquals(buffer, received[0].buffer);
    }
    received[0][7] = 99;
    assertEquals(bytesOf(received[1])[0], 99);

    const [whole, view] = roundTripGraph([buffer, views[0]] as const);
    assertStrictEquals(view.buffer, whole);
    assertEquals([view.byteOffset, whole.byteLength], [33, size]);
    assertEquals(whole, buffer);
  }
});

Deno.test("Encoder keeps views of a resizable buffer together with a serializer", () => {
  const buffer = new ArrayBuffer(8, { maxByteLength: 16 });
  const views = [new Uint8Array(buffer, 2), new Uint8Array(buffer, 2, 4)];
  for (const value of [views, [...views, buffer]]) {
    const [following, fixed, whole = following!.buffer] = roundTripGraph(
      value,
    ) as [Uint8Array, Uint8Array, ArrayBuffer?];
    assertStrictEquals(following.buffer, whole);
    assertStrictEquals(fixed.buffer, whole);
    (whole as ArrayBuffer).resize(16);
    assertEquals([following.length, fixed.length], [14, 4]);
  }
});

Deno.test("Encoder keeps shared blobs and keys with a serializer", async () => {
  const blob = new File(["content"], "name.txt", { type: "text/plain" });
  const algorithm = { name: "HMAC", hash: "SHA-256" } as const;
  const key = await crypto.subtle
    .importKey("raw", new Uint8Array(32), algorithm, true, ["sign"]);
  const value = { blob, again: [blob], key, keys: new Set([key]) };
  const received = await roundTripGraphWithBlobs(value);
  assertStrictEquals(received.again[0], received.blob);
  assertEquals(await received.blob.text(), "content");
  assertEquals(received.blob.name, "name.txt");
  assert(received.keys.has(received.key));
  assertEquals(received.key.algorithm, key.algorithm);
});

Deno.test("Encoder sends only the part of a buffer that views show with a serializer", () => {
  const buffer = new ArrayBuffer(10_000_000);
  const views = [
    new Uint8Array(buffer, 5_000_001, 10),
    new Uint8Array(buffer, 5_000_100, 10),
  ];
  assert(encodeGraphs([views]).length < 1_000);
  assertEquals(roundTripGraph(views), views);
});

Deno.test("Encoder attaches big binary values and data with a serializer", async () => {
  const big = new Float64Array(MIN_ATTACHMENT_BYTES).fill(1.5);
  const shared = {};
  const writer = new FrameWriter();
  writer.useSerializer(await loadV8Serializer());
  writer.message([[[shared, shared, big]]]);
  assert(writer.borrowsMemory);
  const texts = Array.from({ length: 9_000 }, (_, n) => [shared, `text ${n}`]);
  const received = roundTripGraph([big, big, texts]);
  assertStrictEquals(received[0], received[1]);
  assertSame(received, [big, big, texts]);
});

Deno.test("Encoder keeps identity within a value and not across values with a serializer", () => {
  const shared = {};
  const message = decodeGraphs(
    encodeGraphs([shared], [[shared, shared], [shared]]),
  ) as [object, [object[], object[]]];
  const [fourth, [[one, other], [third]]] = message;
  assertStrictEquals(one, other);
  assertNotStrictEquals(third, one);
  assertNotStrictEquals(fourth, one);
});

Deno.test("Encoder sends trees as without a serializer", () => {
  const tree = [
    [1, "a", [true, null, undefined], { a: { b: [] } }],
    [new Uint8Array(5), new ArrayBuffer(3), new Date(5)],
    { kind: "inline" },
  ];
  assertEquals(encodeGraphs(tree), encodeMessages(tree));
});

Deno.test("Encoder refuses values with the path of the part with a serializer", () => {
  const shared = {};
  const detached = new DataView(new ArrayBuffer(8));
  structuredClone(detached.buffer, { transfer: [detached.buffer] });
  const cases: [unknown, string][] = [
    [[shared, { a: [() => {}] }], "args[1].a[0] is a function"],
    [new Map([["k", [Symbol()]]]), "args.get(k)[0] is a symbol"],
    [new Set([shared, new WeakMap()]), "args.values(1) is a WeakMap"],
    [{ "a b": Promise.resolve() }, 'args["a b"] is a Promise'],
    [[new SharedArrayBuffer(8)], "args[0] is a SharedArrayBuffer"],
    [
      [new Uint8Array(new SharedArrayBuffer(8))],
      "args[0] is a Uint8Array on shared memory",
    ],
    [
      [detached],
      "args[0] is a DataView whose memory was transferred (detached)",
    ],
    [Object.assign([1], { a: () => {} }), "args.a is a function"],
    [{
      get a() {
        throw new Error("no");
      },
    }, "args.a can't be read: no"],
    [Object(Symbol()), "args is a Symbol"],
    [
      nest(MAX_GRAPH_DEPTH + 1),
      `Values can't nest deeper than ${MAX_GRAPH_DEPTH} levels`,
    ],
  ];
  for (const [value, message] of cases) {
    // The shared reference makes it a graph.
    const writer = () => {
      try {
        encodeGraphs([{ args: [value, shared, shared] }]);
      } catch (reason) {
        throw unsendableError("field", reason);
      }
    };
    const expected = message.replace(/^args/, "field.args[0]");
    assertThrows(writer, DOMException, expected);
  }
});

Deno.test("Encoder writes other values after it refused a graph", async () => {
  const writer = new FrameWriter();
  writer.useSerializer(await loadV8Serializer());
  writer.beginList([3, 1], false);
  const knot = makeKnot();
  for (const bad of [() => {}, Symbol(), new Promise(() => {})]) {
    assertThrows(() => writer.append([knot, new Uint8Array(99_999), bad]));
  }
  writer.append([knot]);
  assertThrows(() => writer.append([knot, () => {}]));
  const frame = concat(takeBytes(writer));
  const [, , [[received]]] = decodeGraphs(frame) as [number, number, [[Knot]]];
  assertKnot(received);
});

Deno.test("Encoder sends graphs of up to 1,000 levels with a serializer", () => {
  const knot = makeKnot();
  for (
    const wrap of [
      (inner: unknown) => [inner],
      (inner: unknown) => ({ inner, knot }),
      (inner: unknown) => new Map([[knot, inner]]),
      (inner: unknown) => Object.assign([, 1], { inner }),
    ]
  ) {
    roundTripGraph([knot, nest(MAX_GRAPH_DEPTH - 4, wrap)]);
  }
});

Deno.test("Decoder refuses graphs without a serializer", () => {
  const frame = encodeGraphs([makeKnot()]);
  assertEquals(frame[12], Extension.GRAPH);
  assertThrows(() => decodeFrame(frame), RangeError, "codec 'structured'");
});
