import { assert, assertEquals, assertFalse } from "@std/assert";
import type { Call } from "../../src/calls/call.ts";
import { SoloCalls } from "../../src/scheduling/solo_calls.ts";
import { HostTally } from "../../src/pool/stats.ts";
import type { WorkerHandle } from "../../src/scheduling/worker_handle.ts";
import { call, FakeWorker, settled } from "../helpers/fake_worker.ts";

/** Calls that run alone, and the workers for them. */
class Bench implements AsyncDisposable {
  readonly solo = new SoloCalls();
  readonly #workers: FakeWorker[] = [];

  /** Connects a worker that begins to answer. */
  add(host = "local"): FakeWorker {
    const worker = new FakeWorker(new HostTally(host, "local"), 10);
    worker.link.receive(() => {});
    this.#workers.push(worker);
    return worker;
  }

  /** Has calls wait. */
  push(...labels: string[]): Call[] {
    const calls = labels.map((label) => {
      // Of a label like "a@far" the host is a part.
      const [, host] = label.split("@");
      return call(label, host);
    });
    for (const call of calls) this.solo.push(call);
    return calls;
  }

  /** Gives a worker something else to do. */
  async keepBusy({ link }: FakeWorker, ...labels: string[]): Promise<void> {
    for (const label of labels) link.send(call(label));
    link.flush();
    await settled();
  }

  /** Sends what can be sent now, and returns what each worker has. */
  async dispatch(): Promise<unknown[][]> {
    const links = this.#workers.map(({ link }) => link);
    this.solo.dispatch(links, (link, call) => {
      link.send(call);
      link.flush();
    });
    await settled();
    return this.#workers.map(({ labels }) => labels);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const worker of this.#workers) await worker.hangUp();
  }
}

function reservedAs(...workers: FakeWorker[]): WorkerHandle["reserved"][] {
  return workers.map(({ link }) => link.reserved);
}

Deno.test("SoloCalls.dispatch() sends one call to each worker that has nothing else", async () => {
  await using bench = new Bench();
  const workers = [bench.add(), bench.add()];
  bench.push("a", "b", "c");
  assertEquals(await bench.dispatch(), [["a"], ["b"]]);
  assertEquals(reservedAs(...workers), ["alone", "alone"]);
  assert(workers.every(({ link }) => !link.isOpen));
  assertEquals(bench.solo.length, 1);
  assertEquals(await bench.dispatch(), [["a"], ["b"]]);
});

Deno.test("SoloCalls.dispatch() frees a worker whose call has returned", async () => {
  await using bench = new Bench();
  const worker = bench.add();
  bench.push("a", "b");
  await bench.dispatch();
  await worker.answer();
  assertEquals(await bench.dispatch(), [["b"]]);
  await worker.answer();
  assertEquals(await bench.dispatch(), [[]]);
  assertEquals([worker.link.reserved, worker.link.isOpen], [undefined, true]);
  assertEquals(bench.solo.length, 0);
});

Deno.test("SoloCalls.dispatch() drains the least busy worker if all are busy", async () => {
  await using bench = new Bench();
  const [busy, lessBusy] = [bench.add(), bench.add()];
  await bench.keepBusy(busy, "1", "2");
  await bench.keepBusy(lessBusy, "3");
  bench.push("a");
  assertEquals(await bench.dispatch(), [["1", "2"], ["3"]]);
  assertEquals(reservedAs(busy, lessBusy), [undefined, "draining"]);
  assertFalse(lessBusy.link.isOpen);
  await bench.dispatch();
  assertEquals(reservedAs(busy, lessBusy), [undefined, "draining"]);
  await lessBusy.answer();
  assertEquals(await bench.dispatch(), [["1", "2"], ["a"]]);
  assertEquals(reservedAs(busy, lessBusy), [undefined, "alone"]);
});

Deno.test("SoloCalls.dispatch() drains as many workers as calls wait", async () => {
  await using bench = new Bench();
  const workers = [bench.add(), bench.add(), bench.add()];
  for (const worker of workers) await bench.keepBusy(worker, "1");
  bench.push("a", "b");
  await bench.dispatch();
  const drained = workers.filter(({ link }) => !link.isOpen);
  assertEquals(drained.length, 2);
  for (const worker of drained) await worker.answer();
  await bench.dispatch();
  assertEquals(drained.flatMap(({ labels }) => labels), ["a", "b"]);
});

Deno.test("SoloCalls.dispatch() frees workers that drain for calls that run elsewhere", async () => {
  await using bench = new Bench();
  const workers = [bench.add(), bench.add()];
  for (const worker of workers) await bench.keepBusy(worker, "1", "2");
  bench.push("a", "b");
  await bench.dispatch();
  assertEquals(reservedAs(...workers), ["draining", "draining"]);
  const third = bench.add();
  assertEquals((await bench.dispatch()).at(-1), ["a"]);
  assertEquals(workers.filter(({ link }) => link.isOpen).length, 1);
  await third.answer();
  assertEquals((await bench.dispatch()).at(-1), ["b"]);
  assert(workers.every(({ link }) => link.isOpen));
});

Deno.test("SoloCalls.dispatch() sends a call only to its host", async () => {
  await using bench = new Bench();
  bench.add("near");
  const far = bench.add("far");
  await bench.keepBusy(far, "1");
  bench.push("a@far", "b");
  assertEquals(await bench.dispatch(), [["b"], ["1"]]);
  assertEquals(far.link.reserved, "draining");
  await far.answer();
  assertEquals(await bench.dispatch(), [["b"], ["a@far"]]);
});

Deno.test("SoloCalls.dispatch() lets calls wait whose host has no worker", async () => {
  await using bench = new Bench();
  bench.add("near");
  bench.push("a@far", "b");
  assertEquals(await bench.dispatch(), [["b"]]);
  assertEquals(bench.solo.length, 1);
  bench.add("far");
  assertEquals(await bench.dispatch(), [["b"], ["a@far"]]);
});

Deno.test("SoloCalls.dispatch() leaves out workers that are lost", async () => {
  await using bench = new Bench();
  const lost = bench.add();
  await lost.hangUp();
  bench.push("a");
  assertEquals(await bench.dispatch(), [[]]);
  assertEquals([lost.link.reserved, bench.solo.length], [undefined, 1]);
});

Deno.test("SoloCalls.dispatch() skips calls that were taken out", async () => {
  await using bench = new Bench();
  const worker = bench.add();
  const [first] = bench.push("a", "b");
  bench.solo.remove(first!);
  assertEquals([bench.solo.length, first!.queue], [1, undefined]);
  assertEquals(await bench.dispatch(), [["b"]]);
  await worker.answer();
});

Deno.test("SoloCalls.dispatch() frees a worker that drains for nothing any more", async () => {
  await using bench = new Bench();
  const worker = bench.add();
  await bench.keepBusy(worker, "1");
  const [call] = bench.push("a");
  await bench.dispatch();
  assertFalse(worker.link.isOpen);
  bench.solo.remove(call!);
  await worker.answer();
  await bench.dispatch();
  assert(worker.link.isOpen);
});

Deno.test("SoloCalls.shift() takes the calls in their order", async () => {
  await using bench = new Bench();
  const [first, second] = bench.push("a", "b");
  assert(bench.solo.shift() === first);
  assert(bench.solo.shift() === second);
  assertEquals([bench.solo.shift(), bench.solo.length], [undefined, 0]);
});
