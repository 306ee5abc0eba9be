import { assertEquals, assertGreaterOrEqual, assertRejects } from "@std/assert";
import type { PromisedCall } from "../../src/calls/promised_call.ts";
import { MapCall } from "../../src/map/map_call.ts";
import { WorkerLostError } from "../../src/errors/worker_lost_error.ts";
import {
  call,
  CHUNK,
  type FakeWorker,
  HostBench,
  MAP,
  settled,
} from "../helpers/fake_worker.ts";
import { FakeTime } from "../helpers/fake_time.ts";
import { realDeadline } from "../helpers/real_timers.ts";

/** How long an expected event may take, in milliseconds. */
const TIMEOUT = 60_000;

/** The size of the workers' windows. */
const ROOM = 8;

/** Answers the calls of workers until they have none, and sorts the answers. */
async function answerAll(
  { scheduler }: HostBench,
  ...workers: FakeWorker[]
): Promise<unknown[]> {
  const answered: unknown[] = [];
  while (scheduler.pending > 0) {
    const worker = workers.find(({ labels }) => labels.length > 0);
    if (worker === undefined) break;
    answered.push(await worker.answer());
  }
  return answered.toSorted();
}

/** Waits until a worker has been ended, and its calls were moved. */
async function ended({ gone }: FakeWorker): Promise<void> {
  await realDeadline(gone, TIMEOUT);
  await settled();
}

/** Returns the states of calls. */
function states(calls: readonly PromisedCall<unknown>[]): string[] {
  return calls.map(({ state }) => state);
}

Deno.test("Scheduler recalls calls for a worker that is added later", async () => {
  await using bench = new HostBench();
  const busy = await bench.add("a", ROOM);
  const calls = await bench.submit(undefined, 1, 2, 3, 4, 5);
  assertEquals(busy.labels, [1, 2, 3, 4, 5]);
  const idle = await bench.add("a", ROOM);
  await busy.recalled();
  await busy.giveBack(3);
  assertEquals([busy.labels, idle.labels], [[1, 2], [3, 4, 5]]);
  await answerAll(bench, idle, busy);
  assertEquals(
    await Promise.all(calls.map(({ promise }) => promise)),
    [1, 2, 3, 4, 5],
  );
});

Deno.test("Scheduler sends tiny calls that were given back to another worker", async () => {
  await using bench = new HostBench();
  const busy = await bench.add("a", ROOM);
  const tiny = await bench.submit(undefined, ...Array(4).keys());
  await answerAll(bench, busy);
  await Promise.all(tiny.map(({ promise }) => promise));
  await bench.submit(undefined, 1, 2, 3, 4, 5);
  const idle = await bench.add("a", ROOM);
  await busy.recalled();
  await busy.giveBack(3);
  assertEquals([busy.labels, idle.labels], [[1, 2], [3, 4, 5]]);
  await answerAll(bench, idle, busy);
});

/** Submits calls, each of which gets its own message. */
async function submitOneByOne(
  bench: HostBench,
  ...labels: number[]
): Promise<PromisedCall<unknown>[]> {
  const calls: PromisedCall<unknown>[] = [];
  for (const label of labels) {
    calls.push(...await bench.submit(undefined, label));
  }
  return calls;
}

/** A worker that was asked to give back calls for an idle one. */
async function recalling(
  bench: HostBench,
): Promise<
  { busy: FakeWorker; idle: FakeWorker; calls: PromisedCall<unknown>[] }
> {
  const busy = await bench.add("busy", ROOM);
  const calls = await submitOneByOne(bench, 1, 2, 3, 4, 5);
  const idle = await bench.add("idle", ROOM);
  await busy.recalled();
  return { busy, idle, calls };
}

/** Makes the runs of a message that gives back calls, from the calls' ids. */
type Runs = (ids: number[]) => number[];

const LIES: readonly [name: string, runs: Runs][] = [
  ["calls that don't exist", () => [999, 1, 0]],
  ["calls beyond the last", ([, , , fourth]) => [fourth!, 3, 0]],
  ["calls twice", ([, , , , last]) => [last!, 1, 0, last!, 1, 0]],
  ["calls and others that don't exist", (ids) => [999, 1, 0, ids[4]!, 1, 0]],
  ["2 ** 32 - 1 calls", ([, second]) => [second!, 2 ** 32 - 1, 0]],
  ["items of a call that is no chunk", ([, second]) => [second!, 1, 1]],
];

