import { assertEquals } from "@std/assert";
import { Starvation } from "../../src/streams/starvation.ts";

/** Records the events of a detection. */
function detect(): {
  starvation: Starvation;
  log: string[];
  paused: Promise<void>;
} {
  const log: string[] = [];
  const { promise: paused, resolve } = Promise.withResolvers<void>();
  const starvation = new Starvation({
    paused: () => {
      log.push("paused");
      resolve();
    },
    resumed: () => void log.push("resumed"),
  });
  return { starvation, log, paused };
}

/** Keeps the program alive: the timers of a detection don't. */
async function wait(promise: Promise<void>): Promise<void> {
  const timer = setInterval(() => {}, 1_000);
  await promise;
  clearInterval(timer);
}

Deno.test("Starvation pauses a task that waits for a while", async () => {
  const { starvation, log, paused } = detect();
  starvation.begin();
  assertEquals(log, []);
  await wait(paused);
  assertEquals(log, ["paused"]);
  starvation.end();
  assertEquals(log, ["paused", "resumed"]);
  starvation.close();
  assertEquals(log, ["paused", "resumed"]);
});

Deno.test("Starvation pauses a task once that waits for several streams", async () => {
  const { starvation, log, paused } = detect();
  starvation.begin();
  starvation.begin();
  starvation.end();
  await wait(paused);
  starvation.begin();
  starvation.end();
  assertEquals(log, ["paused"]);
  starvation.end();
  assertEquals(log, ["paused", "resumed"]);
});

Deno.test("Starvation resumes a task that ends", async () => {
  const { starvation, log, paused } = detect();
  starvation.begin();
  await wait(paused);
  starvation.close();
  starvation.close();
  assertEquals(log, ["paused", "resumed"]);
});

Deno.test("Starvation doesn't pause a task that was fed or has ended", () => {
  const { starvation, log } = detect();
  starvation.begin();
  starvation.end();
  starvation.begin();
  starvation.close();
  starvation.end();
  starvation.begin();
  assertEquals(log, []);
});
