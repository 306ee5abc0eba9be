import { assertEquals, assertInstanceOf, assertMatch } from "@std/assert";
import { MAX_BIGINT_DIGITS, MAX_DEPTH } from "../../src/codec/wire_limits.ts";
import { unsendableError } from "../../src/codec/unsendable_error.ts";
import { encodeMessages, nest } from "../helpers/frames.ts";

const ADVICE = "; send plain data, or make it in the task itself";

/** What to do about a cycle. */
const CYCLE_ADVICE = '; send a tree, or make the pool with codec: "structured"';

/** Describes why a value can't be sent. */
function describe(value: unknown, path = "args", advice = ADVICE): string {
  let reason: unknown;
  try {
    encodeMessages([value]);
  } catch (error) {
    reason = error;
  }
  const error = unsendableError(path, reason);
  assertInstanceOf(error, DOMException);
  assertEquals(error.name, "DataCloneError");
  assertEquals(error.message.endsWith(advice), true, error.message);
  return error.message.slice(0, -advice.length);
}

Deno.test("unsendableError() names a value that can't be sent", () => {
  assertEquals(describe(() => {}, "result"), "result is a function");
  assertEquals(describe(class {}, "result"), "result is a function");
  assertEquals(describe(Symbol("a"), "result"), "result is a symbol");
});

Deno.test("unsendableError() names the path through arrays and objects", () => {
  const refused = () => {};
  assertEquals(describe([1, refused]), "args[1] is a function");
  assertEquals(describe([[1], [2, [refused]]]), "args[1][1][0] is a function");
  assertEquals(describe([{ a: { b: refused } }]), "args[0].a.b is a function");
  assertEquals(describe({ $a_1: refused }), "args.$a_1 is a function");
  assertEquals(describe({ é: refused }), "args.é is a function");
  assertEquals(describe({ "a b": refused }), 'args["a b"] is a function');
  assertEquals(describe({ "": refused }), 'args[""] is a function');
  assertEquals(describe({ 5: refused }), 'args["5"] is a function');
  assertEquals(describe({ 'a"': refused }), 'args["a\\""] is a function');
});

Deno.test("unsendableError() names the path through maps and sets", () => {
  const refused = () => {};
  assertEquals(
    describe(new Map<unknown, unknown>([[1, 2], ["a", { b: refused }]])),
    "args.get(a).b is a function",
  );
  assertEquals(
    describe(new Map([[{ b: refused }, 1]])),
    "args.keys(key).b is a function",
  );
  assertEquals(
    describe(new Map([[Symbol("s"), 1]])),
    "args.keys(Symbol(s)) is a symbol",
  );
  assertEquals(
    describe(new Set<unknown>([1, [refused]])),
    "args.values(1)[0] is a function",
  );
});

Deno.test("unsendableError() doesn't quote the source of functions", () => {
  const key = function named() {
    return "a long source";
  };
  assertEquals(
    describe(new Map([[key, 1]])).includes("long source"),
    false,
  );
});

Deno.test("unsendableError() names the first of several culprits", () => {
  const value = { a: [1, Symbol("a")], b: () => {} };
  assertEquals(describe(value), "args.a[1] is a symbol");
});

Deno.test("unsendableError() names the kind of objects that aren't data", () => {
  const kinds: [unknown, string][] = [
    [Promise.resolve(), "a Promise"],
    [new WeakMap(), "a WeakMap"],
    [new AbortController(), "an AbortController"],
    [new ReadableStream(), "a ReadableStream"],
    [(function* () {})(), "a Generator"],
    [Object(Symbol("a")), "a Symbol"],
    [new SharedArrayBuffer(1), "a SharedArrayBuffer"],
  ];
  for (const [value, kind] of kinds) {
    assertEquals(
      describe([{ value }]),
      `args[0].value is ${kind}, which can't be sent`,
    );
  }
});

Deno.test("unsendableError() names views of shared memory", () => {
  const view = new Uint8Array(new SharedArrayBuffer(8));
  assertMatch(describe([view]), /^args\[0\] .*shared memory/);
});

Deno.test("unsendableError() names the path to a cycle, and the codec that takes it", () => {
  const name = (value: unknown) => describe(value, "args", CYCLE_ADVICE);
  const object: Record<string, unknown> = { a: {} };
  object.b = { c: [object] };
  assertEquals(name([object]), "args[0].b.c[0] is part of a cycle");
  const map = new Map<unknown, unknown>();
  map.set("self", map);
  assertEquals(name(map), "args.get(self) is part of a cycle");
});

Deno.test("unsendableError() doesn't mistake a shared part for a cycle", () => {
  const shared = { a: 1 };
  const value = [shared, shared, { shared, refused: () => {} }];
  assertEquals(describe(value), "args[2].refused is a function");
});

