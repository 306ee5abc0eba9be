import { assertEquals } from "@std/assert";
import { setImmediate } from "node:timers";
import { MessageType, ResultMode } from "../../src/protocol/worker_messages.ts";
import {
  begun,
  GATED,
  haveBegun,
  open,
  TASK,
  Worker,
} from "../helpers/executor_fixture.ts";

const {
  CALLS,
  CANCEL,
  CHUNK,
  CHUNK_RESULTS,
  FAILURE,
  RECALL,
  RECALLED,
  RESULTS,
} = MessageType;
const { VALUE } = ResultMode;

/** Sends calls with these arguments, whose ids count up from `id`. */
function sendCalls(worker: Worker, id: number, ...args: number[]): void {
  worker.receive([CALLS, GATED, id, VALUE, args.map((arg) => [arg])]);
}

/** Returns the runs of the next message, which must give back calls. */
async function nextRuns(worker: Worker): Promise<unknown> {
  const [type, runs] = await worker.next();
  assertEquals(type, RECALLED);
  return runs;
}

Deno.test("Executor gives back the calls that haven't begun", async () => {
  await using worker = await Worker.open();
  sendCalls(worker, 0, 1, 2, 3);
  sendCalls(worker, 3, 4);
  await haveBegun(1);
  worker.receive([RECALL, 0, 0, true]);
  assertEquals(await nextRuns(worker), [3, 1, 0, 1, 2, 0]);
  open(1, 2, 3, 4);
  assertEquals(await worker.values(1), [[0, 10]]);
  sendCalls(worker, 4, 5);
  open(5);
  assertEquals(await worker.values(1), [[4, 50]]);
  assertEquals(begun, [1, 5]);
});

Deno.test("Executor keeps one part of the calls, the first ones", async () => {
  await using worker = await Worker.open();
  sendCalls(worker, 0, 1, 2, 3, 4, 5, 6, 7);
  await haveBegun(1);
  worker.receive([RECALL, 3, 0, true]);
  assertEquals(await nextRuns(worker), [3, 4, 0]);
  open(1, 2, 3);
  assertEquals((await worker.values(3)).map(([id]) => id), [0, 1, 2]);
});

Deno.test("Executor keeps at least as many calls as it was asked to", async () => {
  await using worker = await Worker.open();
  sendCalls(worker, 0, 1, 2, 3, 4);
  await haveBegun(1);
  worker.receive([RECALL, 0, 2, false]);
  assertEquals(await nextRuns(worker), [3, 1, 0]);
  worker.receive([RECALL, 0, 2, false]);
  assertEquals(await nextRuns(worker), []);
  open(1, 2, 3);
  assertEquals((await worker.values(3)).map(([id]) => id), [0, 1, 2]);
});

Deno.test("Executor gives back nothing if all calls have begun", async () => {
  await using worker = await Worker.open(3);
  sendCalls(worker, 0, 1, 2, 3);
  await haveBegun(3);
  worker.receive([RECALL, 0, 0, true]);
  assertEquals(await nextRuns(worker), []);
  open(1, 2, 3);
  assertEquals((await worker.values(3)).length, 3);
});

Deno.test("Executor doesn't give back calls that were cancelled", async () => {
  await using worker = await Worker.open();
  sendCalls(worker, 0, 1, 2, 3, 4, 5);
  await haveBegun(1);
  worker.receive([CANCEL, 3]);
  await worker.assertCancelled(3);
  worker.receive([RECALL, 0, 0, true]);
  assertEquals(await nextRuns(worker), [4, 1, 0, 1, 2, 0]);
  open(1);
  assertEquals(await worker.values(1), [[0, 10]]);
});

Deno.test("Executor runs the rest of its calls after all of a job was given back", async () => {
  await using worker = await Worker.open();
  sendCalls(worker, 0, 1);
  sendCalls(worker, 1, 2);
  await haveBegun(1);
  worker.receive([CANCEL, 1]);
  await worker.assertCancelled(1);
  worker.receive([RECALL, 0, 0, true]);
  assertEquals(await nextRuns(worker), []);
  sendCalls(worker, 2, 3);
  open(1, 3);
  assertEquals(await worker.values(2), [[0, 10], [2, 30]]);
});

Deno.test("Executor cuts a chunk that has begun", async () => {
  await using worker = await Worker.open();
  worker.receive([CHUNK, GATED, 0, false, [1, 2, 3, 4, 5]]);
  await haveBegun(1);
  worker.receive([RECALL, 2, 0, true]);
  assertEquals(await nextRuns(worker), [0, 1, 3]);
  open(1, 2, 3);
  const [type, id, , values] = await worker.next();
  assertEquals([type, id, values], [CHUNK_RESULTS, 0, [10, 20, 30]]);
  assertEquals(begun, [1, 2, 3]);
});

