import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertThrows,
} from "@std/assert";
import { Channel } from "../../src/wire/channel.ts";
import {
  type Definition,
  type Failure,
  MessageType,
  type PoolMessage,
} from "../../src/wire/messages.ts";
import { Executor } from "../../src/worker/executor.ts";
import { ResultWriter } from "../../src/worker/result_writer.ts";
import { ConnectionPair, TRANSPORTS } from "../wire/_connections.ts";

const { DEFINE, FORGET, CALLS, CHUNK, RESULTS, CHUNK_RESULTS, FAILURE } =
  MessageType;

/** The task of {@linkcode gated}. */
const GATED = 0;
/** The first number for tasks of a test. */
const TASK = 1;

type Outcome = { value: unknown } | { thrown: unknown };

/** The calls of {@linkcode gated} in the order in which they have begun. */
const begun: number[] = [];
const gates = new Map<number, PromiseWithResolvers<Outcome>>();

function gate(x: number): PromiseWithResolvers<Outcome> {
  let found = gates.get(x);
  if (found === undefined) {
    found = Promise.withResolvers();
    gates.set(x, found);
  }
  return found;
}

/** A task that ends when, and as, the test says; it loads this same module. */
export async function gated(x: number): Promise<unknown> {
  begun.push(x);
  const outcome = await gate(x).promise;
  if ("thrown" in outcome) throw outcome.thrown;
  return outcome.value;
}

/** An executor that is given messages, and the other end of its channel. */
class Worker implements AsyncDisposable {
  readonly #pair: ConnectionPair;
  readonly #executor: Executor;
  readonly #messages: ReadableStreamDefaultReader<unknown[]>;
  readonly #received: Promise<void>;

  private constructor(pair: ConnectionPair, concurrency: number) {
    this.#pair = pair;
    const results = new ResultWriter(new Channel(pair.left));
    this.#executor = new Executor(results, concurrency);
    const { readable, writable } = new TransformStream<unknown[], unknown[]>(
      undefined,
      undefined,
      new CountQueuingStrategy({ highWaterMark: Infinity }),
    );
    this.#messages = readable.getReader();
    const writer = writable.getWriter();
    const pool = new Channel(pair.right);
    this.#received = pool.receive((message) => void writer.write(message));
  }

  static async open(concurrency = 1): Promise<Worker> {
    begun.length = 0;
    gates.clear();
    const pair = await ConnectionPair.open(TRANSPORTS[0]!);
    const worker = new Worker(pair, concurrency);
    worker.define(GATED, {
      kind: "module",
      url: import.meta.url,
      name: "gated",
    });
    return worker;
  }

  receive(message: PoolMessage): void {
    this.#executor.receive(message);
  }

  define(task: number, definition: Definition): void {
    this.receive([DEFINE, task, definition]);
  }

  defineInline(source: string, task = TASK): void {
    this.define(task, { kind: "inline", source, name: "task" });
  }

  /** The next message, with zero for the time that it took. */
  async next(): Promise<unknown[]> {
    const { value } = await this.#messages.read();
    if (value === undefined) throw new Error("The connection has ended");
    return value.with(2, 0);
  }

  /** The next message, which must tell of a failure. */
  async nextFailure(): Promise<
    { id: number; thrown: Error; before: unknown[] }
  > {
    const [type, id, , thrown, before] = await this.next() as Failure;
    assertEquals(type, FAILURE);
    assertInstanceOf(thrown, Error);
    return { id, thrown, before };
  }

  /** The values of calls, which may come in several messages, by id. */
  async values(count: number): Promise<[number, unknown][]> {
    const all: [number, unknown][] = [];
    while (all.length < count) {
      const [type, id, , values] = await this.next();
      assertEquals(type, RESULTS);
      for (const [index, value] of (values as unknown[]).entries()) {
        all.push([id as number + index, value]);
      }
    }
    return all;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#pair.left.close();
    await this.#received;
    this.#pair[Symbol.dispose]();
  }
}

/** Waits until all is done that waits for nothing else. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) {
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
}

/** Lets gated calls return ten times their argument. */
function open(...xs: number[]): void {
  for (const x of xs) gate(x).resolve({ value: x * 10 });
}

