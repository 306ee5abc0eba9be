import { assert, assertEquals, assertFalse, assertRejects } from "@std/assert";
import { FakeTime } from "../helpers/fake_time.ts";
import { RunClocks } from "../../src/scheduling/run_clocks.ts";
import { call, RUNNER } from "../helpers/fake_worker.ts";

const LIMIT = 100_001;

/** Makes a call that a worker has. */
function sentCall() {
  const sent = call(1);
  sent.send(RUNNER, 0, 0, 0);
  return sent;
}

Deno.test("RunClocks rejects a call whose time is up", async () => {
  using time = new FakeTime();
  const clocks = new RunClocks((call, error) => call.cancel(error));
  const sent = sentCall();
  clocks.begin(sent, LIMIT);
  time.tick(LIMIT - 1);
  assertEquals(sent.state, "sent");
  time.tick(1);
  assertEquals(sent.state, "abandoned");
  const error = await assertRejects(
    () => sent.promise,
    DOMException,
    `longer than its 'runTimeout' of ${LIMIT} ms`,
  );
  assertEquals(error.name, "TimeoutError");
  assertFalse(clocks.has(sent));
});

Deno.test("RunClocks lets an answer count that arrives just as the time is up", () => {
  using time = new FakeTime();
  const clocks = new RunClocks((call, error) => call.cancel(error));
  const sent = sentCall();
  clocks.begin(sent, LIMIT);
  setTimeout(() => clocks.end(sent), LIMIT);
  time.tick(LIMIT);
  assertEquals(sent.state, "sent");
  assertFalse(time.next());
});

Deno.test("RunClocks.close() stops all clocks", () => {
  using time = new FakeTime();
  const clocks = new RunClocks((call, error) => call.cancel(error));
  const calls = [sentCall(), sentCall()];
  for (const sent of calls) clocks.begin(sent, LIMIT);
  assert(calls.every((sent) => clocks.has(sent)));
  clocks.close();
  assertFalse(time.next());
  assertEquals(calls.map(({ state }) => state), ["sent", "sent"]);
});
