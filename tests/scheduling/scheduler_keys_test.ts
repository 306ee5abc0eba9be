import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { CallKind } from "../../src/calls/call_kind.ts";
import { bucketOf } from "../../src/calls/key_bucket.ts";
import { Placement, type PlacementTerms } from "../../src/calls/placement.ts";
import { PromisedCall } from "../../src/calls/promised_call.ts";
import {
  call,
  type FakeWorker,
  HostBench,
  placedCall,
  settled,
  TASK,
} from "../helpers/fake_worker.ts";
import { SEED } from "../fuzz/fuzz.ts";
import { Source } from "../helpers/scheduler_fixture.ts";

interface Terms extends PlacementTerms {
  readonly priority?: number;
  readonly retries?: number;
}

/** Makes a call whose label begins with its key, such as `"a1"`. */
function keyed(
  label: string,
  { priority, retries = 0, ...placement }: Terms = {},
): PromisedCall<unknown> {
  const terms = {
    placement: Placement.of({ ...placement, isKeyed: true }),
    retries,
    priority,
    bucket: bucketOf(label[0]!),
  };
  const kind = new CallKind(TASK, terms, undefined, true);
  const call = new PromisedCall<unknown>(kind, label, undefined);
  call.promise.catch(() => {});
  return call;
}

async function submit(
  { scheduler }: HostBench,
  labels: readonly string[],
  terms?: Terms,
): Promise<PromisedCall<unknown>[]> {
  const calls = labels.map((label) => keyed(label, terms));
  for (const call of calls) scheduler.submit(call);
  await settled();
  return calls;
}

Deno.test("Scheduler sends calls with the same key to the same worker", async () => {
  await using bench = new HostBench();
  await bench.add("a", 9);
  await bench.add("b", 9);
  await submit(bench, ["a1", "b1", "b2", "a2", "a3", "b3"]);
  await submit(bench, ["b4", "a4"]);
  assertEquals(bench.labels, [["a1", "a2", "a3", "a4"], [
    "b1",
    "b2",
    "b3",
    "b4",
  ]]);
});

Deno.test("Scheduler lets a call wait for the worker of its key, and sends others", async () => {
  await using bench = await HostBench.with("a", "b", "c");
  await submit(bench, ["a1", "a2", "a3", "b1"]);
  assertEquals(bench.labels, [["a1"], ["b1"], []]);
  await bench.submit(undefined, "other", "another");
  assertEquals(bench.labels, [["a1"], ["b1"], ["other"]]);
  await bench.worker(2).answer();
  await bench.worker(2).answer();
  assertEquals(bench.labels, [["a1"], ["b1"], []]);
  assertEquals(await bench.worker(0).answerAll(), ["a1", "a2", "a3"]);
});

Deno.test("Scheduler gives keys to the workers with the fewest", async () => {
  await using bench = new HostBench();
  for (const host of ["a", "b", "c"]) await bench.add(host, 99);
  await submit(bench, [..."abcdefghijkl"].map((key) => `${key}1`));
  assertEquals(bench.labels.map(({ length }) => length), [4, 4, 4]);
  await bench.add("d", 99);
  await submit(bench, [..."mnop"].map((key) => `${key}1`));
  assertEquals(bench.labels.map(({ length }) => length), [4, 4, 4, 4]);
});

Deno.test("Scheduler gives a worker that is added the keys that wait for their first worker", async () => {
  await using bench = await HostBench.with("a");
  await submit(bench, ["a1", "b1", "a2", "b2"]);
  assertEquals(bench.labels, [["a1"]]);
  await bench.add("b");
  assertEquals(bench.labels, [["a1"], ["b1"]]);
  assertEquals(await bench.worker(1).answerAll(), ["b1", "b2"]);
  assertEquals(await bench.worker(0).answerAll(), ["a1", "a2"]);
});

Deno.test("Scheduler keeps the order of calls with the same key", async () => {
  await using bench = await HostBench.with("a");
  await submit(bench, ["b1", "a1", "a2"]);
  await submit(bench, ["a3"]);
  await bench.add("b");
  await submit(bench, ["a4"]);
  assertEquals(await bench.worker(1).answerAll(), ["a1", "a2", "a3", "a4"]);
});