for (const [name, runs] of LIES) {
  Deno.test(`Scheduler loses no call when a worker gives back ${name}`, async () => {
    await using bench = new HostBench();
    const { busy, idle, calls } = await recalling(bench);
    await busy.recall(...runs(busy.ids));
    await ended(busy);
    assertEquals(await answerAll(bench, idle), [2, 3, 4, 5]);
    assertEquals(states(calls), calls.map(() => "settled"));
    const [first, ...others] = calls.map(({ promise }) => promise);
    await assertRejects(() => first!, WorkerLostError);
    assertEquals(await Promise.all(others), [2, 3, 4, 5]);
  });
}

Deno.test("Scheduler ends a worker that gives back calls it wasn't asked for", async () => {
  await using bench = new HostBench();
  const liar = await bench.add("liar", ROOM);
  const calls = await submitOneByOne(bench, 1, 2);
  await liar.recall(liar.ids[1]!, 1, 0);
  await ended(liar);
  const honest = await bench.add("honest", ROOM);
  assertEquals(await answerAll(bench, honest), [2]);
  await assertRejects(() => calls[0]!.promise, WorkerLostError);
});

Deno.test("Scheduler ends a worker that gives back calls again", async () => {
  await using bench = new HostBench();
  const { busy, idle, calls } = await recalling(bench);
  const runs = [busy.ids[3]!, 2, 0];
  await busy.recall(...runs);
  assertEquals(idle.labels, [4, 5]);
  await busy.recall(...runs);
  await ended(busy);
  assertEquals(await answerAll(bench, idle), [2, 3, 4, 5]);
  await assertRejects(() => calls[0]!.promise, WorkerLostError);
});

Deno.test("Scheduler doesn't run a call that is given back after it was cancelled", async () => {
  await using bench = new HostBench();
  const { busy, idle, calls } = await recalling(bench);
  calls[3]!.cancel(new Error("too late"));
  await busy.giveBack(3);
  assertEquals([busy.labels, idle.labels], [[1, 2], [3, 5]]);
  assertEquals(calls[3]!.state, "settled");
  await answerAll(bench, idle, busy);
  assertEquals(bench.scheduler.pending, 0);
});

Deno.test("Scheduler runs no call that is given back after cancelQueued()", async () => {
  await using bench = new HostBench();
  const { busy, idle, calls } = await recalling(bench);
  bench.scheduler.cancelQueued(() => new Error("the end"));
  await busy.giveBack(3);
  assertEquals([busy.labels, idle.labels], [[1, 2], []]);
  for (const { promise } of calls.slice(2)) {
    await assertRejects(() => promise, Error, "the end");
  }
  await answerAll(bench, busy);
});

Deno.test("Scheduler moves the calls of a worker that is lost before it gives them back", async () => {
  await using bench = new HostBench();
  const { busy, idle, calls } = await recalling(bench);
  await busy.hangUp();
  assertEquals(idle.labels, [2, 3, 4, 5]);
  await answerAll(bench, idle);
  await assertRejects(() => calls[0]!.promise, WorkerLostError);
});

Deno.test("Scheduler.submitToAll() waits for calls that are given back", async () => {
  await using bench = new HostBench();
  const { busy, idle, calls } = await recalling(bench);
  const all = bench.scheduler.submitToAll(() => call("all"));
  await busy.giveBack(4);
  assertEquals([busy.labels, idle.labels], [[1], [2, 3, 4, 5]]);
  await busy.answer();
  assertEquals(busy.labels, []);
  await idle.recalled();
  await idle.giveBack(1);
  assertEquals([busy.labels, idle.labels], [[5], [2, 3, 4]]);
  await answerAll(bench, busy, idle);
  assertEquals(states(calls), calls.map(() => "settled"));
  assertEquals(await realDeadline(all, TIMEOUT), ["all", "all"]);
});

Deno.test("Scheduler doesn't recall calls that only a busy host can run", async () => {
  await using bench = new HostBench();
  const bound = await bench.add("bound", ROOM);
  await bench.submit("bound", 1, 2, 3, 4, 5, 6, 7, 8);
  const free = await bench.add("free", ROOM);
  await bench.submit(undefined, 11, 12, 13, 14);
  assertEquals(free.labels, [11, 12, 13, 14]);
  await bench.add("idle", ROOM);
  // More calls wait at the other worker, and have waited for longer.
  await free.recalled();
  assertEquals(bound.recalls, 0);
});

