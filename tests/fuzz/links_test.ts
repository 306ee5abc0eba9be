import { fuzz, fuzzBoth, SCALE } from "./fuzz.ts";
import { tryExecutor, tryLink } from "./links_target.ts";

Deno.test("WorkerHandle answers each call at most once, whatever a worker sends", async () => {
  await fuzz("WorkerHandle", 1_000 * SCALE, tryLink);
});

Deno.test("Executor answers each call at most once, whatever a pool sends", async () => {
  await fuzzBoth("Executor", 600 * SCALE, tryExecutor);
});
