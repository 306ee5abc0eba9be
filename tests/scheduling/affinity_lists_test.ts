import { assertEquals } from "@std/assert";
import { AffinityLists } from "../../src/scheduling/affinity_lists.ts";
import type { Call } from "../../src/calls/call.ts";
import { at, call } from "../helpers/fake_worker.ts";

/** Returns lists with calls for these hosts, in this order. */
function listsOf(...hosts: (string | undefined)[]): [AffinityLists, Call[]] {
  const lists = new AffinityLists();
  const calls = hosts.map((host) => call(undefined, host));
  for (const call of calls) lists.push(call);
  return [lists, calls];
}

/** Takes all calls, grouped by host. */
function contents(lists: AffinityLists): [string | undefined, Call[]][] {
  return [...lists.lists()].map(([placement, queue]) => {
    const calls: Call[] = [];
    for (let call = queue.shift(); call; call = queue.shift()) calls.push(call);
    return [placement?.host, calls];
  });
}

Deno.test("AffinityLists keeps a list for each host and one for any host", () => {
  const [lists, [a1, any1, b1, a2, any2]] = listsOf(
    "a",
    undefined,
    "b",
    "a",
    undefined,
  );
  assertEquals(lists.length, 5);
  const waiting = [undefined, "a", "b", "c"].map((host) =>
    lists.waiting(at(host))
  );
  assertEquals(waiting, [2, 2, 1, 0]);
  assertEquals(contents(lists), [
    ["a", [a1!, a2!]],
    ["b", [b1!]],
    [undefined, [any1!, any2!]],
  ]);
  assertEquals([lists.length, contents(lists)], [0, []]);
});

Deno.test("AffinityLists.listsInTurn() puts each list first in turn", () => {
  const [lists] = listsOf("a", "b", undefined);
  const firsts = Array.from(
    { length: 4 },
    () => lists.listsInTurn()[0]![0]?.host,
  );
  assertEquals(firsts, ["a", "b", undefined, "a"]);
});

Deno.test("AffinityLists has no lists when it is empty", () => {
  const [lists] = listsOf();
  assertEquals([lists.length, contents(lists)], [0, []]);
  assertEquals([lists.waiting(at("a")), lists.waiting(undefined)], [0, 0]);
});

Deno.test("AffinityLists doesn't count calls that were abandoned", () => {
  const [lists, [a, any, b]] = listsOf("a", undefined, "b");
  for (const call of [a!, any!]) call.abandon();
  assertEquals(lists.length, 1);
  assertEquals([lists.waiting(at("a")), lists.waiting(undefined)], [0, 0]);
  assertEquals(contents(lists), [["b", [b!]]]);
});

Deno.test("AffinityLists.push() adds calls for a host whose list was drained", () => {
  const [lists] = listsOf("a");
  contents(lists);
  const next = call("next", "a");
  lists.push(next);
  assertEquals(lists.waiting(at("a")), 1);
  assertEquals(contents(lists), [["a", [next]]]);
});
