import { assertEquals } from "@std/assert";
import { ChunkSize } from "../../src/map/chunk_size.ts";
import { FlowControl } from "../../src/map/flow_control.ts";
import { MapCall } from "../../src/map/map_call.ts";
import { CHUNK, MAP } from "../helpers/fake_worker.ts";

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
  flow.offer({ room, isShared, workers, concurrency: 2, capacity: room });
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
