import { assertEquals } from "@std/assert";
import { MapCall } from "../../src/map/map_call.ts";
import { CHUNK, MAP } from "../helpers/fake_worker.ts";
import { Bench, dispatched, Source } from "../helpers/scheduler_fixture.ts";

Deno.test("Scheduler offers a source the room of all workers", async () => {
  await using bench = await Bench.with(3, 4);
  bench.submit("queued before");
  const source = new Source(bench.scheduler, "source", Infinity);
  bench.scheduler.addSource(source);
  await dispatched();
  assertEquals(source.asked, [6]);
  assertEquals(bench.loads, [3, 4]);
});

Deno.test("Scheduler doesn't ask sources while no worker has room", async () => {
  await using bench = await Bench.with(1);
  const source = new Source(bench.scheduler, "source");
  bench.submit("first", "second");
  await dispatched();
  bench.scheduler.addSource(source);
  await dispatched();
  assertEquals(source.asked, []);
  assertEquals(await bench.worker(0).answer(), "first");
  assertEquals(await bench.worker(0).answer(), "second");
  assertEquals(await bench.worker(0).answer(), "source");
});

Deno.test("Scheduler asks sources in turn", async () => {
  await using bench = await Bench.with(1);
  for (const label of ["a", "b", "c"]) {
    bench.scheduler.addSource(new Source(bench.scheduler, label));
  }
  const labels: unknown[] = [];
  for (let count = 0; count < 9; count++) {
    labels.push(await bench.worker(0).answer());
  }
  const round = labels.slice(0, 3);
  assertEquals(round.toSorted(), ["a", "b", "c"]);
  assertEquals(labels, [...round, ...round, ...round]);
});

Deno.test("Scheduler offers a source the room that the previous source left", async () => {
  await using bench = await Bench.with(10);
  const sources = ["a", "b"].map((label) =>
    new Source(bench.scheduler, label, 4)
  );
  for (const source of sources) bench.scheduler.addSource(source);
  await dispatched();
  assertEquals(sources.flatMap(({ asked }) => asked).toSorted(), [10, 6]);
});

Deno.test("Scheduler doesn't ask a source that has ended", async () => {
  await using bench = await Bench.with(1);
  const source = new Source(bench.scheduler, "source");
  bench.scheduler.addSource(source);
  await bench.worker(0).arrived();
  source.end();
  await bench.worker(0).answer();
  await bench.scheduler.idle();
  assertEquals(source.asked, [1]);
});

Deno.test("Scheduler offers a source workers as shared if other calls use them", async () => {
  await using bench = await Bench.with(9);
  const source = new Source(bench.scheduler, "source", 0);
  bench.scheduler.addSource(source);
  await dispatched();
  bench.scheduler.submit(new MapCall(MAP, CHUNK, ["of a map"]));
  await dispatched();
  bench.submit("other");
  await dispatched();
  assertEquals(source.shared, [false, false, true]);
});