Deno.test("Executor doesn't cut a chunk that has begun if it may not", async () => {
  await using worker = await Worker.open();
  worker.receive([CHUNK, GATED, 0, false, [1, 2]]);
  worker.receive([CHUNK, GATED, 1, false, [3, 4]]);
  await haveBegun(1);
  worker.receive([RECALL, 0, 0, false]);
  assertEquals(await nextRuns(worker), [1, 1, 0]);
  open(1, 2);
  const [type, id, , values] = await worker.next();
  assertEquals([type, id, values], [CHUNK_RESULTS, 0, [10, 20]]);
});

Deno.test("Executor cuts a chunk that hasn't begun", async () => {
  await using worker = await Worker.open();
  sendCalls(worker, 0, 1);
  worker.receive([CHUNK, GATED, 1, false, [2, 3, 4, 5]]);
  await haveBegun(1);
  worker.receive([RECALL, 2, 0, false]);
  assertEquals(await nextRuns(worker), [1, 1, 2]);
  open(1, 2, 3);
  assertEquals(await worker.values(1), [[0, 10]]);
  const [type, id, , values] = await worker.next();
  assertEquals([type, id, values], [CHUNK_RESULTS, 1, [20, 30]]);
});

Deno.test("Executor answers a cut chunk at once if its other items have ended", async () => {
  await using worker = await Worker.open();
  // The first item ends in the same turn, the second one waits.
  worker.defineInline("(x) => x === 1 ? x : new Promise(() => {})");
  worker.receive([CHUNK, 2, 0, false, [1, 1, 2, 3]]);
  worker.receive([RECALL, 0, 1, true]);
  assertEquals(await nextRuns(worker), [0, 1, 1]);
  const [type, id, , values] = await worker.next();
  assertEquals([type, id, values], [CHUNK_RESULTS, 0, [1]]);
});

Deno.test("Executor doesn't cut a chunk that has failed", async () => {
  await using worker = await Worker.open();
  // The first item waits for a timer, and the second one throws in that time.
  worker.defineInline("(x) => x === 1 ? new Promise(() => {}) : null.x");
  worker.receive([CHUNK, 2, 0, false, [2, 1, 1]]);
  worker.receive([RECALL, 0, 0, true]);
  assertEquals(await nextRuns(worker), [0, 1, 0]);
  worker.receive([CHUNK, 2, 1, false, [2, 1, 1]]);
  const [type, id] = await worker.next();
  assertEquals([type, id], [FAILURE, 1]);
  worker.receive([RECALL, 0, 0, true]);
  assertEquals(await nextRuns(worker), []);
});

Deno.test("Executor sends the results of ended calls before it gives back others", async () => {
  await using worker = await Worker.open();
  worker.defineInline("(x) => x");
  worker.receive([CALLS, 2, 0, VALUE, [[1]]]);
  const [type] = await worker.next();
  assertEquals(type, RESULTS);
  worker.receive([RECALL, 2, 0, true]);
  assertEquals(await nextRuns(worker), []);
});

Deno.test("Executor receives messages between items that take long", async () => {
  await using worker = await Worker.open();
  worker.defineInline(`(x) => {
    const end = performance.now() + 3;
    while (performance.now() < end);
    globalThis.lastItem = x;
  }`);
  const items = Array.from({ length: 60 }, (_, index) => index);
  worker.receive([CHUNK, TASK, 0, false, items]);
  const lastItem = () => Reflect.get(globalThis, "lastItem") as number;
  // It doesn't know how long the first items will take.
  let last = -1;
  const steps: number[] = [];
  while (steps.length < 4) {
    await new Promise((resolve) => setImmediate(resolve));
    const item = lastItem() ?? -1;
    if (item > last) steps.push(item - last);
    last = item;
  }
  assertEquals(steps.slice(1), [1, 1, 1]);
  worker.receive([RECALL, 0, 0, true]);
  assertEquals(await nextRuns(worker), [0, 1, last + 1]);
  const [type, , , values] = await worker.next();
  assertEquals([type, (values as unknown[]).length], [CHUNK_RESULTS, last + 1]);
  Reflect.deleteProperty(globalThis, "lastItem");
});

Deno.test("Executor receives messages after the first item that takes long", async () => {
  await using worker = await Worker.open();
  const first = 40;
  // With items that take no time, checks of the time would be rarer.
  worker.defineInline(`(x) => {
    const end = performance.now() + (x < ${first} ? 0.02 : 20);
    while (performance.now() < end);
    if (x === ${first}) globalThis.hasRunLong();
  }`);
  const hasRunLong = () =>
    setImmediate(() => worker.receive([RECALL, 0, 0, true]));
  Reflect.set(globalThis, "hasRunLong", hasRunLong);
  const items = Array.from({ length: 60 }, (_, index) => index);
  worker.receive([CHUNK, TASK, 0, false, items]);
  assertEquals(await nextRuns(worker), [0, 1, first + 1]);
  const [type, , , values] = await worker.next();
  assertEquals([type, (values as unknown[]).length], [
    CHUNK_RESULTS,
    first + 1,
  ]);
  Reflect.deleteProperty(globalThis, "hasRunLong");
});
