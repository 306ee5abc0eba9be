import { assertEquals } from "@std/assert";
import { MessageType, ResultMode } from "../../src/protocol/worker_messages.ts";
import {
  begun,
  GATED,
  haveBegun,
  open,
  settle,
  TASK,
  Worker,
} from "../helpers/executor_fixture.ts";

const { BEGUN, CALLS, CANCEL, RECALL, RECALLED, RESULTS, WATCH } = MessageType;
const { VALUE } = ResultMode;

/** Sends a watched call. */
function sendWatched(worker: Worker, id: number, x: number): void {
  worker.receive([WATCH, id, true]);
  worker.receive([CALLS, GATED, id, VALUE, [[x]]]);
}

Deno.test("Executor reports that a watched call begins when it is its turn", async () => {
  await using worker = await Worker.open();
  worker.receive([CALLS, GATED, 0, VALUE, [[1]]]);
  sendWatched(worker, 1, 2);
  await haveBegun(1);
  await settle();
  open(1, 2);
  assertEquals(await worker.next(), [RESULTS, 0, 0, [10]]);
  assertEquals(await worker.next(), [BEGUN, 1]);
  assertEquals(await worker.next(), [RESULTS, 1, 0, [20]]);
});

Deno.test("Executor reports that a watched call begins before its task blocks the worker", async () => {
  await using worker = await Worker.open();
  // The message has left when the task runs, so it arrives although the task is
  // never awaited.
  worker.defineInline("() => { globalThis.hasRun = true; return 5; }");
  const seen = globalThis as { hasRun?: boolean };
  delete seen.hasRun;
  worker.receive([WATCH, 0, true]);
  worker.receive([CALLS, TASK, 0, VALUE, [[]]]);
  assertEquals(await worker.next(), [BEGUN, 0]);
  assertEquals(await worker.next(), [RESULTS, 0, 0, [5]]);
  assertEquals(seen.hasRun, true);
});

Deno.test("Executor doesn't report the beginning of other calls", async () => {
  await using worker = await Worker.open();
  worker.receive([WATCH, 0, true]);
  worker.receive([WATCH, 0, false]);
  worker.receive([CALLS, GATED, 0, VALUE, [[1]]]);
  worker.receive([CALLS, GATED, 1, VALUE, [[2]]]);
  open(1, 2);
  assertEquals(await worker.values(2), [[0, 10], [1, 20]]);
});

Deno.test("Executor doesn't report the beginning of a call that was cancelled or given back", async () => {
  await using worker = await Worker.open();
  sendWatched(worker, 0, 1);
  await haveBegun(1);
  sendWatched(worker, 1, 2);
  sendWatched(worker, 2, 3);
  worker.receive([RECALL, 0, 1, false]);
  worker.receive([CANCEL, 1]);
  open(1);
  assertEquals(await worker.next(), [BEGUN, 0]);
  assertEquals(await worker.next(), [RECALLED, [2, 1, 0]]);
  await worker.assertCancelled(1);
  assertEquals(await worker.next(), [RESULTS, 0, 0, [10]]);
  sendWatched(worker, 3, 4);
  open(4);
  assertEquals(await worker.next(), [BEGUN, 3]);
  assertEquals(await worker.next(), [RESULTS, 3, 0, [40]]);
  assertEquals(begun, [1, 4]);
});
