import { assertEquals, assertStrictEquals } from "@std/assert";
import type { Call } from "../../src/calls/call.ts";
import { MapCall } from "../../src/map/map_call.ts";
import { Retries } from "../../src/scheduling/retries.ts";
import { call, CHUNK, MAP, RUNNER } from "../helpers/fake_worker.ts";

/** Returns a chunk of two items that was sent to a worker. */
function sentChunk(): MapCall {
  const chunk = new MapCall(MAP, CHUNK, ["a", "b"]);
  chunk.send(RUNNER, 0, 0, 0);
  return chunk;
}

Deno.test("Retries.losses() returns how often a call was lost and ran again", () => {
  const retries = new Retries();
  const [first, second] = [call("first"), call("second")];
  for (let times = 0; times < 2; times++) {
    first.send(RUNNER, 0, 0, 0);
    retries.rerun(first, () => {});
  }
  assertEquals([retries.losses(first), retries.losses(second)], [2, 0]);
});

Deno.test("Retries.rerun() submits the call itself or its parts one by one", () => {
  const retries = new Retries();
  const single = call("single");
  single.send(RUNNER, 0, 0, 0);
  retries.rerun(single, (next) => assertStrictEquals(next, single));
  assertEquals(single.state, "requeued");

  const chunk = sentChunk();
  const parts: Call[] = [];
  retries.rerun(chunk, (next) => parts.push(next));
  assertEquals([chunk.state, parts.length], ["requeued", 1]);
  parts[0]!.succeed("a", 1);
  assertEquals([chunk.state, parts.length], ["requeued", 2]);
  // A part inherits the losses of its chunk.
  assertEquals(retries.losses(parts[1]!), 1);
  parts[1]!.succeed("b", 1);
  assertEquals([chunk.state, chunk.values], ["settled", ["a", "b"]]);
});

Deno.test("Retries.release() abandons the current part of an abandoned call", () => {
  const retries = new Retries();
  const chunk = sentChunk();
  const parts: Call[] = [];
  retries.rerun(chunk, (next) => parts.push(next));
  parts[0]!.send(RUNNER, 1, 1, 1);
  chunk.abandon();
  assertEquals([chunk.state, parts[0]!.state], ["settled", "abandoned"]);
  parts[0]!.succeed("a", 1);
  assertEquals(parts.length, 1);
});
