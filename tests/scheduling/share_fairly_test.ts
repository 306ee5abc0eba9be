import { assertEquals } from "@std/assert";
import { PromisedCall } from "../../src/calls/promised_call.ts";
import { TaskRegistry } from "../../src/tasks/task_registry.ts";
import { HostBench, settled } from "../helpers/fake_worker.ts";
import { range } from "../helpers/scheduler_fixture.ts";

/** A bench with three workers, two of which have answered a call. */
async function benchWith(
  first: number,
  second: number,
): Promise<HostBench> {
  const bench = new HostBench();
  for (let count = 0; count < 3; count++) await bench.add("local", 100);
  await bench.submit(undefined, "first", "second");
  await bench.worker(0).answer(first);
  await bench.worker(1).answer(second);
  return bench;
}

function loads({ labels }: HostBench): number[] {
  return labels.map(({ length }) => length);
}

Deno.test("shareFairly() sends tiny calls to few workers, although one call took long", async () => {
  await using bench = await benchWith(1, 8_000);
  await bench.submit(undefined, ...range(40));
  // The square roots of 40 * 20 µs / 2 µs, and of 20 * 20 µs / 2 µs.
  assertEquals(loads(bench), [20, 14, 6]);
});

Deno.test("shareFairly() shares longer calls equally", async () => {
  await using bench = await benchWith(1_000, 1_000);
  await bench.submit(undefined, ...range(30));
  assertEquals(loads(bench), [10, 10, 10]);
});

Deno.test("shareFairly() shares calls of another task equally, however short the others were", async () => {
  await using bench = await benchWith(1, 1);
  const other = new TaskRegistry(() => {}).register((x: number) => x + 1);
  for (const x of range(30)) {
    const call = new PromisedCall(other, [x], undefined);
    call.promise.catch(() => {});
    bench.scheduler.submit(call);
  }
  await settled();
  assertEquals(loads(bench), [10, 10, 10]);
});
