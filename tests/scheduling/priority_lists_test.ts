import { assertEquals } from "@std/assert";
import fc from "fast-check";
import type { Call } from "../../src/calls/call.ts";
import type { PromisedCall } from "../../src/calls/promised_call.ts";
import { KeyedWorkers } from "../../src/scheduling/keyed_workers.ts";
import { WorkerSet } from "../../src/scheduling/worker_set.ts";
import { PriorityLists } from "../../src/scheduling/priority_lists.ts";
import { at, placedCall } from "../helpers/fake_worker.ts";
import { SEED } from "../fuzz/fuzz.ts";

/** No calls have keys. */
const KEYED = new KeyedWorkers(new WorkerSet());

function prioritized(priority: number | undefined, host?: string): Call {
  return placedCall(undefined, { host }, 0, priority);
}

/** Takes all calls in the order of their priorities. */
function contents(lists: PriorityLists): Call[] {
  return lists.levels.flatMap((level) => level.drain());
}

Deno.test("PriorityLists orders calls by priority, and equal ones by their age", () => {
  const lists = new PriorityLists();
  const calls = [undefined, 2, -1, 2, 0.5, undefined].map((priority) =>
    prioritized(priority)
  );
  for (const call of calls) lists.push(call);
  const order = [1, 3, 4, 0, 5, 2].map((index) => calls[index]!);
  assertEquals(lists.length, 6);
  assertEquals(contents(lists), order);
  assertEquals(lists.length, 0);
});

Deno.test("PriorityLists.unshift() puts calls before those of their priority", () => {
  const lists = new PriorityLists();
  const [low, high] = [prioritized(undefined), prioritized(1)];
  const back = [1, undefined, 1].map((priority) => prioritized(priority));
  lists.push(low);
  lists.push(high);
  lists.unshift(back, KEYED);
  assertEquals(contents(lists), [back[0]!, back[2]!, high, back[1]!, low]);
});

Deno.test("PriorityLists.waiting() counts calls of at least a priority", () => {
  const lists = new PriorityLists();
  for (const priority of [1, undefined, -1]) {
    lists.push(prioritized(priority, "a"));
    lists.push(prioritized(priority));
  }
  const counts = [2, 1, 0.5, 0, -1, -Infinity].map((priority) =>
    lists.waiting(at("a"), priority)
  );
  assertEquals(counts, [0, 1, 1, 2, 3, 3]);
});

Deno.test("PriorityLists removes the levels of priorities that are used no more", () => {
  const lists = new PriorityLists();
  for (let priority = 1; priority <= 1_000; priority++) {
    const call = prioritized(priority);
    lists.push(call);
    call.abandon();
  }
  assertEquals([lists.length, lists.levels.length < 200], [0, true]);
});

/** A step of a sequence. */
type Step =
  | { readonly step: "push" | "unshift"; readonly priority: number }
  | { readonly step: "take" }
  | { readonly step: "abandon"; readonly at: number };

const STEPS: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    step: fc.constantFrom("push" as const, "unshift" as const),
    priority: fc.integer({ min: -3, max: 3 }),
  }),
  fc.record({ step: fc.constant("take" as const) }),
  fc.record({ step: fc.constant("abandon" as const), at: fc.nat(20) }),
);

Deno.test("PriorityLists takes the same calls as a sorted array", () => {
  const property = fc.property(fc.array(STEPS, { maxLength: 60 }), (steps) => {
    const lists = new PriorityLists();
    const model: { priority: number; call: Call }[] = [];
    for (const step of steps) {
      if (step.step === "push" || step.step === "unshift") {
        const { priority } = step;
        const call = prioritized(priority === 0 ? undefined : priority);
        const isFirst = step.step === "unshift";
        const index = model.findIndex((other) =>
          isFirst ? other.priority <= priority : other.priority < priority
        );
        model.splice(index < 0 ? model.length : index, 0, { priority, call });
        if (isFirst) lists.unshift([call], KEYED);
        else lists.push(call);
      } else if (step.step === "abandon") {
        const [removed] = model.splice(step.at, 1);
        (removed?.call as PromisedCall<unknown> | undefined)?.abandon();
      } else {
        const level = lists.levels.find(({ length }) => length > 0);
        const [[, calls] = []] = level?.lists() ?? [];
        assertEquals(calls?.shift(), model.shift()?.call);
      }
      assertEquals(lists.length, model.length);
    }
    assertEquals(contents(lists), model.map(({ call }) => call));
  });
  fc.assert(property, { seed: SEED, numRuns: 300 });
});

Deno.test("PriorityLists.before() counts the calls that are sent before a call", () => {
  const lists = new PriorityLists();
  const calls = [undefined, undefined, 1].map((priority) =>
    prioritized(priority)
  );
  for (const call of calls) lists.push(call);
  lists.push(prioritized(2, "a"));
  const before = [...calls, prioritized(1)].map((call) => lists.before(call));
  assertEquals(before, [1, 2, 0, undefined]);
});
