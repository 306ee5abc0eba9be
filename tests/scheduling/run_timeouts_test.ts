import { assertEquals } from "@std/assert";
import { CallKind } from "../../src/calls/call_kind.ts";
import { PromisedCall } from "../../src/calls/promised_call.ts";
import { FakeTime } from "../helpers/fake_time.ts";
import { HostBench, settled, TASK } from "../helpers/fake_worker.ts";

const LIMIT = 100_001;

/** Makes a call whose run is limited. */
function limitedCall(label: string, retries = 0): PromisedCall<unknown> {
  const terms = { retries, preface: { runTimeout: LIMIT } };
  const kind = new CallKind(TASK, terms, undefined, true);
  const call = new PromisedCall<unknown>(kind, label, undefined);
  call.promise.catch(() => {});
  return call;
}

Deno.test("Scheduler gives each run of a lost call its whole time", async () => {
  await using bench = await HostBench.with("local", "local");
  using time = new FakeTime();
  const call = limitedCall("a", 1);
  bench.scheduler.submit(call);
  await settled();
  await bench.worker(0).begin();
  time.tick(LIMIT - 1);
  await bench.worker(0).hangUp();
  assertEquals(bench.worker(1).labels, ["a"]);
  time.tick(LIMIT);
  await bench.worker(1).begin();
  time.tick(LIMIT - 1);
  await bench.worker(1).answer();
  assertEquals(await call.promise, "a");
});

Deno.test("Scheduler stops the time of a call that is given back just as it begins", async () => {
  await using bench = new HostBench();
  const worker = await bench.add("local", 3);
  using time = new FakeTime();
  const call = limitedCall("a");
  bench.scheduler.submit(call);
  await settled();
  await worker.begin();
  const drained = bench.scheduler.drain(worker.handle);
  await worker.recalled();
  await worker.giveBack(1);
  await drained;
  time.tick(LIMIT);
  assertEquals(call.state, "queued");
});