Deno.test("Executor runs calls in their order", async () => {
  await using worker = await Worker.open();
  worker.defineInline("(a, b) => [a, b]");
  worker.receive([CALLS, TASK, 7, [[1, 2], [3], []]]);
  worker.receive([CALLS, TASK, 10, [[5, 6]]]);
  assertEquals(await worker.values(4), [
    [7, [1, 2]],
    [8, [3, undefined]],
    [9, [undefined, undefined]],
    [10, [5, 6]],
  ]);
});

Deno.test("Executor runs one async call after the other by default", async () => {
  await using worker = await Worker.open();
  worker.defineInline("() => 'sync'");
  worker.receive([CALLS, GATED, 0, [[0], [1]]]);
  worker.receive([CALLS, TASK, 2, [[]]]);
  open(1);
  await settle();
  assertEquals(begun, [0]);
  open(0);
  assertEquals(await worker.values(3), [[0, 0], [1, 10], [2, "sync"]]);
});

Deno.test("Executor runs as many async calls at once as concurrency says", async () => {
  await using worker = await Worker.open(3);
  worker.receive([CALLS, GATED, 0, [[0], [1]]]);
  worker.receive([CALLS, GATED, 2, [[2], [3], [4]]]);
  await settle();
  assertEquals(begun, [0, 1, 2]);
  open(1);
  assertEquals(await worker.values(1), [[1, 10]]);
  await settle();
  assertEquals(begun, [0, 1, 2, 3]);
  open(3, 4);
  const values = await worker.values(2);
  assertEquals(values.toSorted(), [[3, 30], [4, 40]]);
  open(2, 0);
  assertEquals((await worker.values(2)).toSorted(), [[0, 0], [2, 20]]);
});

Deno.test("Executor goes on after a call that throws or is rejected", async () => {
  await using worker = await Worker.open();
  worker.defineInline("(x) => { if (x === 1) throw new TypeError('no'); }");
  worker.receive([CALLS, TASK, 0, [[0], [1], [2]]]);
  assertEquals(await worker.values(1), [[0, undefined]]);
  const { id, thrown, before } = await worker.nextFailure();
  assertInstanceOf(thrown, TypeError);
  assertEquals([id, thrown.message, before], [1, "no", []]);
  assertEquals(await worker.values(1), [[2, undefined]]);
  worker.receive([CALLS, GATED, 3, [[3], [4]]]);
  gate(3).resolve({ thrown: new RangeError("rejected") });
  open(4);
  assertEquals((await worker.nextFailure()).thrown.message, "rejected");
  assertEquals(await worker.values(1), [[4, 40]]);
});

Deno.test("Executor awaits whatever has a then()", async () => {
  await using worker = await Worker.open();
  worker.defineInline("(x) => ({ then: (resolve) => resolve(x + 1) })");
  worker.receive([CALLS, TASK, 0, [[1]]]);
  assertEquals(await worker.values(1), [[0, 2]]);
});

Deno.test("Executor tells of results that can't be sent, and goes on", async () => {
  await using worker = await Worker.open();
  worker.defineInline("(x) => x === 1 ? { f() {} } : x");
  worker.receive([CALLS, TASK, 0, [[0], [1], [2]]]);
  assertEquals(await worker.values(1), [[0, 0]]);
  const { id, thrown } = await worker.nextFailure();
  assertEquals([id, thrown.name], [1, "DataCloneError"]);
  assertEquals(await worker.values(1), [[2, 2]]);
});

Deno.test("Executor throws for each call of a task that can't be loaded", async () => {
  await using worker = await Worker.open();
  worker.define(TASK, { kind: "module", url: import.meta.url, name: "none" });
  worker.defineInline("() => 'fine'", TASK + 1);
  worker.receive([CALLS, TASK, 0, [[], []]]);
  worker.receive([CALLS, TASK + 1, 2, [[]]]);
  for (const expected of [0, 1]) {
    const { id, thrown } = await worker.nextFailure();
    assertEquals(id, expected);
    assert(thrown.message.includes("exports no function 'none'"));
  }
  assertEquals(await worker.values(1), [[2, "fine"]]);
});

