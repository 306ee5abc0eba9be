import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type { Call } from "../../src/calls/call.ts";
import { CallCounts } from "../../src/calls/call_counts.ts";
import { CallKind } from "../../src/calls/call_kind.ts";
import { CallList } from "../../src/scheduling/call_list.ts";
import { KeepAlive } from "../../src/util/keep_alive.ts";
import { call, TASK } from "../helpers/fake_worker.ts";

const UNARY = new CallKind(TASK, undefined, undefined, true);
const LISTS = new CallKind(TASK);

/** Appends calls with these labels. */
function push(list: CallList, ...labels: unknown[]): Call[] {
  const calls = labels.map((label) => call(label));
  for (const call of calls) list.push(call);
  return calls;
}

/** Appends calls with these labels, which are made when they are taken. */
function pushUnmade(list: CallList, ...labels: unknown[]): unknown[] {
  const counts = new CallCounts(new KeepAlive(), () => {});
  const results: unknown[] = [];
  for (const label of labels) {
    list.pushUnmade(UNARY, label, (value) => results.push(value), counts);
  }
  return results;
}

/** Takes all calls, and returns their labels. */
function shiftAll(list: CallList): unknown[] {
  const labels: unknown[] = [];
  for (let call = list.shift(); call; call = list.shift()) {
    labels.push(call.payload[0]);
  }
  return labels;
}

function range(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index);
}

/**
 * Appends `count` calls, and releases some.
 *
 * @returns Weak references to their arguments.
 */
function pushAndRemove(
  list: CallList,
  count: number,
  isCancelled: (index: number) => boolean,
): WeakRef<object>[] {
  return range(count).map((index) => ({ index })).map((argument) => {
    const pushed = call(argument);
    list.push(pushed);
    return { argument, pushed };
  }).map(({ argument, pushed }) => {
    if (isCancelled(argument.index)) list.release(pushed);
    return new WeakRef(argument);
  });
}

/** Collects garbage, and returns how many objects are still in memory. */
async function countHeld(
  refs: readonly WeakRef<object>[],
  expected: number,
): Promise<number> {
  setFlagsFromString("--expose-gc");
  const collect: () => void = runInNewContext("gc");
  const count = () => refs.filter((ref) => ref.deref() !== undefined).length;
  for (let turn = 0; turn < 100 && count() > expected; turn++) {
    // A WeakRef holds its target until the end of the turn.
    await new Promise((resolve) => setTimeout(resolve, 0));
    collect();
  }
  return count();
}

Deno.test("CallList.shift() takes calls in order, without released ones", () => {
  const list = new CallList();
  const [, second, , fourth] = push(list, 1, 2, 3, 4);
  list.release(second!);
  list.release(fourth!);
  const first = call(0);
  list.unshift(first);
  assertEquals([list.length, second!.isWith(list)], [3, false]);
  assertStrictEquals(list.shift(), first);
  assertEquals([list.length, first.isWith(list)], [2, false]);
  assertEquals(shiftAll(list), [1, 3]);
  assertEquals(list.length, 0);
});

Deno.test("CallList accepts calls after all were released", () => {
  const list = new CallList();
  for (const removed of push(list, ...range(100))) list.release(removed);
  assertEquals([list.length, list.drain()], [0, []]);
  push(list, "a", "b");
  assertEquals(shiftAll(list), ["a", "b"]);
});

Deno.test("CallList keeps the order while many calls are released", () => {
  const list = new CallList();
  const calls = push(list, ...range(10_000));
  const kept = (index: number) => index % 7 === 3;
  // Released from the end, where shift() wouldn't drop them.
  for (const index of range(10_000).reverse()) {
    if (!kept(index)) list.release(calls[index]!);
  }
  assertEquals(list.length, range(10_000).filter(kept).length);
  assertEquals(shiftAll(list), range(10_000).filter(kept));
});

Deno.test("CallList retains no released calls when it is empty", async () => {
  const list = new CallList();
  const refs = pushAndRemove(list, 10, () => true);
  assertEquals(await countHeld(refs, 0), 0);
  assertEquals(list.length, 0);
});

Deno.test("CallList retains few released calls while others wait", async () => {
  const list = new CallList();
  // The first call stays, as if all workers were busy.
  const refs = pushAndRemove(list, 1_000, (index) => index % 100 !== 0);
  const held = await countHeld(refs, 50);
  assert(held <= 50, `${held} are held while ${list.length} wait`);
  assertEquals(list.length, 10);
});

Deno.test("CallList.pushUnmade() appends calls that shift() makes in order", () => {
  const list = new CallList();
  pushUnmade(list, 1, 2);
  push(list, 3);
  pushUnmade(list, ...range(5_000));
  list.unshift(call(0));
  assertEquals(list.length, 5_004);
  assertEquals(shiftAll(list), [0, 1, 2, 3, ...range(5_000)]);
  assertEquals([list.length, list.shift()], [0, undefined]);
});

Deno.test("CallList.pushUnmade() keeps calls of different kinds apart", () => {
  const list = new CallList();
  const counts = new CallCounts(new KeepAlive(), () => {});
  list.pushUnmade(UNARY, 1, () => {}, counts);
  list.pushUnmade(LISTS, [2, 3], () => {}, counts);
  list.pushUnmade(LISTS, [], () => {}, counts);
  list.pushUnmade(UNARY, [4], () => {}, counts);
  const payloads = list.drain().map(({ payload }) => payload);
  assertEquals(payloads, [[1], [2, 3], [], [[4]]]);
});

Deno.test("CallList makes each unmade call once", () => {
  const list = new CallList();
  const results = pushUnmade(list, "a", "b", "c");
  list.shift()!.succeed("a", 0);
  const calls = [...list];
  assertEquals([list.length, calls.length], [2, 2]);
  assertStrictEquals([...list][0], calls[0]);
  assertStrictEquals(list.shift(), calls[0]);
  assertStrictEquals(list.shift(), calls[1]);
  for (const call of calls) call.succeed(call.payload[0], 0);
  assertEquals(results, ["a", "b", "c"]);
});

Deno.test("CallList releases calls that it has made for an iterator", () => {
  const list = new CallList();
  pushUnmade(list, ...range(100));
  for (const call of list) {
    if (call.payload[0] !== 50) call.abandon();
  }
  pushUnmade(list, 100);
  assertEquals(list.length, 2);
  assertEquals(shiftAll(list), [50, 100]);
});
