import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertStrictEquals,
} from "@std/assert";
import { assertSame, roundTrip } from "../helpers/frames.ts";
import { Random } from "../helpers/random.ts";
import { runInNewContext } from "node:vm";

/** Checks that a primitive value arrives unchanged, alone and among others. */
function assertArrives(value: unknown): void {
  assertStrictEquals(roundTrip(value), value);
  const [before, received, after] = roundTrip(["before", value, "after"]);
  assertStrictEquals(before, "before");
  assertStrictEquals(received, value);
  assertStrictEquals(after, "after");
}

/** Returns the numbers around a boundary and around its negative. */
function around(boundary: number): number[] {
  const numbers = [boundary - 1, boundary, boundary + 1];
  return [...numbers, ...numbers.map((number) => -number)];
}

Deno.test("Encoder round-trips integers at each size boundary", () => {
  for (const bits of [0, 5, 7, 8, 15, 16, 31, 32, 52, 53, 63, 64]) {
    around(2 ** bits).forEach(assertArrives);
  }
});

Deno.test("Encoder round-trips numbers that aren't integers", () => {
  const numbers = [0.1, -1.5, 1e-7, 2 ** 31 + 0.5, Math.PI, Number.EPSILON];
  const extremes = [
    Number.MAX_VALUE,
    Number.MIN_VALUE,
    NaN,
    Infinity,
    -Infinity,
  ];
  [...numbers, ...extremes].forEach(assertArrives);
});

Deno.test("Encoder distinguishes -0 from 0", () => {
  assertStrictEquals(roundTrip(0), 0);
  assertStrictEquals(roundTrip(-0), -0);
  assertStrictEquals(roundTrip([-0])[0], -0);
});

Deno.test("Encoder round-trips null, booleans and undefined", () => {
  [null, true, false, undefined].forEach(assertArrives);
});

Deno.test("Encoder keeps undefined in arrays, objects, maps and sets", () => {
  assertEquals(roundTrip([undefined, 1]), [undefined, 1]);
  const object = roundTrip({ a: undefined, b: 1 });
  assert(Object.hasOwn(object, "a"));
  assertEquals(object, { a: undefined, b: 1 });
  const map = roundTrip(new Map([[undefined, 1], [2, undefined]]));
  assertEquals([...map], [[undefined, 1], [2, undefined]]);
  assertEquals([...roundTrip(new Set([undefined]))], [undefined]);
});

Deno.test("Encoder round-trips bigints of up to 64 bits", () => {
  for (const bits of [0n, 8n, 31n, 32n, 53n, 62n, 63n]) {
    const boundary = 2n ** bits;
    for (const value of [boundary - 1n, boundary, boundary + 1n]) {
      assertArrives(value);
      assertArrives(-value);
    }
  }
});

Deno.test("Encoder round-trips bigints beyond 64 bits", () => {
  for (const bits of [64n, 65n, 127n, 1_000n, 400_000n]) {
    const boundary = 2n ** bits;
    for (const value of [boundary - 1n, boundary, boundary + 1n]) {
      assertArrives(value);
      assertArrives(-value);
    }
  }
});

Deno.test("Encoder round-trips arrays at each header boundary", () => {
  for (const length of [0, 1, 15, 16, 255, 256, 65_535, 65_536]) {
    const array = Array.from({ length }, (_, index) => index);
    assertSame(roundTrip(array), array);
  }
});

Deno.test("Encoder round-trips objects at each header boundary", () => {
  for (const size of [0, 1, 15, 16, 255, 256, 65_535, 65_536]) {
    const object = Object.fromEntries(
      Array.from({ length: size }, (_, index) => [`key ${index}`, index]),
    );
    const received = roundTrip(object);
    assertSame(Object.entries(received), Object.entries(object));
  }
});

Deno.test("Encoder sends only own enumerable properties with string keys", () => {
  const object = Object.create({ inherited: 1 }, {
    hidden: { value: 2, enumerable: false },
    shown: { value: 3, enumerable: true },
    computed: { get: () => 4, enumerable: true },
    [Symbol("symbol")]: { value: 5, enumerable: true },
  });
  const received = roundTrip(object);
  assertEquals(received, { shown: 3, computed: 4 });
  assertEquals(Reflect.ownKeys(received), ["shown", "computed"]);
});

Deno.test("Encoder leaves out properties that a getter deletes", () => {
  for (const size of [2, 15, 16, 65_536]) {
    const object: Record<string, unknown> = {
      get first() {
        delete object.last;
        return 1;
      },
    };
    for (let index = 2; index < size; index++) object[`key ${index}`] = index;
    object.last = 2;
    const received = roundTrip({ object, after: 3 });
    assertEquals(received.after, 3);
    assertEquals(Object.keys(received.object).length, size - 1);
    assert(!("last" in received.object));
  }
});

