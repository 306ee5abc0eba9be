import { assert, assertEquals, assertFalse } from "@std/assert";
import { HostTally } from "../../src/scheduling/host_tally.ts";
import { WorkerSet } from "../../src/scheduling/worker_set.ts";
import { FakeWorker } from "../helpers/fake_worker.ts";

/** Returns a set of workers on these hosts, with windows of these sizes. */
function setOf(...rooms: [host: string, room: number][]): WorkerSet {
  const workers = new WorkerSet();
  workers.add(
    rooms.map(([host, room]) =>
      new FakeWorker(new HostTally(host), room).handle
    ),
  );
  return workers;
}

Deno.test("WorkerSet.capacity() adds up the windows of one host or of all", () => {
  const workers = setOf(["a", 1], ["b", 3], ["b", 4]);
  assertEquals(workers.capacity("a"), {
    workers: 1,
    concurrency: 1,
    capacity: 1,
  });
  assertEquals(workers.capacity("b"), {
    workers: 2,
    concurrency: 2,
    capacity: 7,
  });
  assertEquals(workers.capacity("c"), {
    workers: 0,
    concurrency: 0,
    capacity: 0,
  });
  assertEquals(workers.capacity(undefined), {
    workers: 3,
    concurrency: 3,
    capacity: 8,
  });
});

Deno.test("WorkerSet.has() returns whether a host has workers", () => {
  const workers = setOf(["a", 1], ["b", 1], ["b", 1]);
  const [a, b, b2] = workers.all;
  assert(workers.has("a") && workers.has("b") && workers.has(undefined));
  workers.remove(a!);
  workers.remove(a!);
  workers.remove(b!);
  assertEquals([workers.has("a"), workers.has("b")], [false, true]);
  workers.remove(b2!);
  assertFalse(workers.has("b") || workers.has(undefined));
});

Deno.test("WorkerSet.withRoom() skips workers whose windows are full", () => {
  const workers = setOf(["a", 1], ["b", 2]);
  const [full, other] = workers.all;
  full!.window.sent(0);
  other!.window.sent(0);
  assertEquals(workers.withRoom().map(({ host }) => host), ["b"]);
});
