import { assertEquals } from "@std/assert";
import { ChunkSize } from "../../src/map/chunk_size.ts";
import { FlowControl } from "../../src/map/flow_control.ts";
import { MapCall } from "../../src/map/map_call.ts";
import { CHUNK, MAP } from "../helpers/fake_worker.ts";

/**
 * Returns how many calls a map has in flight at first, and after their outcomes
 * have arrived.
 */
function inFlight(isDistant: boolean): number[] {
  const flow = new FlowControl(new ChunkSize(1));
  const counts: number[] = [];
  let calls: MapCall[] = [];
  for (let step = 0; step < 3; step++) {
    for (const call of calls) flow.arrived(call);
    calls = [];
    const capacity = { workers: 2, concurrency: 2, capacity: 1_000 };
    flow.offer({ room: 1_000, ...capacity, isDistant });
    while (flow.isOpen(true)) {
      const call = new MapCall(MAP, CHUNK, [0]);
      flow.submitted(call);
      calls.push(call);
    }
    counts.push(calls.length);
  }
  return counts;
}

Deno.test("FlowControl begins with one call for each place, and adds one for each outcome", () => {
  assertEquals(inFlight(false), [2, 4, 8]);
});

Deno.test("FlowControl adds more calls if all workers are distant", () => {
  assertEquals(inFlight(true), [8, 40, 200]);
});

Deno.test("FlowControl lets chunks grow faster if all workers are distant", () => {
  const size = new ChunkSize("auto");
  const flow = new FlowControl(size);
  const capacity = { workers: 2, concurrency: 2, capacity: 1_000 };
  const sizes = [true, false].map((isDistant) => {
    flow.offer({ room: 1_000, ...capacity, isDistant });
    size.measured(10, 1, 1);
    return size.items;
  });
  assertEquals(sizes, [40, 20]);
});