Deno.test("Encoder sends null-prototype objects as plain ones", () => {
  const received = roundTrip(
    Object.assign(Object.create(null), { a: 1, toString: 2 }),
  );
  assertStrictEquals(Object.getPrototypeOf(received), Object.prototype);
  assertEquals(Object.entries(received), [["a", 1], ["toString", 2]]);
});

Deno.test("Decoder makes __proto__ and constructor plain properties", () => {
  const json =
    '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":2}},"toString":3,"a":4}';
  const sent = JSON.parse(json);
  const received = roundTrip(sent);
  assertStrictEquals(Object.getPrototypeOf(received), Object.prototype);
  assertStrictEquals(JSON.stringify(received), json);
  assertEquals(
    Object.getOwnPropertyDescriptors(received),
    Object.getOwnPropertyDescriptors(sent),
  );
  assertStrictEquals(Reflect.get({}, "polluted"), undefined);
});

Deno.test("Decoder makes __proto__ a plain property although it has a setter", async () => {
  const [encoder, decoder] = ["encoder", "decoder"].map((name) =>
    JSON.stringify(import.meta.resolve(`../../src/codec/${name}.ts`))
  );
  const script = `
    import { Encoder } from ${encoder};
    import { Decoder } from ${decoder};
    const encoder = new Encoder();
    encoder.skip(3);
    encoder.bytes.set([0xdc, 0, 1]);
    encoder.value(JSON.parse('{"__proto__":{"polluted":1}}'));
    const decoder = new Decoder();
    decoder.use(encoder.bytes);
    const [received] = decoder.message(0, encoder.position);
    console.log({}.__proto__ === Object.prototype);
    console.log(received.polluted, JSON.stringify(received));
  `;
  const command = new Deno.Command(Deno.execPath(), {
    args: ["eval", "--no-config", "--unstable-unsafe-proto", script],
  });
  const { stdout } = await command.output();
  assertStrictEquals(
    new TextDecoder().decode(stdout),
    'true\nundefined {"__proto__":{"polluted":1}}\n',
  );
});

Deno.test("Encoder sends a class instance as its own properties", () => {
  class Point {
    #secret = 1;
    constructor(readonly x: number, readonly y: number) {}
    get sum(): number {
      return this.x + this.y + this.#secret;
    }
  }
  const received = roundTrip(new Point(2, 3));
  assertStrictEquals(Object.getPrototypeOf(received), Object.prototype);
  assertEquals(Object.entries(received), [["x", 2], ["y", 3]]);
});

Deno.test("Encoder round-trips dates", () => {
  for (const time of [0, -1, 1.7e12, 8.64e15, -8.64e15]) {
    const received = roundTrip(new Date(time));
    assertInstanceOf(received, Date);
    assertStrictEquals(received.getTime(), time);
  }
});

Deno.test("Encoder round-trips invalid dates", () => {
  const received = roundTrip(new Date(NaN));
  assertInstanceOf(received, Date);
  assertStrictEquals(received.getTime(), NaN);
});

Deno.test("Encoder round-trips regular expressions", () => {
  const expressions = [/a\/b/dgimsuy, /[\p{L}--a]/v, new RegExp(""), /\ud800é/];
  for (const expression of [...expressions, new RegExp("\ud800")]) {
    const received = roundTrip(expression);
    assertInstanceOf(received, RegExp);
    assertStrictEquals(received.source, expression.source);
    assertStrictEquals(received.flags, expression.flags);
  }
});

Deno.test("Encoder sends dates and regular expressions whatever a subclass overrides", () => {
  class Late extends Date {
    override getTime(): number {
      return 1;
    }
  }
  assertEquals(roundTrip(new Late(7)), new Date(7));
});

Deno.test("Encoder starts regular expressions from the beginning", () => {
  const sent = /a/g;
  sent.lastIndex = 3;
  assertStrictEquals(roundTrip(sent).lastIndex, 0);
});

Deno.test("Encoder round-trips boxed primitives without their properties", () => {
  for (const value of [0, -0, NaN, "", "\ud800", true, false, 1n, 2n ** 70n]) {
    const sent = Object.assign(Object(value), { key: 1 });
    const received = roundTrip(sent);
    assertStrictEquals(
      Object.getPrototypeOf(received),
      Object.getPrototypeOf(sent),
    );
    assertStrictEquals(received.valueOf(), value);
    assert(!("key" in received));
  }
  class Shouting extends String {
    override valueOf(): string {
      return "overridden";
    }
  }
  const received = roundTrip(new Shouting("a"));
  assertStrictEquals(Object.getPrototypeOf(received), String.prototype);
  assertStrictEquals(`${received}`, "a");
});