Deno.test("Scheduler gives the keys of a lost worker to others", async () => {
  await using bench = new HostBench();
  await bench.add("a", 3);
  await bench.add("b", 3);
  await submit(bench, ["a1", "b1"]);
  await submit(bench, ["a2", "a3", "a4", "a5"]);
  assertEquals(bench.labels, [["a1", "a2", "a3"], ["b1"]]);
  await bench.worker(0).hangUp();
  await bench.worker(0).gone;
  await settled();
  // Its first call had begun.
  assertEquals(bench.worker(1).labels, ["b1", "a2", "a3"]);
  assertEquals(await bench.worker(1).answerAll(), [
    "b1",
    "a2",
    "a3",
    "a4",
    "a5",
  ]);
});

Deno.test("Scheduler gives the keys of a worker that leaves to others", async () => {
  await using bench = new HostBench();
  await bench.add("a", 2);
  await bench.add("b", 2);
  await submit(bench, ["a1", "a2", "a3"]);
  bench.scheduler.drain(bench.worker(0).handle);
  await bench.worker(0).recalled();
  await bench.worker(0).giveBack(1);
  // The last one didn't wait until the worker gave back the second one.
  assertEquals(bench.labels, [["a1"], ["a3", "a2"]]);
});

Deno.test("Scheduler sends calls with a key that come back to the same worker first", async () => {
  await using bench = new HostBench();
  const worker = await bench.add("a", 3);
  await bench.add("b", 3);
  await bench.submit("a", "other");
  await submit(bench, ["a1", "b1"], { host: "a" });
  await submit(bench, ["a2"], { host: "a" });
  worker.handle.recall({ parts: 0, keep: 0, cut: true });
  await worker.recalled();
  worker.handle.reserve("draining");
  await worker.giveBack(2);
  assertEquals(worker.labels, ["other"]);
  worker.handle.reserve(undefined);
  bench.scheduler.wake();
  await settled();
  assertEquals(worker.labels, ["other", "a1", "b1"]);
  assertEquals(await worker.answerAll(), ["other", "a1", "b1", "a2"]);
});

Deno.test("Scheduler doesn't take calls with keys back for other workers", async () => {
  let now = 1_000;
  await using bench = new HostBench(() => now);
  const worker = await bench.add("a", 9);
  await submit(bench, ["a1", "a2", "a3"]);
  await bench.add("b", 9);
  now += 60_000;
  bench.scheduler.wake();
  await settled();
  assertEquals([worker.recalls, bench.scheduler.waitingWork], [0, []]);
});

Deno.test("Scheduler pauses before it asks a worker again that gave back calls with keys", async () => {
  await using bench = new HostBench(() => 1_000);
  const worker = await bench.add("a", 9);
  await bench.submit(undefined, "first", "second");
  await worker.answer(10_000);
  await submit(bench, ["a1", "a2"]);
  await bench.add("b", 9);
  await worker.recalled();
  await worker.giveBack(2);
  assertEquals(bench.labels, [["second", "a1", "a2"], []]);
  assertEquals(worker.recalls, 1);
});

Deno.test("Scheduler.backUp() doesn't run calls with keys again", async () => {
  await using bench = await HostBench.with("a", "b");
  const [first] = await submit(bench, ["a1"]);
  const isStarted = bench.scheduler.backUp(first!, () => keyed("a2"));
  assertEquals([isStarted, bench.labels], [false, [["a1"], []]]);
});

Deno.test("Scheduler sends calls with keys where they may run", async () => {
  await using bench = new HostBench();
  for (const host of ["a", "b", "b"]) await bench.add(host, 9);
  await submit(bench, ["a1", "b1", "a2", "c1"], { host: "b" });
  assertEquals(bench.labels, [[], ["a1", "a2"], ["b1", "c1"]]);
});

Deno.test("Scheduler sends calls with keys in the order of their priority", async () => {
  await using bench = await HostBench.with("a");
  await submit(bench, ["a1", "a2", "b1"]);
  await submit(bench, ["a3", "b2"], { priority: 1 });
  await submit(bench, ["a4"], { priority: 2 });
  assertEquals(await bench.worker(0).answerAll(), [
    "a1",
    "a4",
    "a3",
    "b2",
    "a2",
    "b1",
  ]);
});

Deno.test("Scheduler lets calls with keys and others take turns", async () => {
  await using bench = await HostBench.with("a");
  await submit(bench, ["a1", "a2", "a3"]);
  await bench.submit(undefined, 1, 2, 3);
  const labels = await bench.worker(0).answerAll();
  assertEquals(
    labels.slice(1, 5).filter((label) => label === 1 || label === 2)
      .length,
    2,
  );
  assertEquals(labels.length, 6);
});

