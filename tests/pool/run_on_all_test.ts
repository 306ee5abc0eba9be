import { assertEquals, assertRejects } from "@std/assert";
import { Pool } from "../../mod.ts";
import { Gate } from "../helpers/gate.ts";
import { TestFolder } from "../programs/loss_fixture.ts";

Deno.test("Pool.runOnAll() obeys its signal after one of its calls has failed", async () => {
  await using folder = new TestFolder();
  await using gate = new Gate();
  const controller = new AbortController();
  await using pool = new Pool({ workers: 2, cancelGrace: 1, stdio: "null" });
  const results = pool.with({ signal: controller.signal }).runOnAll(
    async (path: string, port: number) => {
      Deno.writeTextFileSync(path, "", { createNew: true });
      await Deno.connect({ hostname: "127.0.0.1", port });
      await new Promise(() => {});
    },
    folder.file("first"),
    gate.port,
  );
  await assertRejects(() => results, Deno.errors.AlreadyExists);
  await gate.entered();
  controller.abort();
  // runOnAll() waits for all calls to end.
  assertEquals(await pool.run(() => 1), 1);
});
