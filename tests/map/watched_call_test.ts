import { assertEquals } from "@std/assert";
import type { Call } from "../../src/calls/call.ts";
import { WatchedCall } from "../../src/map/watched_call.ts";
import { CHUNK, MAP, RUNNER } from "../helpers/fake_worker.ts";

/** Returns a call that two workers have, and its second run. */
function twoRuns(): [call: WatchedCall, backup: Call] {
  const call = new WatchedCall(MAP, CHUNK, ["a", "b"]);
  call.send(RUNNER, 1, 1, 1);
  const backup = call.makeBackup();
  backup.send(RUNNER, 1, 1, 1);
  return [call, backup];
}

Deno.test("WatchedCall ignores values that its second run yields", () => {
  const [call, backup] = twoRuns();
  backup.yielded([1], 1);
  assertEquals([backup.state, call.hasTwin], ["abandoned", false]);
  call.yielded([2], 1);
  call.finish();
  call.nextBatch();
  assertEquals(call.values, [2]);
});

Deno.test("WatchedCall gives its second run the same number", () => {
  const call = new WatchedCall(MAP, CHUNK, ["a"], 0, 0, 7);
  assertEquals([call.number, call.makeBackup().number], [7, 7]);
});

Deno.test("WatchedCall goes on if its second run yields nothing", () => {
  const [call, backup] = twoRuns();
  backup.finish();
  assertEquals([call.state, call.hasTwin], ["sent", false]);
});

Deno.test("WatchedCall takes values of its second run if its worker was lost", () => {
  const [call, backup] = twoRuns();
  assertEquals(call.leaveToTwin(), undefined);
  backup.yielded([1], 1);
  assertEquals([call.state, call.isRepeatable], ["requeued", false]);
  call.nextBatch();
  assertEquals(call.values, [1]);
  backup.finish();
  assertEquals([call.state, call.hasArrived], ["settled", true]);
});

Deno.test("WatchedCall ends its second run if it is abandoned after its worker was lost", () => {
  const [call, backup] = twoRuns();
  call.leaveToTwin();
  call.abandon();
  assertEquals([call.state, backup.state], ["settled", "abandoned"]);
});

Deno.test("WatchedCall.mayBackUp is true once", () => {
  const call = new WatchedCall(MAP, CHUNK, ["a", "b"]);
  assertEquals(call.mayBackUp, false);
  call.send(RUNNER, 1, 1, 1);
  assertEquals(call.mayBackUp, true);
  call.makeBackup();
  call.endBackup();
  assertEquals(call.mayBackUp, false);
});

Deno.test("WatchedCall.mayBackUp is false once it has yielded values", () => {
  const call = new WatchedCall(MAP, CHUNK, ["a", "b"]);
  call.send(RUNNER, 1, 1, 1);
  call.yielded([1], 1);
  assertEquals(call.mayBackUp, false);
});

Deno.test("WatchedCall counts the results before an error of its second run if it was cut", () => {
  const [call, backup] = twoRuns();
  call.cut(1, 1, 0);
  backup.fail(new Error("at b"), [1]);
  assertEquals([call.values, call.thrown], [[1], undefined]);
});
