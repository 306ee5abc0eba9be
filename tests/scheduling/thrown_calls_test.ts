import { assertEquals, assertStrictEquals } from "@std/assert";
import { CallKind } from "../../src/calls/call_kind.ts";
import { PromisedCall } from "../../src/calls/promised_call.ts";
import {
  type RetryOptions,
  retrySettings,
} from "../../src/options/retry_options.ts";
import { FakeTime } from "../helpers/fake_time.ts";
import { HostBench, settled, TASK } from "../helpers/fake_worker.ts";

/** A pause that passes only when a test lets it. */
const PAUSE = 100_001;

/** Makes a call whose task may run again. */
function retriedCall(
  label: string,
  options: RetryOptions = {},
): PromisedCall<unknown> {
  const retry = retrySettings({
    minTimeout: PAUSE,
    maxTimeout: PAUSE,
    jitter: 0,
    ...options,
  });
  const kind = new CallKind(TASK, { retries: 0, retry }, undefined, true);
  const call = new PromisedCall<unknown>(kind, label, undefined);
  call.promise.catch(() => {});
  return call;
}

Deno.test("Scheduler sends a call whose task threw again after its pause, before others", async () => {
  await using bench = new HostBench();
  const worker = await bench.add("local", 1);
  using time = new FakeTime();
  const { scheduler } = bench;
  const call = retriedCall("a");
  scheduler.submit(call);
  await settled();
  await worker.fail();
  assertEquals([call.state, scheduler.queued], ["delayed", 0]);
  time.tick(PAUSE - 1);
  await settled();
  assertEquals([call.state, worker.labels], ["delayed", []]);
  scheduler.submit(retriedCall("b"));
  await settled();
  scheduler.submit(retriedCall("c"));
  time.tick(1);
  await settled();
  assertEquals([call.state, worker.labels], ["queued", ["b"]]);
  await worker.answer();
  assertEquals(worker.labels, ["a"]);
  await worker.answer();
  assertEquals(await call.promise, "a");
  await worker.answer();
});

Deno.test("Scheduler.idle() waits for calls whose tasks threw", async () => {
  await using bench = new HostBench();
  const worker = await bench.add("local", 1);
  using time = new FakeTime();
  const { scheduler } = bench;
  const call = retriedCall("a");
  scheduler.submit(call);
  await settled();
  await worker.fail();
  let isIdle = false;
  scheduler.idle().then(() => isIdle = true);
  await settled();
  assertEquals([isIdle, scheduler.pending], [false, 1]);
  time.tick(PAUSE);
  await settled();
  await worker.answer();
  await settled();
  assertEquals([isIdle, scheduler.pending], [true, 0]);
});

Deno.test("Scheduler.cancelQueued() fails calls whose tasks threw, and those that throw later", async () => {
  await using bench = new HostBench();
  const worker = await bench.add("local", 2);
  using _time = new FakeTime();
  const { scheduler } = bench;
  const [first, second] = [retriedCall("a"), retriedCall("b")];
  scheduler.submit(first);
  scheduler.submit(second);
  await settled();
  await worker.fail();
  assertEquals([first.state, second.state], ["delayed", "sent"]);
  const reason = new Error("cancelled");
  scheduler.cancelQueued(() => reason);
  assertEquals([first.state, second.state], ["settled", "sent"]);
  await worker.fail();
  assertEquals(second.state, "settled");
  for (const call of [first, second]) {
    const thrown = await call.promise.catch((error) => error);
    assertStrictEquals(thrown, reason);
  }
});

Deno.test("Scheduler forgets a call that is cancelled during its pause", async () => {
  await using bench = new HostBench();
  const worker = await bench.add("local", 1);
  using time = new FakeTime();
  const { scheduler } = bench;
  const call = retriedCall("a");
  scheduler.submit(call);
  await settled();
  await worker.fail();
  call.cancel(new Error("cancelled"));
  assertEquals([call.state, scheduler.pending], ["settled", 0]);
  time.tick(PAUSE);
  await settled();
  assertEquals(worker.labels, []);
});
