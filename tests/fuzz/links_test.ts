import { fuzz } from "./_fuzz.ts";
import { tryExecutor, tryLink } from "./_links.ts";

Deno.test("WorkerLink answers each call at most once, whatever a worker sends", async () => {
  await fuzz("WorkerLink", 6_000, tryLink);
});

Deno.test("Executor answers each call at most once, whatever a pool sends", async () => {
  await fuzz("Executor", 3_000, tryExecutor);
});