Deno.test("Scheduler offers a source the room of workers for which only calls with keys wait elsewhere", async () => {
  await using bench = await HostBench.with("a", "b");
  await submit(bench, ["a1", "a2", "a3"]);
  bench.scheduler.addSource(new Source(bench.scheduler, "source"));
  await settled();
  assertEquals(bench.labels, [["a1"], ["source"]]);
});

Deno.test("Scheduler gives a call with a key resources of its worker's machine", async () => {
  await using bench = new HostBench();
  for (const host of ["a", "b"]) {
    await bench.add(host, 9, { labels: {}, resources: { gpu: 1 } });
  }
  const resources = { gpu: 1 };
  await submit(bench, ["a1", "a2", "b1", "a3"], { resources });
  assertEquals(bench.labels, [["a1"], ["b1"]]);
  await bench.worker(1).answer();
  assertEquals(bench.labels, [["a1"], []]);
  assertEquals(await bench.worker(0).answerAll(), ["a1", "a2", "a3"]);
  await submit(bench, ["a4", "a5"], { resources });
  await bench.worker(0).hangUp();
  await bench.worker(0).gone;
  await settled();
  assertEquals(bench.worker(1).labels, ["a5"]);
});

Deno.test("Scheduler sends calls with a key and resources that a source submits", async () => {
  await using bench = new HostBench();
  const place = { labels: {}, resources: { gpu: 1 } };
  const worker = await bench.add("a", 1, place);
  const { scheduler } = bench;
  const source = {
    placement: Placement.of({ isKeyed: true, resources: { gpu: 1 } }),
    ended: false,
    pull() {
      this.ended = true;
      scheduler.submit(keyed("a1", { resources: { gpu: 1 } }));
    },
    stop() {},
  };
  scheduler.addSource(source);
  await settled();
  assertEquals(worker.labels, ["a1"]);
});

Deno.test("Scheduler runs a lost call with a key in isolation at the new worker of its key", async () => {
  for (const resources of [{}, { gpu: 1 }]) {
    await using bench = new HostBench();
    const place = { labels: {}, resources: { gpu: 2 } };
    const [first, other, last] = [
      await bench.add("a", 1, place),
      await bench.add("b", 1, { ...place }),
      await bench.add("c", 1, { ...place }),
    ];
    await submit(bench, ["a1"], { resources, retries: 1 });
    assertEquals(first.labels, ["a1"]);
    await first.hangUp();
    await first.gone;
    await settled();
    assertEquals(bench.labels.slice(1), [["a1"], []]);
    await submit(bench, ["a2", "b1"], { resources, retries: 1 });
    assertEquals(last.labels, ["b1"]);
    assertEquals(await other.answerAll(), ["a1", "a2"]);
  }
});

Deno.test("Scheduler runs a lost call at once, though the new worker of its key has got its last call", async () => {
  await using bench = new HostBench();
  const place = { labels: {}, resources: { gpu: 2 } };
  const lost = await bench.add("a", 1, place);
  await bench.add("a", 1, place, 1);
  await bench.add("a", 1, place);
  const resources = { gpu: 1 };
  await submit(bench, ["a1"], { resources, retries: 1 });
  await submit(bench, ["a2"], { resources, priority: 1 });
  // While others wait, calls of a higher priority come before lost ones.
  bench.scheduler.submit(placedCall("low", { resources: { gpu: 2 } }, 0, -1));
  assertEquals(bench.labels, [["a1"], [], []]);
  await lost.hangUp();
  assertEquals(bench.labels.slice(1), [["a2"], ["a1"]]);
});

Deno.test("CallSituations.of() reports that a GPU is kept for a call with another key", async () => {
  await using bench = new HostBench();
  const place = { labels: {}, resources: { gpu: 1 } };
  const one = await bench.add("a", 1, place);
  const other = await bench.add("a", 1, place);
  const terms = { resources: { gpu: 1 } };
  await submit(bench, ["a1"], terms);
  await submit(bench, ["b1"], terms);
  await one.answer();
  await other.answer();
  await bench.submit(undefined, "other");
  await submit(bench, ["a2"], terms);
  const [waiting] = await submit(bench, ["b2"], terms);
  assertEquals(bench.labels, [["other"], []]);
  const situation = bench.scheduler.situations.of(waiting!);
  assertEquals(situation.code === "waiting" && situation.reason, {
    code: "resources",
    placement: Placement.of({ ...terms, isKeyed: true })!,
    uses: [],
  });
});

