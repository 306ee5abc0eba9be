import { assertEquals, assertRejects } from "@std/assert";
import { Pool } from "../../mod.ts";
import { Gate, passGate } from "../helpers/gate.ts";
import { until } from "../helpers/processes.ts";

Deno.test("Pool.shutdown() with cancelFutures cancels calls whose worker is lost during the shutdown", async () => {
  await using gate = new Gate();
  const pool = new Pool({
    workers: 1,
    prefetch: 2,
    retries: 1,
    stdio: "null",
    cancelGrace: 60_000,
  });
  const pid = await pool.run(() => Deno.pid);
  // Calls with a signal share no message, so only the first one has begun.
  const { signal } = new AbortController();
  const own = pool.with({ signal });
  const begun = own.run(passGate, gate.port, 0);
  await gate.entered();
  const others = [1, 2].map((x) => own.run((x: number) => x, x));
  await until(() => pool.stats().running === 3);
  const shutdown = pool.shutdown({ cancelFutures: true });
  Deno.kill(pid, "SIGKILL");
  for (const call of [begun, ...others]) {
    const { name } = await assertRejects(() => call, DOMException);
    assertEquals(name, "AbortError");
  }
  await shutdown;
});
