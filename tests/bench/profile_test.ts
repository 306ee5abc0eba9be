import { assertAlmostEquals, assertEquals, assertGreater } from "@std/assert";
import { profileWork, shares, stepOf } from "../../bench/profile.ts";
import { stepsBesideMap, tripSteps } from "../../bench/steps.ts";

Deno.test("stepOf() returns what the time in a function is spent for", () => {
  const step = (name: string, url = "") => stepOf({ name, url, hits: 1 });
  assertEquals(step("(idle)"), "idle");
  assertEquals(step("op_write"), "write and read");
  assertEquals(step("op_now"), "read the clock");
  assertEquals(step("value", "file:///a/src/codec/encoder.ts"), "encode");
  assertEquals(
    step("message", "file:///a/src/codec/decoder.ts"),
    "decode and check",
  );
  assertEquals(
    step("increment", "task:increment"),
    "the program: its loop, its task",
  );
});

Deno.test("shares() adds up samples that aren't idle, the largest first", () => {
  const samples = [
    { name: "a", url: "", hits: 1 },
    { name: "(idle)", url: "", hits: 50 },
    { name: "b", url: "", hits: 2 },
    { name: "a", url: "x", hits: 5 },
  ];
  assertEquals(shares(samples, ({ name }) => name), [
    { name: "a", share: 0.75 },
    { name: "b", share: 0.25 },
  ]);
});

Deno.test("profileWork() profiles the pool and its worker", async () => {
  const { pool, worker } = await profileWork({
    count: 20_000,
    run: (pool, items) =>
      pool.map((x: number) => Math.sqrt(x), items, { chunkSize: 1 }).toArray(),
  });
  for (const { cpu, hits } of [pool, worker]) {
    assertGreater(cpu, 0);
    const sum = shares(hits, stepOf).reduce((sum, { share }) => sum + share, 0);
    assertAlmostEquals(sum, 1);
  }
});

Deno.test("tripSteps() measures each step of a round trip", async () => {
  const { total, ...steps } = await tripSteps(200);
  assertEquals(Object.keys(steps), [
    ...["send", "toWorker", "begin", "run", "toPool", "settle"],
  ]);
  assertGreater(total, 0);
});

Deno.test("stepsBesideMap() measures round trips beside a map", async () => {
  const { before, after } = await stepsBesideMap(20);
  assertGreater(before + after, 0);
});
