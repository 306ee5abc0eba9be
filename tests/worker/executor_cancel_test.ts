import { assert, assertEquals } from "@std/assert";
import { MessageType, ResultMode } from "../../src/protocol/worker_messages.ts";
import {
  begun,
  GATED,
  haveBegun,
  open,
  PATIENT,
  told,
  Worker,
} from "../helpers/executor_fixture.ts";

const { CALLS, CANCEL, CHUNK, CHUNK_RESULTS, RESULTS, SETTLED_CHUNK } =
  MessageType;
const { VALUE } = ResultMode;

Deno.test("Executor answers a cancelled call in the queue at once, and doesn't begin it", async () => {
  await using worker = await Worker.open();
  worker.receive([CALLS, GATED, 0, VALUE, [[0]]]);
  worker.receive([CALLS, GATED, 1, VALUE, [[1]]]);
  worker.receive([CALLS, GATED, 2, VALUE, [[2]]]);
  await haveBegun(1);
  worker.receive([CANCEL, 1]);
  await worker.assertCancelled(1);
  open(0, 2);
  assertEquals(await worker.next(), [RESULTS, 0, 0, [0]]);
  assertEquals(await worker.next(), [RESULTS, 2, 0, [20]]);
  assertEquals([begun, told], [[0, 2], []]);
});

Deno.test("Executor doesn't begin cancelled calls of a list", async () => {
  await using worker = await Worker.open();
  worker.receive([CALLS, GATED, 4, VALUE, [[4], [5], [6], [7]]]);
  await haveBegun(1);
  worker.receive([CANCEL, 5]);
  worker.receive([CANCEL, 7]);
  await worker.assertCancelled(5);
  await worker.assertCancelled(7);
  open(4, 6);
  assertEquals(await worker.next(), [RESULTS, 4, 0, [40]]);
  assertEquals(await worker.next(), [RESULTS, 6, 0, [60]]);
  assertEquals(begun, [4, 6]);
});

Deno.test("Executor cancels a call that arrived in the same turn", async () => {
  await using worker = await Worker.open();
  worker.receive([CALLS, GATED, 0, VALUE, [[0]]]);
  worker.receive([CANCEL, 0]);
  await worker.assertCancelled(0);
  assertEquals(begun, []);
});

Deno.test("Executor ignores a second cancellation of a call", async () => {
  await using worker = await Worker.open(2);
  worker.receive([CALLS, GATED, 0, VALUE, [[0]]]);
  worker.receive([CALLS, PATIENT, 1, VALUE, [[1]]]);
  worker.receive([CALLS, GATED, 2, VALUE, [[2]]]);
  await haveBegun(2);
  for (const id of [2, 2, 1, 1]) worker.receive([CANCEL, id]);
  await worker.assertCancelled(2);
  await worker.assertCancelled(1);
  for (const id of [2, 1, 9]) worker.receive([CANCEL, id]);
  open(0);
  assertEquals(await worker.next(), [RESULTS, 0, 0, [0]]);
  worker.receive([CALLS, GATED, 3, VALUE, [[3]]]);
  open(3);
  assertEquals(await worker.next(), [RESULTS, 3, 0, [30]]);
  assertEquals(begun, [0, 1, 3]);
});

Deno.test("Executor aborts the signal of a running call, and sends its result", async () => {
  await using worker = await Worker.open(2);
  worker.receive([CALLS, GATED, 0, VALUE, [[0]]]);
  worker.receive([CALLS, PATIENT, 1, VALUE, [[1]]]);
  await haveBegun(2);
  worker.receive([CANCEL, 0]);
  worker.receive([CANCEL, 1]);
  await worker.assertCancelled(1);
  assertEquals(told, [0]);
  open(0);
  assertEquals(await worker.next(), [RESULTS, 0, 0, [0]]);
});

Deno.test("Executor answers a chunk at once if it is cancelled before it begins", async () => {
  await using worker = await Worker.open();
  worker.receive([CALLS, GATED, 0, VALUE, [[0]]]);
  worker.receive([CHUNK, GATED, 1, false, [1, 2, 3]]);
  worker.receive([CALLS, GATED, 2, VALUE, [[4]]]);
  await haveBegun(1);
  worker.receive([CANCEL, 1]);
  await worker.assertCancelled(1);
  open(0, 4);
  assertEquals(await worker.next(), [RESULTS, 0, 0, [0]]);
  assertEquals(await worker.next(), [RESULTS, 2, 0, [40]]);
  assertEquals(begun, [0, 4]);
});

