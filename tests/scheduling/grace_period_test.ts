import { assert, assertEquals, assertFalse, assertRejects } from "@std/assert";
import { FakeTime } from "../helpers/fake_time.ts";
import { WorkerLostError } from "../../src/errors/worker_lost_error.ts";
import { GracePeriod } from "../../src/scheduling/grace_period.ts";
import { CallsInFlight } from "../../src/scheduling/calls_in_flight.ts";
import { CallKind } from "../../src/calls/call_kind.ts";
import { PromisedCall } from "../../src/calls/promised_call.ts";
import {
  call,
  CANCEL_GRACE,
  HostBench,
  RUNNER,
  settled,
  TASK,
} from "../helpers/fake_worker.ts";

const GRACE = 100_001;
/** How long other calls may continue after that. */
const DRAIN = 10 * GRACE;

/** A worker's calls, in separate messages, and their grace period. */
class Scene implements Disposable {
  readonly calls: CallsInFlight;
  readonly grace: GracePeriod;
  readonly time = new FakeTime();
  /** How often the worker was ended. */
  ends = 0;
  readonly #calls: PromisedCall<unknown>[] = [];

  constructor(concurrency: number, calls: number) {
    this.calls = new CallsInFlight(concurrency);
    this.grace = new GracePeriod(this.calls, GRACE, () => this.ends++);
    for (let id = 0; id < calls; id++) {
      const sent = call(id);
      sent.send(RUNNER, id, id, 0);
      this.#calls.push(sent);
      this.calls.add(sent);
    }
  }

  abandon(id: number): void {
    this.#calls[id]!.abandon();
    this.grace.watch();
  }

  answer(id: number): void {
    this.calls.take(id);
    this.grace.watch();
  }

  /** Lets time pass and waits for the effect. */
  async pass(milliseconds: number): Promise<void> {
    this.time.tick(milliseconds);
    // The worker's end may wait for a turn of the event loop.
    await this.time.tickAsync();
    await this.time.tickAsync();
    await settled();
  }

  [Symbol.dispose](): void {
    this.grace.close();
    const isTimerLeft = this.time.next();
    this.time.restore();
    assertFalse(isTimerLeft, "The grace period has left a timer");
  }
}

Deno.test("GracePeriod kills the worker only after the grace period", async () => {
  using scene = new Scene(1, 2);
  scene.abandon(0);
  await scene.pass(GRACE - 1);
  assertEquals(scene.ends, 0);
  await scene.pass(1);
  assertEquals(scene.ends, 1);
});

Deno.test("GracePeriod doesn't kill the worker of a call that ends in time", () => {
  using scene = new Scene(1, 2);
  scene.abandon(0);
  scene.answer(0);
  assertFalse(scene.time.next());
});

Deno.test("GracePeriod begins for a waiting call once it may have begun", async () => {
  using scene = new Scene(1, 2);
  scene.abandon(1);
  await scene.pass(GRACE);
  scene.answer(0);
  await scene.pass(GRACE - 1);
  assertEquals(scene.ends, 0);
  await scene.pass(1);
  assertEquals(scene.ends, 1);
});

Deno.test("GracePeriod lets a busy program read results before killing the worker", async () => {
  using scene = new Scene(1, 2);
  scene.abandon(0);
  // Before the next timers fire, the event loop reads the data.
  setTimeout(() => scene.answer(0), GRACE);
  await scene.pass(GRACE);
  assertEquals(scene.ends, 0);
  assertFalse(scene.grace.isOver);
});

Deno.test("GracePeriod lets other calls finish before killing the worker", async () => {
  using scene = new Scene(2, 2);
  scene.abandon(0);
  await scene.pass(GRACE);
  assert(scene.grace.isOver);
  assertEquals(scene.ends, 0);
  scene.answer(1);
  assertEquals(scene.ends, 1);
});

Deno.test("GracePeriod kills the worker if other calls don't finish", async () => {
  using scene = new Scene(2, 2);
  scene.abandon(0);
  await scene.pass(GRACE);
  await scene.pass(DRAIN);
  assertEquals(scene.ends, 1);
});

