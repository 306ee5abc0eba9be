import { assert, assertEquals, assertFalse } from "@std/assert";
import type { Call } from "../../src/calls/call.ts";
import { KeyedWorkers } from "../../src/scheduling/keyed_workers.ts";
import { IsolatedCalls } from "../../src/scheduling/isolated_calls.ts";
import { HostTally } from "../../src/scheduling/host_tally.ts";
import type { WorkerHandle } from "../../src/scheduling/worker_handle.ts";
import { WorkerSet } from "../../src/scheduling/worker_set.ts";
import { call, FakeWorker, settled } from "../helpers/fake_worker.ts";

/** Isolated calls, and workers for them. */
class Bench implements AsyncDisposable {
  readonly isolated = new IsolatedCalls(
    new KeyedWorkers(new WorkerSet()),
  );
  readonly #set = new WorkerSet();
  readonly #workers: FakeWorker[] = [];

  /** Connects a worker. */
  add(host = "local"): FakeWorker {
    const worker = new FakeWorker(new HostTally(host), 10);
    const { handle } = worker;
    handle.receive({ changed: () => this.#set.refresh(handle) });
    this.#set.add([handle]);
    this.#workers.push(worker);
    return worker;
  }

  /** Appends calls. */
  push(...labels: string[]): Call[] {
    const calls = labels.map((label) => {
      // A label such as "a@far" names a host.
      const [, host] = label.split("@");
      return call(label, host);
    });
    for (const call of calls) this.isolated.push(call);
    return calls;
  }

  /** Sends a worker other calls. */
  async keepBusy({ handle }: FakeWorker, ...labels: string[]): Promise<void> {
    for (const label of labels) handle.send(call(label));
    handle.flush();
    this.#set.refresh(handle);
    await settled();
  }

  /** Dispatches calls, and returns the labels of each worker's calls. */
  async dispatch(): Promise<unknown[][]> {
    this.isolated.dispatch(this.#set, (handle, call) => {
      handle.send(call);
      handle.flush();
      this.#set.refresh(handle);
    });
    await settled();
    return this.#workers.map(({ labels }) => labels);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const worker of this.#workers) await worker.hangUp();
  }
}

function reservedAs(...workers: FakeWorker[]): WorkerHandle["reservation"][] {
  return workers.map(({ handle }) => handle.reservation);
}

Deno.test("IsolatedCalls.dispatch() sends one call to each idle worker", async () => {
  await using bench = new Bench();
  const workers = [bench.add(), bench.add()];
  bench.push("a", "b", "c");
  assertEquals(await bench.dispatch(), [["a"], ["b"]]);
  assertEquals(reservedAs(...workers), ["isolated", "isolated"]);
  assert(workers.every(({ handle }) => !handle.isOpen));
  assertEquals(bench.isolated.length, 1);
  assertEquals(await bench.dispatch(), [["a"], ["b"]]);
});

Deno.test("IsolatedCalls.dispatch() frees a worker whose call has returned", async () => {
  await using bench = new Bench();
  const worker = bench.add();
  bench.push("a", "b");
  await bench.dispatch();
  await worker.answer();
  assertEquals(await bench.dispatch(), [["b"]]);
  await worker.answer();
  assertEquals(await bench.dispatch(), [[]]);
  assertEquals([worker.handle.reservation, worker.handle.isOpen], [
    undefined,
    true,
  ]);
  assertEquals(bench.isolated.length, 0);
});

Deno.test("IsolatedCalls.dispatch() drains the least busy worker if all are busy", async () => {
  await using bench = new Bench();
  const [busy, lessBusy] = [bench.add(), bench.add()];
  await bench.keepBusy(busy, "1", "2");
  await bench.keepBusy(lessBusy, "3");
  bench.push("a");
  assertEquals(await bench.dispatch(), [["1", "2"], ["3"]]);
  assertEquals(reservedAs(busy, lessBusy), [undefined, "draining"]);
  assertFalse(lessBusy.handle.isOpen);
  await bench.dispatch();
  assertEquals(reservedAs(busy, lessBusy), [undefined, "draining"]);
  await lessBusy.answer();
  assertEquals(await bench.dispatch(), [["1", "2"], ["a"]]);
  assertEquals(reservedAs(busy, lessBusy), [undefined, "isolated"]);
});

Deno.test("IsolatedCalls.dispatch() drains one worker for each waiting call", async () => {
  await using bench = new Bench();
  const workers = [bench.add(), bench.add(), bench.add()];
  for (const worker of workers) await bench.keepBusy(worker, "1");
  bench.push("a", "b");
  await bench.dispatch();
  const drained = workers.filter(({ handle }) => !handle.isOpen);
  assertEquals(drained.length, 2);
  for (const worker of drained) await worker.answer();
  await bench.dispatch();
  assertEquals(drained.flatMap(({ labels }) => labels), ["a", "b"]);
});

Deno.test("IsolatedCalls.dispatch() frees draining workers when calls run elsewhere", async () => {
  await using bench = new Bench();
  const workers = [bench.add(), bench.add()];
  for (const worker of workers) await bench.keepBusy(worker, "1", "2");
  bench.push("a", "b");
  await bench.dispatch();
  assertEquals(reservedAs(...workers), ["draining", "draining"]);
  const third = bench.add();
  assertEquals((await bench.dispatch()).at(-1), ["a"]);
  assertEquals(workers.filter(({ handle }) => handle.isOpen).length, 1);
  await third.answer();
  assertEquals((await bench.dispatch()).at(-1), ["b"]);
  assert(workers.every(({ handle }) => handle.isOpen));
});

Deno.test("IsolatedCalls.dispatch() sends a call only to its host", async () => {
  await using bench = new Bench();
  bench.add("near");
  const far = bench.add("far");
  await bench.keepBusy(far, "1");
  bench.push("a@far", "b");
  assertEquals(await bench.dispatch(), [["b"], ["1"]]);
  assertEquals(far.handle.reservation, "draining");
  await far.answer();
  assertEquals(await bench.dispatch(), [["b"], ["a@far"]]);
});

Deno.test("IsolatedCalls.dispatch() keeps calls for a host without workers", async () => {
  await using bench = new Bench();
  bench.add("near");
  bench.push("a@far", "b");
  assertEquals(await bench.dispatch(), [["b"]]);
  assertEquals(bench.isolated.length, 1);
  bench.add("far");
  assertEquals(await bench.dispatch(), [["b"], ["a@far"]]);
});

Deno.test("IsolatedCalls.dispatch() skips lost workers", async () => {
  await using bench = new Bench();
  const lost = bench.add();
  await lost.hangUp();
  bench.push("a");
  assertEquals(await bench.dispatch(), [[]]);
  assertEquals([lost.handle.reservation, bench.isolated.length], [
    undefined,
    1,
  ]);
});

Deno.test("IsolatedCalls.dispatch() skips released calls", async () => {
  await using bench = new Bench();
  const worker = bench.add();
  const [first] = bench.push("a", "b");
  bench.isolated.release(first!);
  assertEquals([bench.isolated.length, first!.isWith(bench.isolated)], [
    1,
    false,
  ]);
  assertEquals(await bench.dispatch(), [["b"]]);
  await worker.answer();
});

Deno.test("IsolatedCalls.dispatch() frees a draining worker that no call needs", async () => {
  await using bench = new Bench();
  const worker = bench.add();
  await bench.keepBusy(worker, "1");
  const [call] = bench.push("a");
  await bench.dispatch();
  assertFalse(worker.handle.isOpen);
  bench.isolated.release(call!);
  await worker.answer();
  await bench.dispatch();
  assert(worker.handle.isOpen);
});

Deno.test("IsolatedCalls.drain() takes calls in order", async () => {
  await using bench = new Bench();
  const [first, second] = bench.push("a", "b");
  const drained = bench.isolated.drain();
  assert(drained[0] === first && drained[1] === second);
  assertEquals([drained.length, bench.isolated.length], [2, 0]);
});
