import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type { Call } from "../../src/calls/call.ts";
import { CallQueue } from "../../src/scheduling/call_queue.ts";
import { call } from "../helpers/fake_worker.ts";

/** Appends calls with these labels. */
function push(queue: CallQueue, ...labels: unknown[]): Call[] {
  const calls = labels.map((label) => call(label));
  for (const call of calls) queue.push(call);
  return calls;
}

/** The labels of all calls, which are taken. */
function shiftAll(queue: CallQueue): unknown[] {
  const labels: unknown[] = [];
  for (let call = queue.shift(); call; call = queue.shift()) {
    labels.push(call.payload[0]);
  }
  return labels;
}

function range(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index);
}

/**
 * Appends so many calls, and cancels some.
 *
 * @returns Their arguments, as far as something else holds them.
 */
function pushAndRemove(
  queue: CallQueue,
  count: number,
  isCancelled: (index: number) => boolean,
): WeakRef<object>[] {
  return range(count).map((index) => ({ index })).map((argument) => {
    const pushed = call(argument);
    queue.push(pushed);
    return { argument, pushed };
  }).map(({ argument, pushed }) => {
    if (isCancelled(argument.index)) queue.remove(pushed);
    return new WeakRef(argument);
  });
}

/** How many of these are still in memory, after turns that free the others. */
async function countHeld(
  refs: readonly WeakRef<object>[],
  expected: number,
): Promise<number> {
  setFlagsFromString("--expose-gc");
  const collect: () => void = runInNewContext("gc");
  const count = () => refs.filter((ref) => ref.deref() !== undefined).length;
  for (let turn = 0; turn < 100 && count() > expected; turn++) {
    // What was looked at in a turn is held until its end.
    await new Promise((resolve) => setTimeout(resolve, 0));
    collect();
  }
  return count();
}

Deno.test("CallQueue gives calls in their order, without those taken out", () => {
  const queue = new CallQueue();
  const [, second, , fourth] = push(queue, 1, 2, 3, 4);
  queue.remove(second!);
  queue.remove(fourth!);
  const first = call(0);
  queue.unshift(first);
  assertEquals([queue.length, second!.queue], [3, undefined]);
  assertEquals(queue.waiting().map(({ payload }) => payload[0]), [0, 1, 3]);
  assertStrictEquals(queue.shift(), first);
  assertEquals([queue.length, first.queue], [2, undefined]);
  assertEquals(shiftAll(queue), [1, 3]);
  assertEquals(queue.length, 0);
});

Deno.test("CallQueue goes on when all were taken out", () => {
  const queue = new CallQueue();
  for (const removed of push(queue, ...range(100))) queue.remove(removed);
  assertEquals([queue.length, queue.waiting()], [0, []]);
  push(queue, "a", "b");
  assertEquals(shiftAll(queue), ["a", "b"]);
});

Deno.test("CallQueue keeps the order while many are taken out here and there", () => {
  const queue = new CallQueue();
  const calls = push(queue, ...range(10_000));
  const kept = (index: number) => index % 7 === 3;
  // From the end, so that none is passed by shift().
  for (const index of range(10_000).reverse()) {
    if (!kept(index)) queue.remove(calls[index]!);
  }
  assertEquals(queue.length, range(10_000).filter(kept).length);
  assertEquals(shiftAll(queue), range(10_000).filter(kept));
});

Deno.test("CallQueue that is empty holds nothing of calls taken out", async () => {
  const queue = new CallQueue();
  const refs = pushAndRemove(queue, 10, () => true);
  assertEquals(await countHeld(refs, 0), 0);
  assertEquals(queue.length, 0);
});

Deno.test("CallQueue holds few of the calls taken out while others wait", async () => {
  const queue = new CallQueue();
  // The first one stays, as behind a busy worker.
  const refs = pushAndRemove(queue, 1_000, (index) => index % 100 !== 0);
  const held = await countHeld(refs, 50);
  assert(held <= 50, `${held} are held while ${queue.length} wait`);
  assertEquals(queue.length, 10);
});
