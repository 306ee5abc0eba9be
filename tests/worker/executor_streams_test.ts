import { assertEquals, assertThrows } from "@std/assert";
import {
  MessageType,
  ResultMode,
  StreamNumber,
} from "../../src/protocol/worker_messages.ts";
import { INPUT_CREDIT } from "../../src/streams/credit.ts";
import {
  begun,
  GATED,
  haveBegun,
  open,
  settle,
  TASK,
  Worker,
} from "../helpers/executor_fixture.ts";

const { CALLS, CANCEL, CHUNK, CLOSE, CREDIT, OPEN, VALUES, END, STOP } =
  MessageType;
const { VALUE, STREAM, FLATTEN } = ResultMode;
const { OUTPUT, PORT, FIRST_INPUT } = StreamNumber;

/** Counts the values of the next messages until one has another type. */
async function countValues(
  worker: Worker,
): Promise<{ count: number; next: unknown[] }> {
  let count = 0;
  for (;;) {
    const next = await worker.next();
    // The fixture clears the third element, which is the stream's number here.
    if (next[0] !== VALUES) return { count, next };
    count += (next[3] as unknown[]).length;
  }
}

Deno.test("Executor stops taking values without credit, and begins another call", async () => {
  await using worker = await Worker.open();
  worker.defineInline("function* (n) { for (let x = 0; x < n; x++) yield x }");
  worker.receive([CALLS, TASK, 0, STREAM, [[5_000]]]);
  worker.receive([CALLS, GATED, 1, VALUE, [[7]]]);
  await haveBegun(1);
  open(7);
  const paused = await countValues(worker);
  assertEquals([paused.count, paused.next[1]], [4_096, 1]);
  worker.receive([CREDIT, 0, OUTPUT, 4_096, 2 ** 20]);
  const rest = await countValues(worker);
  assertEquals([rest.count, rest.next.slice(0, 2)], [904, [END, 0]]);
});

Deno.test("Executor takes fewer values of calls that flatten", async () => {
  await using worker = await Worker.open();
  worker.defineInline("function* (n) { for (let x = 0; x < n; x++) yield x }");
  worker.receive([CALLS, TASK, 0, FLATTEN, [[5_000]]]);
  worker.receive([CHUNK, TASK, 1, false, [2_400, 2_400]]);
  worker.receive([CALLS, GATED, 2, VALUE, [[7]]]);
  await haveBegun(1);
  open(7);
  const paused = await countValues(worker);
  assertEquals([paused.count, paused.next[1]], [2 * 4_096, 2]);
  worker.receive([CREDIT, 1, OUTPUT, 4_096, 2 ** 20]);
  const rest = await countValues(worker);
  assertEquals([rest.count, rest.next.slice(0, 2)], [704, [END, 1]]);
});

Deno.test("Executor ends a call without credit when it is cancelled", async () => {
  await using worker = await Worker.open();
  worker.defineInline("function* () { for (;;) yield 0 }");
  worker.receive([CALLS, TASK, 0, STREAM, [[]]]);
  worker.receive([CALLS, GATED, 1, VALUE, [[7]]]);
  await haveBegun(1);
  worker.receive([CANCEL, 0]);
  const { count, next } = await countValues(worker);
  assertEquals(count, 4_096);
  const thrown = next[3] as DOMException;
  assertEquals([next[1], thrown.name], [0, "AbortError"]);
  open(7);
  assertEquals(await worker.values(1), [[1, 70]]);
});

Deno.test("Executor asks for the values of an argument when the task reads", async () => {
  await using worker = await Worker.open(2);
  worker.defineInline(
    "async (xs, gate) => { await gate; let sum = 0; for await (const x of xs) sum += x; return sum }",
  );
  worker.receive([OPEN, TASK, 0, VALUE, [undefined, 1], [0]]);
  const [type, id, , ...credit] = await worker.next();
  assertEquals([type, id, credit], [CREDIT, 0, [
    INPUT_CREDIT.values,
    INPUT_CREDIT.bytes,
  ]]);
  worker.receive([VALUES, 0, FIRST_INPUT, [1, 2]], 20);
  // It has read all, and waits.
  const [again, , , ...read] = await worker.next();
  assertEquals([again, read], [CREDIT, [2, 20]]);
  worker.receive([VALUES, 0, FIRST_INPUT, [3]], 10);
  worker.receive([CLOSE, 0, FIRST_INPUT, []]);
  const messages = [await worker.next()];
  if (messages[0]![0] === CREDIT) messages.push(await worker.next());
  assertEquals(messages.at(-1)![3], [6]);
});