Deno.test("Scheduler recalls calls that only one host can run for its idle worker", async () => {
  await using bench = new HostBench();
  await bench.add("elsewhere", ROOM);
  const busy = await bench.add("here", ROOM);
  await bench.submit("here", 1, 2, 3, 4);
  const idle = await bench.add("here", ROOM);
  await busy.recalled();
  await busy.giveBack(2);
  assertEquals(bench.labels, [[], [1, 2], [3, 4]]);
  await answerAll(bench, busy, idle);
});

Deno.test("Scheduler doesn't recall a call that would have to wait as long elsewhere", async () => {
  await using bench = await HostBench.with();
  const workers = [await bench.add("a", ROOM), await bench.add("a", ROOM)];
  const chunks = [1, 2, 3].map(() => chunk(1, 2, 3, 4, 5, 6, 7, 8));
  for (const one of chunks) bench.scheduler.submit(one);
  await settled();
  assertEquals(workers.map(({ ids }) => ids.length), [2, 1]);
  for (let turn = 0; turn < 5; turn++) {
    block(5);
    bench.scheduler.wake();
    await settled();
  }
  assertEquals(workers.map(({ recalls }) => recalls), [0, 0]);
});

Deno.test("Scheduler cuts a chunk that isn't late if it will take long", async () => {
  await using bench = new HostBench();
  const busy = await bench.add("a", ROOM);
  bench.scheduler.submit(chunk(1, 2, 3, 4));
  await settled();
  const hour = 3_600_000_000;
  await busy.answerChunk(hour);
  bench.scheduler.submit(chunk(5, 6, 7, 8));
  await bench.add("a", ROOM);
  await busy.recalled();
});

Deno.test("Scheduler divides a chunk that waited behind a slow call", async () => {
  using time = new FakeTime();
  let now = 0;
  await using bench = new HostBench(() => now);
  const busy = await bench.add("a", "auto");
  const { window } = busy.handle;
  for (let times = 0; times < 10; times++) window.measured(1, 1, 1);
  const owner = {
    ...MAP,
    cut: (_: MapCall, rest: readonly unknown[], parts: number) => {
      assertEquals([rest, parts], [[6, 7, 8], 31]);
      return rest.map((item) => chunk(item));
    },
  };
  bench.scheduler.submit(chunk(1, 2, 3, 4));
  bench.scheduler.submit(new MapCall(owner, CHUNK, [5, 6, 7, 8]));
  const idle = await bench.add("a", "auto");
  assertEquals(busy.recalls, 0);
  now += 30;
  time.tick(30);
  await busy.recalled();
  await busy.giveBack(1);
  const labels: unknown[] = [];
  for (let count = 0; count < 4; count++) {
    labels.push(...idle.labels);
    await idle.answerChunk();
  }
  assertEquals(labels, [[5], [6], [7], [8]]);
  await busy.answerChunk();
});

Deno.test("Scheduler doesn't count its own work as the silence of workers", async () => {
  await using bench = new HostBench();
  const worker = await bench.add("a", ROOM);
  const large = {
    get part(): number {
      block(5);
      return 1;
    },
  };
  await bench.submit(undefined, large);
  assertGreaterOrEqual(bench.pace.sending, 5);
  await worker.answer();
});

/** Makes a chunk of a map. */
function chunk(...items: unknown[]): MapCall {
  return new MapCall(MAP, CHUNK, items);
}

/** Blocks this program, while calls wait at workers. */
function block(milliseconds: number): void {
  const end = performance.now() + milliseconds;
  while (performance.now() < end);
}

Deno.test("Scheduler gives a recalled call to an idle worker, though calls are tiny", async () => {
  let now = 1_000;
  await using bench = new HostBench(() => now);
  const busy = await bench.add("a", 4);
  const idle = await bench.add("b", 4);
  await bench.submit(undefined, "tiny");
  assertEquals(await busy.answer(), "tiny");
  // The worker has run others, which take longer.
  busy.handle.window.expect(100_000);
  await bench.submit(undefined, "running");
  await bench.submit(undefined, "waiting");
  assertEquals(busy.labels, ["running", "waiting"]);
  now += 30;
  bench.scheduler.wake();
  await busy.recalled();
  await busy.giveBack(1);
  assertEquals([busy.labels, idle.labels], [["running"], ["waiting"]]);
});
