import { assertEquals } from "@std/assert";
import { Backlog } from "../../src/scheduling/backlog.ts";
import type { Call } from "../../src/calls/call.ts";
import { call } from "../helpers/fake_worker.ts";

/** A backlog of calls for these hosts, in this order. */
function backlogOf(...hosts: (string | undefined)[]): [Backlog, Call[]] {
  const backlog = new Backlog();
  const calls = hosts.map((host) => call(undefined, host));
  for (const call of calls) backlog.push(call);
  return [backlog, calls];
}

/** Its queues, by what they are for, with what is in them. */
function contents(backlog: Backlog): [string | undefined, Call[]][] {
  return [...backlog.queues()].map(([host, queue]) => {
    const calls: Call[] = [];
    for (let call = queue.shift(); call; call = queue.shift()) calls.push(call);
    return [host, calls];
  });
}

Deno.test("Backlog has a queue for each host, and one for any", () => {
  const [backlog, [a1, any1, b1, a2, any2]] = backlogOf(
    "a",
    undefined,
    "b",
    "a",
    undefined,
  );
  assertEquals(backlog.length, 5);
  const waiting = [undefined, "a", "b", "c"].map((host) =>
    backlog.waiting(host)
  );
  assertEquals(waiting, [2, 2, 1, 0]);
  assertEquals(contents(backlog), [
    ["a", [a1!, a2!]],
    ["b", [b1!]],
    [undefined, [any1!, any2!]],
  ]);
  assertEquals([backlog.length, contents(backlog)], [0, []]);
});

Deno.test("Backlog lets each queue be the first in turn", () => {
  const [backlog] = backlogOf("a", "b", undefined);
  const firsts = Array.from({ length: 4 }, () => backlog.queues()[0]![0]);
  assertEquals(firsts, ["a", "b", undefined, "a"]);
});

Deno.test("Backlog that is empty has no queues", () => {
  const [backlog] = backlogOf();
  assertEquals([backlog.length, contents(backlog)], [0, []]);
  assertEquals([backlog.waiting("a"), backlog.waiting(undefined)], [0, 0]);
});

Deno.test("Backlog doesn't count what was taken out", () => {
  const [backlog, [a, any, b]] = backlogOf("a", undefined, "b");
  for (const call of [a!, any!]) call.queue!.remove(call);
  assertEquals(backlog.length, 1);
  assertEquals([backlog.waiting("a"), backlog.waiting(undefined)], [0, 0]);
  assertEquals(contents(backlog), [["b", [b!]]]);
});

Deno.test("Backlog takes calls for a host that had some before", () => {
  const [backlog] = backlogOf("a");
  contents(backlog);
  const next = call("next", "a");
  backlog.push(next);
  assertEquals(backlog.waiting("a"), 1);
  assertEquals(contents(backlog), [["a", [next]]]);
});
