import { fuzz } from "./fuzz.ts";
import { tryExecutor, tryLink } from "./links_target.ts";

Deno.test("WorkerHandle answers each call at most once, whatever a worker sends", async () => {
  await fuzz("WorkerHandle", 6_000, tryLink);
});

Deno.test("Executor answers each call at most once, whatever a pool sends", async () => {
  await fuzz("Executor", 3_000, tryExecutor);
});