Deno.test("Executor runs no more items of a chunk that is cancelled", async () => {
  await using worker = await Worker.open();
  worker.receive([CHUNK, GATED, 0, false, [0, 1, 2, 3]]);
  worker.receive([CALLS, GATED, 1, VALUE, [[9]]]);
  open(0);
  await haveBegun(2);
  assertEquals(begun, [0, 1]);
  worker.receive([CANCEL, 0]);
  assertEquals(told, [1]);
  open(1, 9);
  await worker.assertCancelled(0, [0, 10]);
  assertEquals(await worker.next(), [RESULTS, 1, 0, [90]]);
  assertEquals(begun, [0, 1, 9]);
});

Deno.test("Executor runs no more items of a cancelled chunk whose items may fail alone", async () => {
  await using worker = await Worker.open();
  worker.receive([SETTLED_CHUNK, GATED, 0, false, [0, 1, 2, 3]]);
  worker.receive([CALLS, GATED, 1, VALUE, [[9]]]);
  open(0, 2, 3);
  await haveBegun(2);
  worker.receive([CANCEL, 0]);
  assertEquals(told, [1]);
  open(1, 9);
  assertEquals(await worker.next(), [CHUNK_RESULTS, 0, 0, [0, 10]]);
  assertEquals(await worker.next(), [RESULTS, 1, 0, [90]]);
  assertEquals(begun, [0, 1, 9]);
});

Deno.test("Executor aborts the signals of all running items of a chunk", async () => {
  await using worker = await Worker.open(3);
  worker.receive([CHUNK, PATIENT, 0, false, [0, 1, 2, 3, 4]]);
  await haveBegun(3);
  assertEquals(begun, [0, 1, 2]);
  worker.receive([CANCEL, 0]);
  await worker.assertCancelled(0);
  assertEquals(begun, [0, 1, 2]);
  worker.receive([CHUNK, GATED, 1, false, [5, 6]]);
  await haveBegun(5);
  worker.receive([CANCEL, 1]);
  assertEquals(told, [5, 6]);
  open(5, 6);
  assertEquals(await worker.next(), [CHUNK_RESULTS, 1, 0, [50, 60]]);
});

Deno.test("Executor runs a new chunk with the id of a chunk whose items it skipped", async () => {
  await using worker = await Worker.open(2);
  worker.receive([CHUNK, PATIENT, 0, false, [0, 1, 2]]);
  await haveBegun(2);
  worker.receive([CANCEL, 0]);
  worker.receive([CANCEL, 0]);
  await worker.assertCancelled(0);
  worker.receive([CALLS, GATED, 0, VALUE, [[7]]]);
  open(7);
  assertEquals(await worker.next(), [RESULTS, 0, 0, [70]]);
});

Deno.test("Executor ignores the cancellation of an answered call", async () => {
  await using worker = await Worker.open();
  worker.receive([CALLS, GATED, 0, VALUE, [[0], [1]]]);
  open(0, 1, 2);
  assertEquals(await worker.next(), [RESULTS, 0, 0, [0]]);
  assertEquals(await worker.next(), [RESULTS, 1, 0, [10]]);
  worker.receive([CANCEL, 0]);
  worker.receive([CANCEL, 1]);
  // This id is in the upper half of all ids.
  worker.receive([CANCEL, 2 ** 32 - 5]);
  worker.receive([CALLS, GATED, 2, VALUE, [[2]]]);
  assertEquals(await worker.next(), [RESULTS, 2, 0, [20]]);
  assertEquals(told, []);
});

Deno.test("Executor cancels calls of a list across the highest id", async () => {
  await using worker = await Worker.open();
  const last = 2 ** 32 - 1;
  worker.receive([CALLS, GATED, last - 1, VALUE, [[0], [1]]]);
  worker.receive([CALLS, GATED, 0, VALUE, [[2], [3]]]);
  await haveBegun(1);
  for (const id of [last - 1, last, 1]) worker.receive([CANCEL, id]);
  assertEquals(told, [0]);
  await worker.assertCancelled(last);
  await worker.assertCancelled(1);
  open(0, 2);
  assertEquals(await worker.next(), [RESULTS, last - 1, 0, [0]]);
  assertEquals(await worker.next(), [RESULTS, 0, 0, [20]]);
  assert(!begun.includes(1) && !begun.includes(3));
});
