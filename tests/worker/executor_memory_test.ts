import { assertEquals } from "@std/assert";
import { MessageType, ResultMode } from "../../src/protocol/worker_messages.ts";
import {
  begun,
  GATED,
  haveBegun,
  open,
  settle,
  Worker,
} from "../helpers/executor_fixture.ts";

const { CALLS, CHUNK, CHUNK_RESULTS, FULL, RECALL, RECALLED, RESULTS } =
  MessageType;
const { VALUE } = ResultMode;

/** A memory whose use a test sets. */
class TestMemory {
  bytes = 0;

  excess(): number {
    return this.bytes;
  }
}

Deno.test("Executor begins nothing between finding that its memory is used up and a recall", async () => {
  const memory = new TestMemory();
  await using worker = await Worker.open(1, memory);
  worker.receive([CALLS, GATED, 0, VALUE, [[1]]]);
  worker.receive([CALLS, GATED, 1, VALUE, [[2]]]);
  worker.receive([CALLS, GATED, 2, VALUE, [[3]]]);
  await haveBegun(1);
  memory.bytes = 7;
  open(1, 2, 3);
  assertEquals(await worker.next(), [RESULTS, 0, 0, [10]]);
  assertEquals(await worker.next(), [FULL, 7]);
  await settle();
  assertEquals(begun, [1]);
  worker.receive([RECALL, 0, 1, true]);
  assertEquals(await worker.next(), [RECALLED, [2, 1, 0]]);
  // The pool may have to leave calls at the worker.
  assertEquals(await worker.next(), [RESULTS, 1, 0, [20]]);
  assertEquals(begun, [1, 2]);
});

Deno.test("Executor answers a chunk that has begun when its memory is used up", async () => {
  const memory = new TestMemory();
  await using worker = await Worker.open(1, memory);
  worker.receive([CHUNK, GATED, 0, false, [1, 2, 3]]);
  await haveBegun(1);
  memory.bytes = 7;
  open(1, 2, 3);
  assertEquals(await worker.next(), [CHUNK_RESULTS, 0, 0, [10]]);
  assertEquals(await worker.next(), [FULL, 7]);
  worker.receive([RECALL, 0, 0, true]);
  assertEquals(await worker.next(), [RECALLED, []]);
  assertEquals(begun, [1]);
});

Deno.test("Executor reports only once that its memory is used up", async () => {
  const memory = new TestMemory();
  await using worker = await Worker.open(2, memory);
  worker.receive([CALLS, GATED, 0, VALUE, [[1]]]);
  await haveBegun(1);
  memory.bytes = 7;
  worker.receive([CALLS, GATED, 1, VALUE, [[2]]]);
  assertEquals(await worker.next(), [FULL, 7]);
  open(1, 2);
  assertEquals(await worker.next(), [RESULTS, 0, 0, [10]]);
  worker.receive([RECALL, 1, 0, false]);
  assertEquals(await worker.next(), [RECALLED, []]);
  assertEquals(await worker.next(), [RESULTS, 1, 0, [20]]);
});
