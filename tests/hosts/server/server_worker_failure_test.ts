import { assertEquals } from "@std/assert";
import { Pool } from "../../../mod.ts";
import { startSpawnerServer } from "../../helpers/spawner_server.ts";
import { assertFails } from "../../helpers/spawner_failures.ts";

Deno.test("Pool explains that a spawner server refuses too many workers", async () => {
  const args = ["--max-workers", "3", "--max-workers-per-pool", "2"];
  await using server = await startSpawnerServer({ args });
  await assertFails(server.spec(3), "worker", [
    "was refused",
    "at most 2",
    "--max-workers-per-pool",
  ]);
  await using pool = new Pool(0, server.spec(2));
  await pool.ready;
  await assertFails(server.spec(2), "worker", [
    "was refused",
    "at most 3 in all",
    "--max-workers",
  ]);
  await server.logged(/pool 3 .*was refused/);
  assertEquals(await pool.map((x: number) => x + 1, [1]).toArray(), [2]);
  await pool.shutdown();
  await server.logged(/pool 2 .* is gone/);
  // The workers of the first pool have ended.
  await using other = new Pool(0, server.spec(2));
  assertEquals((await other.runOnAll(() => 1)).length, 2);
});

Deno.test("Pool explains that workers of a spawner server don't connect in time", async () => {
  await using server = await startSpawnerServer();
  const startTimeout = 2_000;
  await assertFails(
    server.spec(2),
    "worker",
    [
      "2 of the 2 workers of the host 127.0.0.1 have not connected",
      `${startTimeout} ms`,
    ],
    { denoArgs: ["--inspect-wait=127.0.0.1:0"], startTimeout },
  );
  await server.logged(/pool 1 .* is gone/);
});

Deno.test("Pool explains that workers of a spawner server can't start", async () => {
  await using server = await startSpawnerServer();
  await assertFails(
    server.spec(1),
    "worker",
    ["did not connect", "exit code 1", "unexpected argument '--no-such"],
    { denoArgs: ["--no-such-flag"] },
  );
  await assertFails(
    { host: server.spec(1), cwd: "/no/such/folder" },
    "worker",
    ["could not be started", "/no/such/folder"],
  );
  // The server still works.
  await using pool = new Pool(0, server.spec(1));
  assertEquals(await pool.run((x: number) => x + 1, 1), 2);
});
