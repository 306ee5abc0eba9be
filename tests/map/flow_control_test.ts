import { assertEquals } from "@std/assert";
import { ChunkSize } from "../../src/map/chunk_size.ts";
import { FlowControl } from "../../src/map/flow_control.ts";
import { MapCall } from "../../src/map/map_call.ts";
import { CHUNK, MAP } from "../helpers/fake_worker.ts";

/**
 * Returns how many calls a map has in flight at first, and after their outcomes
 * have arrived.
 */
function firstInFlight(isDistant: boolean): number[] {
  const flow = new FlowControl(new ChunkSize(1));
  const counts: number[] = [];
  let calls: MapCall[] = [];
  for (let step = 0; step < 3; step++) {
    for (const call of calls) flow.arrived(call);
    calls = [];
    const capacity = { workers: 2, concurrency: 2, capacity: 1_000 };
    flow.offer({ room: 1_000, isShared: false, ...capacity, isDistant });
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
  assertEquals(firstInFlight(false), [2, 4, 8]);
});

Deno.test("FlowControl adds more calls if all workers are distant", () => {
  assertEquals(firstInFlight(true), [8, 40, 200]);
});

Deno.test("FlowControl lets chunks grow faster if all workers are distant", () => {
  const size = new ChunkSize("auto");
  const flow = new FlowControl(size);
  const capacity = { workers: 2, concurrency: 2, capacity: 1_000 };
  const sizes = [true, false].map((isDistant) => {
    flow.offer({ room: 1_000, isShared: false, ...capacity, isDistant });
    size.measured(10, 1, 1);
    return size.items;
  });
  assertEquals(sizes, [40, 20]);
});

const CHUNK_SIZE = 1_000;

/** Makes a flow control that has had many outcomes. */
function make(): FlowControl {
  const flow = new FlowControl(new ChunkSize(CHUNK_SIZE));
  const call = new MapCall(MAP, CHUNK, []);
  offer(flow, false);
  for (let count = 0; count < 100; count++) {
    flow.submitted(call);
    flow.arrived(call);
    flow.read(call);
  }
  return flow;
}

function offer(flow: FlowControl, isShared: boolean): void {
  const workers = 2;
  const room = 1_000;
  const capacity = { workers, concurrency: 2, capacity: room };
  flow.offer({ room, isShared, ...capacity, isDistant: false });
}

/** Returns how many chunks may be in flight. */
function inFlight(flow: FlowControl): number {
  const call = new MapCall(MAP, CHUNK, []);
  let count = 0;
  for (; flow.isOpen(true); count++) flow.submitted(call);
  for (let left = count; left > 0; left--) {
    flow.arrived(call);
    flow.read(call);
  }
  return count;
}

Deno.test("FlowControl allows less in flight while other calls share the workers", () => {
  const flow = make();
  assertEquals(inFlight(flow), 18);
  offer(flow, true);
  assertEquals(inFlight(flow), 6);
  offer(flow, false);
  assertEquals(inFlight(flow), 18);
});

Deno.test("FlowControl allows at least two chunks per worker in flight", () => {
  const flow = new FlowControl(new ChunkSize(1_000_000));
  const call = new MapCall(MAP, CHUNK, []);
  for (let count = 0; count < 9; count++) {
    offer(flow, true);
    flow.submitted(call);
    flow.arrived(call);
    flow.read(call);
  }
  assertEquals(inFlight(flow), 4);
});

Deno.test("FlowControl.share() divides the items that are left among twice as many workers", () => {
  const flow = new FlowControl(new ChunkSize("auto"));
  const capacity = { workers: 2, concurrency: 2, capacity: 1_000 };
  flow.offer({ room: 1, isShared: false, ...capacity, isDistant: false });
  assertEquals([17, 8, 1, 0].map((left) => flow.share(left)), [5, 2, 1, 0]);
  assertEquals(flow.share(Infinity), Infinity);
});

Deno.test("FlowControl gives the room of items that wait to run again to others", () => {
  const flow = make();
  const most = inFlight(flow);
  const calls = Array.from({ length: 10 }, () => new MapCall(MAP, CHUNK, [0]));
  for (const call of calls) {
    flow.submitted(call);
    flow.delayed(call);
  }
  offer(flow, false);
  assertEquals(inFlight(flow), most);
  for (const call of calls) flow.resumed(call);
  assertEquals(inFlight(flow), most - 10);
  for (const call of calls) flow.arrived(call);
});

Deno.test("FlowControl stops when 8,192 items per worker wait to run again", () => {
  const flow = make();
  let count = 0;
  for (; flow.isOpen(true); count++) {
    const call = new MapCall(MAP, CHUNK, [0]);
    flow.submitted(call);
    flow.delayed(call);
    offer(flow, false);
  }
  assertEquals(count, 2 * 8_192);
});
