import { assertEquals } from "@std/assert";
import { MessageType, ResultMode } from "../../src/protocol/worker_messages.ts";
import { TASK, Worker } from "../helpers/executor_fixture.ts";

const { CHUNK, CHUNK_RESULTS, CALLS, RESULTS } = MessageType;
const { VALUE } = ResultMode;

/** A chunk's items, as sizes of their results in KiB. */
const ITEMS = [1, 400, 400, 400, 400, 400];

const TASKS: Record<string, string> = {
  "strings": "(size) => 'x'.repeat(size * 1024)",
  "binary data": "(size) => new Uint8Array(size * 1024)",
  "objects": "(size) => ({ a: [{ b: 'x'.repeat(size * 1024) }] })",
  "promises": "async (size) => 'x'.repeat(size * 1024)",
};

for (const [what, task] of Object.entries(TASKS)) {
  Deno.test(`Executor skips the rest of a chunk after a mebibyte of ${what}`, async () => {
    await using worker = await Worker.open();
    worker.defineInline(task);
    worker.receive([CHUNK, TASK, 3, false, ITEMS]);
    const [type, id, , values] = await worker.next() as unknown[];
    assertEquals([type, id], [CHUNK_RESULTS, 3]);
    assertEquals((values as unknown[]).length, 4);
    worker.receive([CALLS, TASK, 4, VALUE, [[0]]]);
    const [next] = await worker.next() as unknown[];
    assertEquals(next, RESULTS);
  });
}

Deno.test("Executor answers all of a chunk whose values are small", async () => {
  await using worker = await Worker.open();
  worker.defineInline("(x) => ({ x, text: 'small' })");
  const items = Array.from({ length: 1_000 }, (_, index) => index);
  worker.receive([CHUNK, TASK, 0, false, items]);
  const [, , , values] = await worker.next() as unknown[];
  assertEquals((values as unknown[]).length, 1_000);
});
