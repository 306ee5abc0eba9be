import { assert, assertEquals, assertFalse } from "@std/assert";
import type { Placement } from "../../src/calls/placement.ts";
import { HostTally } from "../../src/scheduling/host_tally.ts";
import type { WorkerHandle } from "../../src/scheduling/worker_handle.ts";
import { WorkerSet } from "../../src/scheduling/worker_set.ts";
import { Random } from "../helpers/random.ts";
import { at, FakeWorker } from "../helpers/fake_worker.ts";

/** Makes a worker fit nowhere, and counts how often it is asked. */
function countLooks(worker: WorkerHandle): { count: number } {
  const looks = { count: 0 };
  worker.fits = () => {
    looks.count++;
    return false;
  };
  return looks;
}

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
  assertEquals(workers.capacity(at("a")), {
    workers: 1,
    concurrency: 1,
    capacity: 1,
    isDistant: false,
  });
  assertEquals(workers.capacity(at("b")), {
    workers: 2,
    concurrency: 2,
    capacity: 7,
    isDistant: false,
  });
  assertEquals(workers.capacity(at("c")), {
    workers: 0,
    concurrency: 0,
    capacity: 0,
    isDistant: false,
  });
  assertEquals(workers.capacity(undefined), {
    workers: 3,
    concurrency: 3,
    capacity: 8,
    isDistant: false,
  });
});

Deno.test("WorkerSet.capacity() returns whether calls take long to all workers", () => {
  const workers = new WorkerSet();
  const distant = () => workers.capacity(undefined).isDistant;
  let now = 0;
  for (const delay of [50, 50, 0]) {
    const { handle } = new FakeWorker(new HostTally("a"), "auto", () => now);
    workers.add([handle]);
    assertFalse(distant());
    handle.window.sent(0);
    now += delay;
    handle.window.measured(1, 0, 0);
    workers.refresh(handle);
    assertEquals(distant(), delay > 0);
  }
});

Deno.test("WorkerSet.has() returns whether a host has workers", () => {
  const workers = setOf(["a", 1], ["b", 1], ["b", 1]);
  const [a, b, b2] = workers;
  assert(
    workers.has(at("a")) && workers.has(at("b")) && workers.has(undefined),
  );
  workers.remove(a!);
  workers.remove(a!);
  workers.remove(b!);
  assertEquals([workers.has(at("a")), workers.has(at("b"))], [false, true]);
  workers.remove(b2!);
  assertFalse(workers.has(at("b")) || workers.has(undefined));
});

Deno.test("WorkerSet.has() looks at the workers once for each of many placements", () => {
  const workers = new WorkerSet();
  const { handle } = new FakeWorker(new HostTally("a"), 1);
  workers.add([handle]);
  const looks = countLooks(handle);
  const placements = Array.from({ length: 200 }, (_, n) => at(`host ${n}`));
  for (let times = 0; times < 3; times++) {
    for (const placement of placements) assertFalse(workers.has(placement));
  }
  assertEquals(looks.count, placements.length);
});

Deno.test("WorkerSet keeps as many groups as each dispatch uses, and drops old ones", () => {
  const workers = new WorkerSet();
  const { handle } = new FakeWorker(new HostTally("a"), 1);
  workers.add([handle]);
  const looks = countLooks(handle);
  const placements = Array.from({ length: 200 }, (_, n) => at(`host ${n}`));
  const dispatch = (placements: readonly (Placement | undefined)[]) => {
    const before = looks.count;
    workers.beginDispatch();
    for (const placement of placements) workers.room(placement);
    return looks.count - before;
  };
  assertEquals(dispatch(placements), 200);
  assertEquals(dispatch(placements), 0);
  const others = Array.from({ length: 900 }, (_, n) => at(`other ${n}`));
  for (const other of others) dispatch([other]);
  assertEquals(dispatch(placements), 200);
});

Deno.test("WorkerSet.leastBusy() skips workers whose windows are full", () => {
  const workers = setOf(["a", 1], ["b", 2]);
  const [full, other] = workers;
  full!.window.sent(0);
  workers.refresh(full!);
  other!.window.sent(0);
  workers.refresh(other!);
  assert(workers.leastBusy(undefined) === other);
  assert(workers.leastBusy(at("a")) === full);
});

Deno.test("WorkerSet.leastBusy() skips a worker that was closed without notice", () => {
  const workers = setOf(["a", 1], ["a", 1]);
  const [first, second] = workers;
  assert(workers.leastBusy(at("a")) === first);
  first!.lost = true;
  assert(workers.leastBusy(at("a")) === second);
  assert(workers.leastBusy(undefined) === second);
  assertEquals(workers.room(at("a")), 1);
});

Deno.test("WorkerSet.leastBusy() prefers the busy worker that answered last", () => {
  const workers = setOf(["a", 9], ["a", 9]);
  const [first, second] = workers;
  const change = (worker: WorkerHandle, calls: number) => {
    for (let left = calls; left > 0; left--) worker.window.sent(0);
    for (let left = calls; left < 0; left++) worker.window.returned(0);
    workers.refresh(worker);
  };
  for (const worker of [first!, second!]) change(worker, 3);
  assert(workers.leastBusy(undefined) === first);
  for (const worker of [second!, first!, second!]) {
    change(worker, -1);
    change(worker, 1);
    assert(workers.leastBusy(undefined) === worker);
    assert(workers.leastBusy(at("a")) === worker);
  }
  for (const worker of [first!, second!]) change(worker, -3);
  assert(workers.leastBusy(undefined) === first);
});

Deno.test("WorkerSet keeps random workers in the order of their load", () => {
  const random = new Random(1);
  const workers = setOf(
    ...Array.from({ length: 50 }, (_, index): [string, number] => [
      `host ${index % 3}`,
      1 + random.below(5),
    ]),
  );
  const left = [...workers];
  /** The step of each worker's last answer. */
  const answers = new Map<WorkerHandle, number>();
  for (let step = 0; step < 5_000; step++) {
    const worker = left[random.below(left.length)]!;
    const { window } = worker;
    switch (random.below(20)) {
      case 0:
        worker.reserve(
          worker.reservation === undefined ? "draining" : undefined,
        );
        break;
      case 1:
        if (left.length > 5) {
          workers.remove(worker);
          left.splice(left.indexOf(worker), 1);
        }
        break;
      default:
        if (random.below(2) === 0 && window.room > 0) window.sent(0);
        else if (window.calls > 0) {
          window.returned(0);
          answers.set(worker, step);
        }
    }
    workers.refresh(worker);
    for (const host of [undefined, `host ${random.below(3)}`]) {
      const there = left.filter((one) => one.fits(at(host)));
      const open = there.filter(({ isOpen }) => isOpen);
      const free = open.filter(({ hasRoom }) => hasRoom);
      const answer = (one: WorkerHandle) =>
        one.window.calls > 0 ? answers.get(one) ?? -1 : 0;
      const least = (free.length > 0 ? free : open).toSorted((one, other) =>
        one.window.calls - other.window.calls || answer(other) - answer(one)
      )[0];
      assert(workers.leastBusy(at(host)) === least);
      assertEquals(
        workers.room(at(host)),
        free.reduce((sum, { window }) =>
          sum + window.room, 0),
      );
      assertEquals(workers.capacity(at(host)).workers, there.length);
      if (free.length === 0) continue;
      const calls = free.reduce((sum, { window }) => sum + window.calls, 0);
      assertEquals(
        workers.fairShare(at(host), 7),
        Math.ceil((calls + 7) / free.length),
      );
    }
  }
});