Deno.test("GracePeriod.isOver is reset when the overdue call ends", async () => {
  using scene = new Scene(2, 2);
  scene.abandon(0);
  await scene.pass(GRACE);
  scene.answer(0);
  assertFalse(scene.grace.isOver);
  assertFalse(scene.time.next());
  assertEquals(scene.ends, 0);
});

Deno.test("GracePeriod.close() prevents killing the worker", async () => {
  using scene = new Scene(1, 1);
  scene.abandon(0);
  setTimeout(() => scene.grace.close(), GRACE);
  await scene.pass(GRACE);
  assertEquals(scene.ends, 0);
});

Deno.test("GracePeriod.close() leaves no timer when the time has just run out", () => {
  using scene = new Scene(1, 1);
  scene.abandon(0);
  let isTimerLeft: boolean | undefined;
  setTimeout(() => {
    scene.grace.close();
    isTimerLeft = scene.time.next();
  }, GRACE);
  scene.time.tick(GRACE);
  assertEquals(isTimerLeft, false);
});

/** A call that another run of it has answered. */
class OutrunCall extends PromisedCall<unknown> {
  override get isOutrun(): boolean {
    return true;
  }
}

Deno.test("GracePeriod gives an outrun call more time while its worker isn't needed", async () => {
  let isNeeded = false;
  using time = new FakeTime();
  const calls = new CallsInFlight(1);
  let ends = 0;
  const end = () => ends++;
  const grace = new GracePeriod(calls, GRACE, end, () => isNeeded);
  const outrun = new OutrunCall(new CallKind(TASK), [], undefined);
  outrun.send(RUNNER, 0, 0, 0);
  calls.add(outrun);
  outrun.abandon();
  grace.watch();
  const passPeriod = async () => {
    time.tick(GRACE);
    await time.tickAsync();
    await time.tickAsync();
    await settled();
  };
  for (let period = 0; period < 9; period++) await passPeriod();
  assertEquals(ends, 0);
  isNeeded = true;
  await passPeriod();
  assertEquals(ends, 1);
  grace.close();
});

Deno.test("GracePeriod kills the worker of an outrun call after ten periods", async () => {
  using time = new FakeTime();
  const calls = new CallsInFlight(1);
  const { promise, resolve } = Promise.withResolvers<void>();
  const grace = new GracePeriod(calls, GRACE, resolve, () => false);
  const outrun = new OutrunCall(new CallKind(TASK), [], undefined);
  outrun.send(RUNNER, 0, 0, 0);
  calls.add(outrun);
  outrun.abandon();
  grace.watch();
  for (let period = 0; period < 10; period++) {
    time.tick(GRACE);
    await settled();
  }
  await time.tickAsync();
  await time.tickAsync();
  await promise;
  grace.close();
});

for (const hasEnded of [true, false]) {
  const what = hasEnded
    ? "runs nothing twice that waits"
    : "gives to another worker what waits";
  Deno.test(`Scheduler ${what} behind a task that is ended for taking too long`, async () => {
    using time = new FakeTime();
    await using bench = new HostBench();
    const worker = await bench.add("a", 2);
    const [late] = await bench.submit(undefined, "late");
    const [behind] = await bench.submit(undefined, "behind");
    await bench.add("b", 2);
    assertEquals(bench.labels, [["late", "behind"], []]);
    late!.abandon();
    // The task may end just before its worker is killed. Then the next begins.
    if (hasEnded) worker.lastAnswers = 1;
    time.tick(CANCEL_GRACE);
    await time.tickAsync();
    await time.tickAsync();
    await worker.gone;
    await settled();
    if (hasEnded) {
      assertEquals(bench.worker(1).labels, []);
      await assertRejects(() => behind!.promise, WorkerLostError);
    } else {
      assertEquals(bench.worker(1).labels, ["behind"]);
      await bench.worker(1).answer();
      assertEquals(await behind!.promise, "behind");
    }
  });
}