Deno.test("unsendableError() names a getter that throws, and its error", () => {
  const thrower = (reason: unknown) => ({
    a: {
      get b() {
        throw reason;
      },
    },
  });
  const message = "args[0].a.b can't be read: reason";
  assertEquals(describe([thrower(new Error("reason"))]), message);
  assertEquals(describe([thrower("reason")]), message);
});

Deno.test("unsendableError() repeats the encoder's message if a value nests too deeply", () => {
  const words =
    `args can't be sent: Values can't nest deeper than ${MAX_DEPTH} levels`;
  assertEquals(describe(nest(MAX_DEPTH + 1)), words);
  assertEquals(describe(nest(100_000)), words);
  const objects = nest(MAX_DEPTH + 1, (inner) => ({ inner }));
  assertEquals(describe(objects), words);
});

Deno.test("unsendableError() repeats the encoder's message if no part is to blame", () => {
  const error = unsendableError("args", new TypeError("It is too large"));
  assertEquals(error.message, `args can't be sent: It is too large${ADVICE}`);
  const other = unsendableError("args", "reason");
  assertEquals(other.message, `args can't be sent: reason${ADVICE}`);
});

Deno.test("unsendableError() describes objects that can't be inspected", () => {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  assertMatch(describe([1, proxy]), /^args.* can't be (sent|read): /);
  const stubborn = new Proxy({}, {
    ownKeys() {
      throw new Error("reason");
    },
  });
  assertMatch(describe([stubborn]), /^args.* can't be (sent|read): reason$/);
});

Deno.test("unsendableError() skips parts that can be sent", () => {
  const value = [
    null,
    undefined,
    new Date(),
    /a/,
    new URL("data:,"),
    new Uint8Array(3),
    Object.assign(new Error("message"), { method: () => {} }),
    Object.create(null),
    () => {},
  ];
  assertEquals(describe(value), "args[8] is a function");
});

/** Makes a value with 2ⁿ paths to another. */
function share(value: unknown, levels: number): unknown {
  for (; levels > 0; levels--) value = [value, value];
  return value;
}

Deno.test("unsendableError() reports a shared part that nests too deeply", () => {
  const words =
    `args can't be sent: Values can't nest deeper than ${MAX_DEPTH} levels`;
  assertEquals(describe(share(1, 600)), words);
});

Deno.test("unsendableError() names a culprit after shared parts", () => {
  const shared = share(1, 10);
  const cyclic: Record<string, unknown> = { shared: 1 };
  cyclic.a = [cyclic];
  const unreadable = {
    get a() {
      throw new Error("reason");
    },
  };
  const culprits: [unknown, string][] = [
    [() => {}, "args[1].b is a function"],
    [Symbol("a"), "args[1].b is a symbol"],
    [Promise.resolve(), "args[1].b is a Promise, which can't be sent"],
    [unreadable, "args[1].b.a can't be read: reason"],
  ];
  for (const [b, message] of culprits) {
    assertEquals(describe([shared, { shared, b }]), message);
  }
  assertEquals(
    describe([shared, { shared, b: cyclic }], "args", CYCLE_ADVICE),
    "args[1].b.a[0] is part of a cycle",
  );
});

Deno.test("unsendableError() names the first path to a shared culprit", () => {
  const way = "[0]".repeat(90);
  assertEquals(describe(share(() => {}, 90)), `args${way} is a function`);
});

Deno.test("unsendableError() leaves out the middle of a long path", () => {
  const half = "[0]".repeat(50);
  assertEquals(
    describe(share(() => {}, 200)),
    `args${half}…${half} is a function`,
  );
});

Deno.test("unsendableError() reports a value that shares too much", () => {
  // Encoding every path would take forever.
  for (const leaf of [1, () => {}]) {
    const value = [share(1, 300), leaf];
    assertMatch(describe(value), /^args can't be sent: It has more than \d+ /);
  }
});

Deno.test("unsendableError() reads each part once", () => {
  let reads = 0;
  const counted = {
    get a() {
      return reads++;
    },
  };
  assertEquals(describe([counted, () => {}]), "args[1] is a function");
  assertEquals(reads, 1);
});

Deno.test("unsendableError() names detached memory", () => {
  const view = new Uint8Array(8);
  const { buffer } = view;
  structuredClone(buffer, { transfer: [buffer] });
  const detached =
    "whose memory was transferred (detached), which can't be sent";
  assertEquals(describe([view]), `args[0] is a Uint8Array ${detached}`);
  assertEquals(
    describe({ buffer }),
    `args.buffer is an ArrayBuffer ${detached}`,
  );
});

Deno.test("unsendableError() names a bigint that is too long", () => {
  const most = 2n ** BigInt(MAX_BIGINT_DIGITS * 4) - 1n;
  assertEquals(encodeMessages([most]).length > MAX_BIGINT_DIGITS, true);
  assertMatch(
    describe([most + 1n]),
    /^args\[0\] is a bigint of more than \d+ /,
  );
});