Deno.test("Executor sends a result before a call can write to its memory", async () => {
  await using worker = await Worker.open();
  worker.defineInline(
    "((bytes) => (x) => bytes.fill(x))(new Uint8Array(2 ** 20))",
  );
  worker.receive([CALLS, TASK, 0, [[1], [2], [3]]]);
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
  worker.receive([CALLS, TASK, 0, [[2], [2], [2]]]);
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

Deno.test("Executor spreads the items of a chunk only if told to", async () => {
  await using worker = await Worker.open();
  worker.defineInline("(...args) => args");
  const items = [[1, 2], [], [3]];
  worker.receive([CHUNK, TASK, 0, true, items]);
  assertEquals(await worker.next(), [CHUNK_RESULTS, 0, 0, items]);
  worker.receive([CHUNK, TASK, 1, false, items]);
  const wrapped = items.map((item) => [item]);
  assertEquals(await worker.next(), [CHUNK_RESULTS, 1, 0, wrapped]);
});

Deno.test("Executor keeps the order of a chunk's values and its concurrency", async () => {
  await using worker = await Worker.open(2);
  worker.receive([CHUNK, GATED, 0, false, [0, 1, 2, 3]]);
  await settle();
  assertEquals(begun, [0, 1]);
  open(1, 2, 3);
  await settle();
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

Deno.test("Executor sends the values before a chunk's failing item, and runs none after it", async () => {
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
  worker.receive([CALLS, TASK, 1, [[9]]]);
  assertEquals(await worker.values(1), [[1, [0, 1, 2, 9]]]);
});

Deno.test("Executor runs no more items of a chunk once one was rejected", async () => {
  await using worker = await Worker.open();
  worker.receive([CHUNK, GATED, 0, false, [0, 1, 2, 3]]);
  worker.receive([CALLS, GATED, 1, [[4]]]);
  open(0, 4);
  gate(1).resolve({ thrown: new Error("no") });
  const { id, thrown, before } = await worker.nextFailure();
  assertEquals([id, thrown.message, before], [0, "no", [0]]);
  assertEquals(await worker.values(1), [[1, 40]]);
  assertEquals(begun, [0, 1, 4]);
});

Deno.test("Executor tells of the first failing item in a chunk, not of the soonest", async () => {
  await using worker = await Worker.open(3);
  worker.receive([CHUNK, GATED, 0, false, [0, 1, 2]]);
  gate(2).resolve({ thrown: new Error("sooner") });
  await settle();
  gate(1).resolve({ thrown: new Error("first") });
  await settle();
  open(0);
  const { thrown, before } = await worker.nextFailure();
  assertEquals([thrown.message, before], ["first", [0]]);
});

Deno.test("Executor sends the values before an item's that can't be sent", async () => {
  await using worker = await Worker.open();
  worker.defineInline("(x) => x === 2 ? () => x : x");
  worker.receive([CHUNK, TASK, 0, false, [0, 1, 2, 3]]);
  const { thrown, before } = await worker.nextFailure();
  assertEquals([thrown.name, before], ["DataCloneError", [0, 1]]);
});

Deno.test("Executor forgets tasks, but not what is queued of them", async () => {
  await using worker = await Worker.open();
  worker.defineInline("(x) => x");
  worker.receive([CALLS, TASK, 0, [[1]]]);
  worker.receive([FORGET, [TASK, 99]]);
  const calls: PoolMessage = [CALLS, TASK, 1, [[2]]];
  assertThrows(() => worker.receive(calls), RangeError, `no task ${TASK}`);
  assertEquals(await worker.values(1), [[0, 1]]);
  worker.defineInline("(x) => -x");
  worker.receive(calls);
  assertEquals(await worker.values(1), [[1, -2]]);
});

Deno.test("Executor refuses messages that a pool doesn't send", async () => {
  await using worker = await Worker.open();
  for (const type of [0, RESULTS, FAILURE, "text", undefined]) {
    const message = [type, 0, 0, []] as unknown as PoolMessage;
    assertThrows(() => worker.receive(message), RangeError, "Malformed");
  }
});
