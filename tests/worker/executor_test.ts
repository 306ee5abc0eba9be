import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertThrows,
} from "@std/assert";
import {
  MessageType,
  type PoolMessage,
  ResultMode,
} from "../../src/protocol/worker_messages.ts";
import {
  begun,
  fail,
  GATED,
  haveBegun,
  open,
  settle,
  TASK,
  Worker,
} from "../helpers/executor_fixture.ts";

const { FORGET, CALLS, CHUNK, RESULTS, CHUNK_RESULTS, FAILURE } = MessageType;
const { VALUE } = ResultMode;

Deno.test("Executor runs calls in their order", async () => {
  await using worker = await Worker.open();
  worker.defineInline("(a, b) => [a, b]");
  worker.receive([CALLS, TASK, 7, VALUE, [[1, 2], [3], []]]);
  worker.receive([CALLS, TASK, 10, VALUE, [[5, 6]]]);
  assertEquals(await worker.values(4), [
    [7, [1, 2]],
    [8, [3, undefined]],
    [9, [undefined, undefined]],
    [10, [5, 6]],
  ]);
});

Deno.test("Executor runs async calls one after the other by default", async () => {
  await using worker = await Worker.open();
  worker.defineInline("() => 'sync'");
  worker.receive([CALLS, GATED, 0, VALUE, [[0], [1]]]);
  worker.receive([CALLS, TASK, 2, VALUE, [[]]]);
  open(1);
  await haveBegun(1);
  assertEquals(begun, [0]);
  open(0);
  assertEquals(await worker.values(3), [[0, 0], [1, 10], [2, "sync"]]);
});

Deno.test("Executor runs `concurrency` async calls at once", async () => {
  await using worker = await Worker.open(3);
  worker.receive([CALLS, GATED, 0, VALUE, [[0], [1]]]);
  worker.receive([CALLS, GATED, 2, VALUE, [[2], [3], [4]]]);
  await haveBegun(3);
  assertEquals(begun, [0, 1, 2]);
  open(1);
  assertEquals(await worker.values(1), [[1, 10]]);
  await haveBegun(4);
  assertEquals(begun, [0, 1, 2, 3]);
  open(3, 4);
  const values = await worker.values(2);
  assertEquals(values.toSorted(), [[3, 30], [4, 40]]);
  open(2, 0);
  assertEquals((await worker.values(2)).toSorted(), [[0, 0], [2, 20]]);
});

Deno.test("Executor runs further calls after one throws or rejects", async () => {
  await using worker = await Worker.open();
  worker.defineInline("(x) => { if (x === 1) throw new TypeError('no'); }");
  worker.receive([CALLS, TASK, 0, VALUE, [[0], [1], [2]]]);
  assertEquals(await worker.values(1), [[0, undefined]]);
  const { id, thrown, before } = await worker.nextFailure();
  assertInstanceOf(thrown, TypeError);
  assertEquals([id, thrown.message, before], [1, "no", []]);
  assertEquals(await worker.values(1), [[2, undefined]]);
  worker.receive([CALLS, GATED, 3, VALUE, [[3], [4]]]);
  fail(3, new RangeError("rejected"));
  open(4);
  assertEquals((await worker.nextFailure()).thrown.message, "rejected");
  assertEquals(await worker.values(1), [[4, 40]]);
});

Deno.test("Executor awaits any object with a then()", async () => {
  await using worker = await Worker.open();
  worker.defineInline("(x) => ({ then: (resolve) => resolve(x + 1) })");
  worker.receive([CALLS, TASK, 0, VALUE, [[1]]]);
  assertEquals(await worker.values(1), [[0, 2]]);
});

Deno.test("Executor reports results that can't be sent, and runs further calls", async () => {
  await using worker = await Worker.open();
  worker.defineInline("(x) => x === 1 ? { f() {} } : x");
  worker.receive([CALLS, TASK, 0, VALUE, [[0], [1], [2]]]);
  assertEquals(await worker.values(1), [[0, 0]]);
  const { id, thrown } = await worker.nextFailure();
  assertEquals([id, thrown.name], [1, "DataCloneError"]);
  assertEquals(await worker.values(1), [[2, 2]]);
});