Deno.test("CallSituations.of() reports the use of the machine where a call with a key must run", async () => {
  await using bench = new HostBench();
  const place = { labels: {}, resources: { gpu: 1 } };
  const one = await bench.add("a", 1, place);
  await bench.add("a", 1, place);
  await bench.add("b", 1, { ...place });
  const terms = { resources: { gpu: 1 } };
  await submit(bench, ["a1", "b1"], terms);
  await one.answer();
  const [waiting] = await submit(bench, ["a2"], terms);
  assertEquals(bench.labels, [[], ["b1"], []]);
  const situation = bench.scheduler.situations.of(waiting!);
  const reason = situation.code === "waiting" ? situation.reason : undefined;
  const uses = reason?.code === "resources" ? reason.uses : [];
  assertEquals(uses.map(({ worker }) => worker), ["a worker"]);
});

Deno.test("Scheduler.cancelQueued() fails calls that wait for the workers of their keys", async () => {
  await using bench = await HostBench.with("a", "b");
  const calls = await submit(bench, ["a1", "a2", "b1", "c1"]);
  assertEquals(bench.scheduler.queued, 2);
  bench.scheduler.cancelQueued(() => new Error("cancelled"));
  assertEquals(calls.map(({ state }) => state), [
    "sent",
    "settled",
    "sent",
    "settled",
  ]);
  assertEquals(bench.scheduler.queued, 0);
});

Deno.test("Scheduler lets runOnAll wait for calls with keys", async () => {
  await using bench = await HostBench.with("a", "b");
  await submit(bench, ["a1", "a2"]);
  const all = bench.scheduler.submitToAll(() => call("all"));
  await submit(bench, ["a3"]);
  await bench.worker(0).answer();
  assertEquals(bench.labels, [["a2"], []]);
  await bench.worker(0).answer();
  assertEquals(bench.labels, [["all"], ["all"]]);
  await bench.worker(0).answer();
  await bench.worker(1).answer();
  await all;
  await settled();
  assertEquals(bench.labels, [["a3"], []]);
});

type Step =
  | { readonly submit: string | undefined; readonly priority: number }
  | { readonly answer: number }
  | { readonly add: true }
  | { readonly lose: number };

const STEPS: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      submit: fc.constantFrom(undefined, "a", "b", "c", "d"),
      priority: fc.nat(1),
    }),
  },
  { weight: 6, arbitrary: fc.record({ answer: fc.nat(3) }) },
  { weight: 1, arbitrary: fc.record({ add: fc.constant(true as const) }) },
  { weight: 1, arbitrary: fc.record({ lose: fc.nat(3) }) },
);

Deno.test("Scheduler runs all calls with keys, each key at one worker at a time", async () => {
  const property = fc.asyncProperty(
    fc.array(STEPS, { maxLength: 50 }),
    async (steps) => {
      await using bench = await HostBench.with("a", "b");
      const workers = [bench.worker(0), bench.worker(1)];
      const submitted: PromisedCall<unknown>[] = [];
      /** The worker of each key, since a worker was lost last. */
      const owners = new Map<string, FakeWorker>();
      const answer = async (worker: FakeWorker) => {
        for (const label of worker.labels as string[]) {
          if (label[0] === "-") continue;
          assertEquals(owners.get(label[0]!) ?? worker, worker);
          owners.set(label[0]!, worker);
        }
        await worker.answer();
      };
      for (const step of steps) {
        if ("submit" in step) {
          const { submit, priority } = step;
          const label = `${submit ?? "-"}${submitted.length}`;
          const made = submit === undefined
            ? call(label, undefined, 1)
            : keyed(label, {
              retries: 1,
              ...priority === 0 ? {} : { priority },
            });
          submitted.push(made);
          bench.scheduler.submit(made);
          await settled();
        } else if ("answer" in step) {
          const worker = workers[step.answer];
          if (worker !== undefined && worker.labels.length > 0) {
            await answer(worker);
          }
        } else if ("add" in step) {
          if (workers.length < 4) workers.push(await bench.add("c"));
        } else if (workers.length > 1 && step.lose < workers.length) {
          const [lost] = workers.splice(step.lose, 1);
          await lost!.hangUp();
          await lost!.gone;
          await settled();
          for (const [key, worker] of owners) {
            if (worker === lost) owners.delete(key);
          }
        }
      }
      for (let isBusy = true; isBusy;) {
        isBusy = false;
        for (const worker of workers) {
          if (worker.labels.length === 0) continue;
          await answer(worker);
          isBusy = true;
        }
      }
      assertEquals(bench.scheduler.queued, 0);
      assert(submitted.every(({ state }) => state === "settled"));
    },
  );
  await fc.assert(property, { seed: SEED, numRuns: 60 });
});
