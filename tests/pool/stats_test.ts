import { assert, assertEquals, assertRejects } from "@std/assert";
import { HostError, Pool } from "../../mod.ts";
import type { Call } from "../../src/calls/call.ts";
import { MapCall } from "../../src/map/map_call.ts";
import { HostTally } from "../../src/scheduling/host_tally.ts";
import {
  call,
  CHUNK,
  FakeWorker,
  HostBench,
  MAP,
  settled,
} from "../helpers/fake_worker.ts";
import { Gate, passGate } from "../helpers/gate.ts";

/** Returns the counts of a tally. */
function counts({ done, failed, busy }: HostTally): number[] {
  return [done, failed, busy];
}

/** Connects a worker for a test that sends calls to it. */
function connect(tally: HostTally): FakeWorker {
  const worker = new FakeWorker(tally, 100);
  worker.handle.receive({ changed() {} });
  return worker;
}

async function send(
  { handle }: FakeWorker,
  call: Call,
): Promise<void> {
  handle.send(call);
  handle.flush();
  await settled();
}

/** Creates a chunk of a map. */
function chunk(...items: number[]): MapCall {
  return new MapCall(MAP, CHUNK, items);
}

Deno.test("HostTally.count() adds to the totals", () => {
  const tally = new HostTally("mini");
  assertEquals([tally.name, ...counts(tally)], ["mini", 0, 0, 0]);
  tally.count(2, 1, 30);
  tally.count(0, 1, 4);
  assertEquals(counts(tally), [2, 2, 34]);
});

Deno.test("WorkerHandle counts the tasks of its worker for the host", async () => {
  const tally = new HostTally("mini");
  const workers = [connect(tally), connect(tally)];
  const [first, second] = workers as [FakeWorker, FakeWorker];
  for (const worker of workers) await send(worker, call(1));
  assertEquals(counts(tally), [0, 0, 0]);
  await first.answer(20);
  assertEquals(counts(tally), [1, 0, 20]);
  await second.fail([], 3);
  assertEquals(counts(tally), [1, 1, 23]);
  assert(first.handle.tally === tally);
  for (const worker of workers) await worker.hangUp();
});

Deno.test("WorkerHandle counts each item of a chunk", async () => {
  const tally = new HostTally("mini");
  const worker = connect(tally);
  await send(worker, chunk(1, 2, 3, 4));
  await worker.answerChunk(40);
  assertEquals(counts(tally), [4, 0, 40]);
  // If a chunk fails, the items before the failed one count as done.
  await send(worker, chunk(1, 2, 3, 4));
  await worker.fail([1, 2], 20);
  assertEquals(counts(tally), [6, 1, 60]);
  await worker.hangUp();
});

Deno.test("WorkerHandle doesn't count calls that are lost with its worker", async () => {
  await using bench = await HostBench.with("a", "b");
  const [lost] = await bench.submit("a", 1);
  await bench.worker(0).hangUp();
  await assertRejects(() => lost!.promise);
  assertEquals(counts(bench.tallies.get("a")!), [0, 0, 0]);
});

Deno.test("Pool.stats() counts tasks and the items of maps", async () => {
  await using pool = new Pool({ workers: 2 });
  const idle = {
    running: 0,
    done: 0,
    failed: 0,
    busy: 0,
    pending: undefined,
    error: undefined,
  };
  assertEquals(pool.stats(), {
    workers: 0,
    queued: 0,
    running: 0,
    done: 0,
    failed: 0,
    hosts: [{ name: "local", kind: "local", workers: 0, lost: 0, ...idle }],
  });
  await pool.ready;
  assertEquals(pool.stats().workers, 2);

  const fail = (x: number) => {
    if (x > 2) throw new RangeError("too much");
    return x;
  };
  await pool.map(fail, new Array(100).fill(1), { chunkSize: 7 }).toArray();
  await pool.run(fail, 1);
  await pool.runOnAll(fail, 1);
  const { done, failed, hosts: [local] } = pool.stats();
  assertEquals([done, failed], [103, 0]);
  assertEquals([local!.done, local!.failed], [103, 0]);
  assert(local!.busy > 0);

  await assertRejects(() => pool.run(fail, 3), RangeError);
  const map = pool.map(fail, [1, 2, 3, 4, 5], { chunkSize: 5 });
  await assertRejects(() => map.toArray(), RangeError);
  const { done: doneAfter, failed: failedAfter } = pool.stats();
  assertEquals([doneAfter, failedAfter], [105, 2]);
});

Deno.test("Pool.stats() counts queued and running calls", async () => {
  await using gate = new Gate();
  await using pool = new Pool({ workers: 2, prefetch: 0 });
  const calls = [1, 2, 3, 4, 5].map((x) => pool.run(passGate, gate.port, x));
  await gate.entered();
  await gate.entered();
  const { queued, running, done, hosts: [local] } = pool.stats();
  assertEquals([queued, running, done], [3, 2, 0]);
  assertEquals([local!.workers, local!.running, local!.done], [2, 2, 0]);
  gate.open();
  await gate.entered();
  await gate.entered();
  assertEquals([pool.stats().queued, pool.stats().running], [1, 2]);
  gate.open();
  await gate.entered();
  gate.open();
  await Promise.all(calls);
  const after = pool.stats();
  assertEquals([after.queued, after.running, after.done], [0, 0, 5]);
});

Deno.test("Pool.stats() reports why a host isn't in use", async () => {
  // Nothing listens on this port.
  await using pool = new Pool(1, { host: "127.0.0.1:1", name: "mini" }, {
    onHostError: "continue",
  });
  await pool.ready;
  const { workers, hosts: [local, mini, ...more] } = pool.stats();
  assertEquals([workers, more], [1, []]);
  assertEquals([local!.name, local!.workers, local!.error], [
    "local",
    1,
    undefined,
  ]);
  assertEquals([mini!.name, mini!.kind, mini!.workers], ["mini", "spawner", 0]);
  assert(mini!.error instanceof HostError);
  assertEquals(mini!.error.step, "connection");
});

Deno.test("Pool.stats() counts no workers after shutdown()", async () => {
  const pool = new Pool(1);
  await pool.run(() => 1);
  await pool.shutdown();
  const { workers, done } = pool.stats();
  assertEquals([workers, done], [0, 1]);
});
