import { assert, assertEquals, assertFalse } from "@std/assert";
import {
  type WorkerEnd,
  WorkerProcess,
} from "../../src/spawner/worker_process.ts";

const KILLED: WorkerEnd = { exitStatus: "signal SIGKILL", stderrTail: "" };

/** A process that ends when it is killed, and counts the kills. */
function makeProcess() {
  const { promise, resolve } = Promise.withResolvers<WorkerEnd>();
  let kills = 0;
  const process = new WorkerProcess("worker", promise, () => {
    kills++;
    resolve(KILLED);
  });
  return { process, end: resolve, kills: () => kills };
}

Deno.test("WorkerProcess.kill() ends the process, and blames it unless told otherwise", async () => {
  const { process, kills } = makeProcess();
  process.kill();
  assertEquals(await process.ended, KILLED);
  assertEquals([kills(), process.isBlameless], [1, false]);
});

Deno.test("WorkerProcess.kill() keeps a process blameless after a blameless kill", () => {
  const { process } = makeProcess();
  process.kill(true);
  process.kill();
  assert(process.isBlameless);
});

Deno.test("WorkerProcess.end() lets the process end by itself", async () => {
  const { process, end, kills } = makeProcess();
  const ending = process.end(60_000);
  end({ exitStatus: "exit code 0", stderrTail: "" });
  assertEquals((await ending).exitStatus, "exit code 0");
  assertEquals(kills(), 0);
});

Deno.test("WorkerProcess.end() kills the process after the timeout", async () => {
  const { process, kills } = makeProcess();
  assertEquals(await process.end(1), KILLED);
  assertEquals(kills(), 1);
});

Deno.test("WorkerProcess.failed() has ended at once, with the error", async () => {
  const process = WorkerProcess.failed("worker", new TypeError("no way"));
  const { exitStatus } = await process.ended;
  assertEquals(exitStatus, "could not be started: TypeError: no way");
  process.kill();
  assertFalse(process.isBlameless);
});