Deno.test("Encoder sends values of another realm as those of this one", () => {
  const values = runInNewContext(`({
    array: [1, , 2],
    map: new Map([[1, 2]]),
    set: new Set([1]),
    date: new Date(5),
    regExp: /a/g,
    object: { a: 1 },
    error: new RangeError("message"),
  })`);
  const received = roundTrip(values);
  const { array, map, set, date, regExp, object, error } = received;
  // deno-lint-ignore no-sparse-arrays
  assertEquals(array, [1, , 2]);
  assertEquals(map, new Map([[1, 2]]));
  assertEquals(set, new Set([1]));
  assertEquals(date, new Date(5));
  assertEquals(regExp, /a/g);
  assertEquals(object, { a: 1 });
  assertInstanceOf(error, Error);
  assertEquals(error.message, "message");
});

Deno.test("Encoder sends proxies and arguments objects as their properties", () => {
  assertEquals(roundTrip(new Proxy({ a: 1 }, {})), { a: 1 });
  assertEquals(roundTrip(new Proxy([1, 2], {})), [1, 2]);
  const list = (function (..._: number[]) {
    return arguments;
  })(5, 6);
  assertEquals(roundTrip<unknown>(list), { 0: 5, 1: 6 });
});

Deno.test("Encoder sends an instance of a class with a tag as its properties", () => {
  class Tagged {
    a = 1;
    get [Symbol.toStringTag](): string {
      return "Tagged";
    }
  }
  class Derived extends Tagged {
    b = 2;
  }
  assertEquals(roundTrip<unknown>(new Derived()), { a: 1, b: 2 });
  const own = Object.assign(new (class {})(), { [Symbol.toStringTag]: "Own" });
  assertEquals(roundTrip<unknown>(own), {});
});

Deno.test("Encoder round-trips URLs", () => {
  for (const text of ["https://user:pass@example.com:8080/ä?q#h", "data:,x"]) {
    const received = roundTrip(new URL(text));
    assertInstanceOf(received, URL);
    assertStrictEquals(received.href, new URL(text).href);
  }
});

Deno.test("Encoder round-trips maps and sets at each header boundary", () => {
  for (const size of [0, 7, 8, 15, 16, 32_767, 32_768, 65_535, 65_536]) {
    const members = Array.from({ length: size }, (_, index) => index);
    const map = roundTrip(new Map(members.map((member) => [member, -member])));
    assertEquals(map.size, size);
    assert(members.every((member) => map.get(member) === -member));
    assertSame([...roundTrip(new Set(members))], members);
  }
});

Deno.test("Encoder round-trips maps and sets with any keys, in order", () => {
  const map = new Map<unknown, unknown>([
    [NaN, new Set([1n, "1", 1])],
    [null, new Map([[{ a: 1 }, [new Set()]]])],
    [[1, 2], new Date(5)],
    [new Map(), /x/g],
    ["__proto__", new Uint8Array([1])],
  ]);
  const received = roundTrip(map);
  assertInstanceOf(received, Map);
  assertEquals([...received], [...map]);
  assertStrictEquals(received.get(NaN) instanceof Set, true);
});

Deno.test("Encoder sends an instance of a subclass as its built-in class", () => {
  const list = class extends Array<number> {};
  const date = class extends Date {};
  const map = class extends Map<string, number> {};
  const received = roundTrip([list.of(1, 2), new date(7), new map([["a", 1]])]);
  assertEquals(received, [[1, 2], new Date(7), new Map([["a", 1]])]);
});

Deno.test("Encoder sends the content of a map, whatever a subclass iterates over", () => {
  class Shouting extends Map<string, number> {
    override *[Symbol.iterator](): MapIterator<[string, number]> {
      for (const [key, value] of this.entries()) {
        if (value > 1) yield [key.toUpperCase(), value];
      }
    }
  }
  class Odd extends Set<number> {
    override *[Symbol.iterator](): SetIterator<number> {
      for (const member of this.values()) if (member % 2 === 1) yield member;
    }
  }
  const map = roundTrip(new Shouting([["a", 1], ["b", 2]]));
  assertEquals(map, new Map([["a", 1], ["b", 2]]));
  assertEquals(roundTrip(new Odd([1, 2, 3])), new Set([1, 2, 3]));
});

Deno.test("Encoder sends maps and sets without what a getter adds to them", () => {
  const map = new Map<string, unknown>();
  map.set("a", {
    get b() {
      map.set("c", 1);
      return 2;
    },
  });
  assertEquals(roundTrip(map), new Map([["a", { b: 2 }]]));
  const set = new Set<unknown>();
  set.add({
    get b() {
      set.add(1);
      return 2;
    },
  });
  assertEquals(roundTrip(set), new Set([{ b: 2 }]));
});

Deno.test("Encoder sends a shared value twice", () => {
  const shared = { a: [1] };
  const received = roundTrip([shared, shared]);
  assertEquals(received, [shared, shared]);
});

Deno.test("Encoder round-trips random values as structuredClone copies them", () => {
  const random = new Random(1);
  for (let round = 0; round < 500; round++) {
    const value = random.value(4);
    assertSame(roundTrip(value), structuredClone(value));
  }
});
