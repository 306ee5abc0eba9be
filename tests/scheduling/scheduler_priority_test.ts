import { assertEquals } from "@std/assert";
import fc from "fast-check";
import type { PromisedCall } from "../../src/calls/promised_call.ts";
import type { PlacementTerms } from "../../src/calls/placement.ts";
import {
  type FakeWorker,
  HostBench,
  placedCall,
  settled,
} from "../helpers/fake_worker.ts";
import { SEED } from "../fuzz/fuzz.ts";
import { Source } from "../helpers/scheduler_fixture.ts";

/** Submits calls whose labels are their priorities. */
async function submit(
  { scheduler }: HostBench,
  priorities: readonly number[],
  placement: PlacementTerms = {},
): Promise<PromisedCall<unknown>[]> {
  const calls = priorities.map((priority) =>
    placedCall(priority, placement, 0, priority === 0 ? undefined : priority)
  );
  for (const call of calls) scheduler.submit(call);
  await settled();
  return calls;
}

Deno.test("Scheduler sends calls of a higher priority first", async () => {
  await using bench = await HostBench.with("a");
  await submit(bench, [0, -1, 2, 0, 1, 2]);
  assertEquals(await bench.worker(0).answerAll(), [2, 2, 1, 0, 0, -1]);
});

Deno.test("Scheduler doesn't overtake calls that a worker has", async () => {
  await using bench = new HostBench();
  const worker = await bench.add("a", 2);
  await submit(bench, [0, 0, 0]);
  await submit(bench, [1]);
  assertEquals(await worker.answerAll(), [0, 0, 1, 0]);
});

Deno.test("Scheduler sends calls of a higher priority first wherever they may run", async () => {
  await using bench = await HostBench.with("a", "b");
  await submit(bench, [0, 0, 0, 0]);
  await submit(bench, [1], { host: "b" });
  await submit(bench, [2]);
  const [a, b] = [bench.worker(0), bench.worker(1)];
  await b.answer();
  assertEquals(bench.labels, [[0], [2]]);
  await a.answer();
  assertEquals(bench.labels, [[0], [2]]);
  await b.answer();
  assertEquals(bench.labels, [[0], [1]]);
});

Deno.test("Scheduler sends calls of a lower priority where those of a higher one can't run", async () => {
  await using bench = await HostBench.with("a", "b");
  await submit(bench, [1, 1], { host: "a" });
  await submit(bench, [0]);
  assertEquals(bench.labels, [[1], [0]]);
});

Deno.test("Scheduler puts calls that a worker gives back before others of their priority", async () => {
  await using bench = new HostBench();
  const worker = await bench.add("a", 3);
  const calls = await submit(bench, [5, 0, 5]);
  assertEquals(worker.labels, [5, 5, 0]);
  bench.scheduler.drain(worker.handle);
  await submit(bench, [5, 0, 1]);
  await worker.recalled();
  await worker.giveBack(2);
  assertEquals(calls.map(({ state }) => state), ["sent", "queued", "queued"]);
  const other = await bench.add("a", 1);
  assertEquals(await other.answerAll(), [5, 5, 1, 0, 0]);
});

Deno.test("Scheduler holds calls of all priorities back behind runOnAll", async () => {
  await using bench = await HostBench.with("a");
  await submit(bench, [0]);
  const all = bench.scheduler.submitToAll(() => placedCall("all", {}));
  await submit(bench, [0, 9]);
  assertEquals(await bench.worker(0).answerAll(), [0, "all", 9, 0]);
  await all;
});

Deno.test("Scheduler gives resources to calls of a higher priority first", async () => {
  await using bench = new HostBench();
  const place = { labels: {}, resources: { gpu: 2 } };
  const worker = await bench.add("a", 1, place);
  const other = await bench.add("a", 1, place);
  const [one, two] = [{ resources: { gpu: 1 } }, { resources: { gpu: 2 } }];
  await submit(bench, [0, 0, 3], one);
  await submit(bench, [2, 4, -1], two);
  await submit(bench, [1, 5], one);
  const begun: unknown[] = [];
  while (worker.labels.length + other.labels.length > 0) {
    const next = worker.labels.length > 0 ? worker : other;
    begun.push(await next.answer());
  }
  // 3 and the first 0 had begun before the others came.
  assertEquals(begun, [3, 5, 0, 4, 2, 1, 0, -1]);
});

const GPU = { resources: { gpu: 1 } };

/** A bench with a worker of a machine that has this many GPUs. */
async function gpuBench(gpu: number): Promise<[HostBench, FakeWorker]> {
  const bench = new HostBench();
  const place = { labels: {}, resources: { gpu } };
  return [bench, await bench.add("a", 1, place)];
}

