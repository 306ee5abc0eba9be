import { fuzz, fuzzBoth, SCALE } from "./fuzz.ts";
import { tryExecutor, tryWorkerHandle } from "./endpoints_target.ts";

Deno.test("WorkerHandle answers each call at most once, whatever the worker sends", async () => {
  await fuzz("WorkerHandle", 1_000 * SCALE, tryWorkerHandle);
});

Deno.test("Executor answers each call at most once, whatever the pool sends", async () => {
  await fuzzBoth("Executor", 600 * SCALE, tryExecutor);
});