Deno.test("Executor stops an argument that the task cancels, whatever its reason", async () => {
  await using worker = await Worker.open();
  worker.defineInline("(xs, sendable) => xs.cancel(sendable ? 'a' : () => {})");
  for (const [id, reason] of [[0, "a"], [1, undefined]] as const) {
    const args = [undefined, reason !== undefined];
    worker.receive([OPEN, TASK, id, VALUE, args, [0]]);
    const stop = await worker.next();
    assertEquals([stop[0], stop[1], stop[3]], [STOP, id, reason]);
    assertEquals(await worker.values(1), [[id, undefined]]);
  }
});

Deno.test("Executor stops an argument that a task returns from run()", async () => {
  await using worker = await Worker.open();
  worker.defineInline("(xs) => xs");
  worker.receive([OPEN, TASK, 0, VALUE, [undefined], [0]]);
  const [type] = await worker.next();
  assertEquals(type, STOP);
  const { id, thrown } = await worker.nextFailure();
  assertEquals([id, thrown.name], [0, "TypeError"]);
});

Deno.test("Executor begins another call when a task waits long for an argument", async () => {
  await using worker = await Worker.open();
  worker.defineInline("async (xs) => { for await (const x of xs) return x }");
  worker.receive([OPEN, TASK, 0, VALUE, [undefined], [0]]);
  worker.receive([CALLS, GATED, 1, VALUE, [[7]]]);
  await haveBegun(1);
  assertEquals(begun, [7]);
  worker.receive([VALUES, 0, FIRST_INPUT, ["a"]], 5);
  const messages: unknown[][] = [];
  while (messages.at(-1)?.[0] !== MessageType.RESULTS) {
    messages.push(await worker.next());
  }
  assertEquals(messages.at(-1)![3], ["a"]);
  worker.receive([CALLS, GATED, 2, VALUE, [[8]]]);
  await settle();
  assertEquals(begun, [7]);
  open(7, 8);
  assertEquals(await worker.values(2), [[1, 70], [2, 80]]);
});

Deno.test("Executor refuses values without credit and streams that there aren't", async () => {
  await using worker = await Worker.open();
  worker.defineInline("async (xs) => { for await (const _ of xs); }");
  assertThrows(
    () => worker.receive([OPEN, TASK, 0, VALUE, [1], [1]]),
    RangeError,
    "Malformed message",
  );
  worker.receive([OPEN, TASK, 1, VALUE, [undefined], [0]]);
  assertEquals((await worker.next())[0], CREDIT);
  assertThrows(
    () => worker.receive([VALUES, 1, FIRST_INPUT, Array(4_097).fill(0)], 9),
    RangeError,
    "Malformed message",
  );
  for (const stream of [OUTPUT, FIRST_INPUT + 1, 2 ** 32 - 1]) {
    assertThrows(
      () => worker.receive([VALUES, 1, stream, [0]], 9),
      RangeError,
      "Malformed message",
    );
  }
  worker.receive([CANCEL, 1]);
  await worker.assertCancelled(1);
});

Deno.test("Executor ignores values, credit and the end of streams of other calls", async () => {
  await using worker = await Worker.open();
  for (const stream of [OUTPUT, PORT, FIRST_INPUT]) {
    worker.receive([VALUES, 5, stream, [0]], 9);
    worker.receive([CREDIT, 5, stream, 1, 1]);
    worker.receive([CLOSE, 5, stream, []]);
  }
  worker.receive([CALLS, GATED, 0, VALUE, [[7]]]);
  worker.receive([CREDIT, 0, FIRST_INPUT, 1, 1]);
  worker.receive([CLOSE, 0, FIRST_INPUT, []]);
  open(7);
  assertEquals(await worker.values(1), [[0, 70]]);
});