Deno.test("Scheduler gives resources that are free again to the call of the highest priority, even if it has just come", async () => {
  const [bench, worker] = await gpuBench(1);
  await using _ = bench;
  const [first] = await submit(bench, [0], GPU);
  await submit(bench, [-1], GPU);
  first!.promise.then(() => bench.scheduler.submit(placedCall(1, GPU, 0, 1)));
  assertEquals(await worker.answerAll(), [0, 1, -1]);
});

Deno.test("Scheduler gives a worker that is kept for a call to one of a higher priority", async () => {
  const [bench, worker] = await gpuBench(2);
  await using _ = bench;
  await submit(bench, [0]);
  await submit(bench, [-1], GPU);
  assertEquals(worker.handle.reservation, "draining");
  await submit(bench, [1], GPU);
  assertEquals(await worker.answerAll(), [0, 1, -1]);
});

Deno.test("Scheduler sends calls with resources and others in the order of their priority", async () => {
  const [bench, worker] = await gpuBench(1);
  await using _ = bench;
  const { scheduler } = bench;
  // Those that come together.
  scheduler.submit(placedCall(-1, GPU, 0, -1));
  await submit(bench, [1]);
  assertEquals(await worker.answerAll(), [1, -1]);
  // The worker is kept for the one of the lower priority.
  await submit(bench, [0]);
  await submit(bench, [-1], GPU);
  await submit(bench, [1, 1]);
  assertEquals(await worker.answerAll(), [0, 1, 1, -1]);
  // They take turns only with those of the same priority.
  await submit(bench, [0], GPU);
  await submit(bench, [-1]);
  await submit(bench, [1, 1], GPU);
  assertEquals(await worker.answerAll(), [0, 1, 1, -1]);
});

Deno.test("Scheduler asks sources of a higher priority first", async () => {
  await using bench = new HostBench();
  const worker = await bench.add("a", 3);
  const low = new Source(bench.scheduler, "low", Infinity);
  const high = new Source(bench.scheduler, "high", 2, 1);
  bench.scheduler.addSource(low);
  bench.scheduler.addSource(high);
  await settled();
  assertEquals([high.asked, low.asked], [[3], [1]]);
  assertEquals(worker.labels, ["high", "high", "low"]);
  await worker.answer();
  assertEquals([high.asked, low.asked], [[3, 1], [1]]);
});

Deno.test("Scheduler asks a source before calls of a lower priority, and after others", async () => {
  await using bench = await HostBench.with("a");
  await submit(bench, [0, 0, 2]);
  bench.scheduler.addSource(new Source(bench.scheduler, "source", 1, 1));
  await settled();
  const worker = bench.worker(0);
  assertEquals(worker.labels, [2]);
  const labels: unknown[] = [];
  for (let count = 0; count < 4; count++) labels.push(await worker.answer());
  assertEquals(labels, [2, "source", "source", "source"]);
});

type Step =
  | { readonly submit: number; readonly host: string | undefined }
  | { readonly answer: number };

const STEPS: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    submit: fc.integer({ min: -2, max: 2 }),
    host: fc.constantFrom(undefined, "a", "b"),
  }),
  fc.record({ answer: fc.nat(2) }),
);

/** A waiting call of the model. */
interface Waiting {
  readonly number: number;
  readonly priority: number;
  readonly host: string | undefined;
}

/** Returns the first of some calls that may run on a host. */
function best(waiting: readonly Waiting[], host: string): Waiting | undefined {
  return waiting.filter((call) => (call.host ?? host) === host)
    .toSorted((one, other) => other.priority - one.priority)[0];
}

Deno.test("Scheduler leaves no call waiting that comes before one that it sends", async () => {
  const hosts = ["a", "b", "b"];
  const property = fc.asyncProperty(
    fc.array(STEPS, { maxLength: 40 }),
    async (steps) => {
      await using bench = await HostBench.with(...hosts);
      let waiting: Waiting[] = [];
      let number = 0;
      for (const step of steps) {
        const before = bench.labels.flat();
        if ("submit" in step) {
          const { submit: priority, host } = step;
          waiting.push({ number, priority, host });
          bench.scheduler.submit(placedCall(
            number++,
            { host },
            0,
            priority === 0 ? undefined : priority,
          ));
          await settled();
        } else {
          const worker = bench.worker(step.answer);
          if (worker.labels.length > 0) await worker.answer();
        }
        bench.labels.forEach(([label], index) => {
          if (label === undefined || before.includes(label)) return;
          const sent = waiting.find(({ number }) => number === label)!;
          assertEquals(sent, best(waiting, hosts[index]!));
          waiting = waiting.filter((call) => call !== sent);
        });
        // No worker is idle while a call waits for it.
        bench.labels.forEach(({ length }, index) => {
          if (length === 0) {
            assertEquals(best(waiting, hosts[index]!), undefined);
          }
        });
      }
    },
  );
  await fc.assert(property, { seed: SEED, numRuns: 60 });
});