Deno.test("Executor throws for each call of a task that can't be loaded", async () => {
  await using worker = await Worker.open();
  const { url } = import.meta;
  worker.define(TASK, { kind: "module", url, name: "none" });
  worker.defineInline("() => 'fine'", TASK + 1);
  worker.receive([CALLS, TASK, 0, VALUE, [[], []]]);
  worker.receive([CALLS, TASK + 1, 2, VALUE, [[]]]);
  for (const expected of [0, 1]) {
    const { id, thrown } = await worker.nextFailure();
    assertEquals(id, expected);
    assert(thrown.message.includes("exports no function 'none'"));
  }
  assertEquals(await worker.values(1), [[2, "fine"]]);
});

Deno.test("Executor sends a result before another call can change its memory", async () => {
  await using worker = await Worker.open();
  worker.defineInline(
    "((bytes) => (x) => bytes.fill(x))(new Uint8Array(2 ** 20))",
  );
  worker.receive([CALLS, TASK, 0, VALUE, [[1], [2], [3]]]);
  for (const [id, value] of await worker.values(3)) {
    assertInstanceOf(value, Uint8Array);
    assert(value.every((byte) => byte === id + 1));
  }
});

Deno.test("Executor sends results when a time slice is over", async () => {
  await using worker = await Worker.open();
  worker.defineInline(
    "(end) => { end += performance.now(); while (performance.now() < end); }",
  );
  worker.receive([CALLS, TASK, 0, VALUE, [[2], [2], [2]]]);
  for (const id of [0, 1, 2]) {
    assertEquals(await worker.next(), [RESULTS, id, 0, [undefined]]);
  }
});

Deno.test("Executor sends the values of a chunk together", async () => {
  await using worker = await Worker.open();
  worker.defineInline("(x) => x + 1");
  worker.receive([CHUNK, TASK, 5, false, [1, 2, 3]]);
  assertEquals(await worker.next(), [CHUNK_RESULTS, 5, 0, [2, 3, 4]]);
});

Deno.test("Executor spreads the items of a chunk only if the message says so", async () => {
  await using worker = await Worker.open();
  worker.defineInline("(...args) => args");
  const items = [[1, 2], [], [3]];
  worker.receive([CHUNK, TASK, 0, true, items]);
  assertEquals(await worker.next(), [CHUNK_RESULTS, 0, 0, items]);
  worker.receive([CHUNK, TASK, 1, false, items]);
  const wrapped = items.map((item) => [item]);
  assertEquals(await worker.next(), [CHUNK_RESULTS, 1, 0, wrapped]);
});

Deno.test("Executor keeps the order of a chunk's values, and the concurrency", async () => {
  await using worker = await Worker.open(2);
  worker.receive([CHUNK, GATED, 0, false, [0, 1, 2, 3]]);
  await haveBegun(2);
  assertEquals(begun, [0, 1]);
  open(1, 2, 3);
  await haveBegun(4);
  assertEquals(begun, [0, 1, 2, 3]);
  open(0);
  assertEquals(await worker.next(), [CHUNK_RESULTS, 0, 0, [0, 10, 20, 30]]);
});

Deno.test("Executor runs a long chunk to its end, slice by slice", async () => {
  await using worker = await Worker.open();
  worker.defineInline(`(x) => {
    const end = performance.now() + 0.1;
    while (performance.now() < end);
    return x;
  }`);
  const items = Array.from({ length: 100 }, (_, index) => index);
  worker.receive([CHUNK, TASK, 0, false, items]);
  assertEquals(await worker.next(), [CHUNK_RESULTS, 0, 0, items]);
});

Deno.test("Executor keeps the order of values of all kinds in a chunk", async () => {
  for (const head of ["(x) =>", "function (x)", "function (x = this)"]) {
    await using worker = await Worker.open();
    worker.defineInline(`${head} {
      const values = [x, { x }, Promise.resolve(x), undefined, "text", null];
      return values[x % values.length];
    }`);
    const items = Array.from({ length: 60 }, (_, index) => index);
    worker.receive([CHUNK, TASK, 0, false, items]);
    const values = items.map((x) =>
      [x, { x }, x, undefined, "text", null][x % 6]
    );
    assertEquals(await worker.next(), [CHUNK_RESULTS, 0, 0, values]);
  }
});

Deno.test("Executor gives each item of a chunk a signal of its own", async () => {
  await using worker = await Worker.open();
  worker.defineInline(`((seen) => function () {
    seen.add(globalThis[Symbol.for("@distex/pool taskSignal")]());
    return seen.size;
  })(new Set())`);
  const items = Array.from({ length: 40 }, (_, index) => index);
  worker.receive([CHUNK, TASK, 0, false, items]);
  const sizes = items.map((index) => index + 1);
  assertEquals(await worker.next(), [CHUNK_RESULTS, 0, 0, sizes]);
});

Deno.test("Executor sends the values before a chunk's failed item, and runs none after it", async () => {
  await using worker = await Worker.open();
  worker.defineInline(`((seen) => (x) => {
    seen.push(x);
    if (x === 2) throw new Error("seen: " + seen);
    if (x === 9) return seen;
    return x * 10;
  })([])`);
  worker.receive([CHUNK, TASK, 0, false, [0, 1, 2, 3, 4]]);
  const { id, thrown, before } = await worker.nextFailure();
  assertEquals([id, thrown.message, before], [0, "seen: 0,1,2", [0, 10]]);
  worker.receive([CALLS, TASK, 1, VALUE, [[9]]]);
  assertEquals(await worker.values(1), [[1, [0, 1, 2, 9]]]);
});

Deno.test("Executor runs no more items of a chunk after one rejects", async () => {
  await using worker = await Worker.open();
  worker.receive([CHUNK, GATED, 0, false, [0, 1, 2, 3]]);
  worker.receive([CALLS, GATED, 1, VALUE, [[4]]]);
  open(0, 4);
  fail(1, new Error("no"));
  const { id, thrown, before } = await worker.nextFailure();
  assertEquals([id, thrown.message, before], [0, "no", [0]]);
  assertEquals(await worker.values(1), [[1, 40]]);
  assertEquals(begun, [0, 1, 4]);
});

Deno.test("Executor reports the first failed item of a chunk, not the earliest failure", async () => {
  await using worker = await Worker.open(4);
  worker.receive([CHUNK, GATED, 0, false, [0, 1, 2, 3]]);
  await haveBegun(4);
  for (const x of [2, 1, 3]) {
    fail(x, new Error(`of ${x}`));
    await settle();
  }
  open(0);
  const { thrown, before } = await worker.nextFailure();
  assertEquals([thrown.message, before], ["of 1", [0]]);
});

Deno.test("Executor sends the values before an item whose value can't be sent", async () => {
  await using worker = await Worker.open();
  worker.defineInline("(x) => x === 2 ? () => x : x");
  worker.receive([CHUNK, TASK, 0, false, [0, 1, 2, 3]]);
  const { thrown, before } = await worker.nextFailure();
  assertEquals([thrown.name, before], ["DataCloneError", [0, 1]]);
});

Deno.test("Executor forgets tasks, but runs their queued calls", async () => {
  await using worker = await Worker.open();
  worker.defineInline("(x) => x");
  worker.receive([CALLS, TASK, 0, VALUE, [[1]]]);
  worker.receive([FORGET, [TASK, 99]]);
  const calls: PoolMessage = [CALLS, TASK, 1, VALUE, [[2]]];
  assertThrows(() => worker.receive(calls), RangeError, `no task ${TASK}`);
  assertEquals(await worker.values(1), [[0, 1]]);
  worker.defineInline("(x) => -x");
  worker.receive(calls);
  assertEquals(await worker.values(1), [[1, -2]]);
});

Deno.test("Executor refuses messages that no pool sends", async () => {
  await using worker = await Worker.open();
  for (const type of [0, RESULTS, FAILURE, "text", undefined]) {
    const message = [type, 0, 0, []] as unknown as PoolMessage;
    assertThrows(() => worker.receive(message), RangeError, "Malformed");
  }
});
