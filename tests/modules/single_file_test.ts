import { assertEquals } from "@std/assert";
import { fileURLToPath } from "node:url";
import { runDeno } from "../helpers/bundle_fixture.ts";
import { startSpawnerServer } from "../helpers/spawner_server.ts";

Deno.test("Pool runs tasks elsewhere of the module that makes it", async () => {
  await using server = await startSpawnerServer();
  const program = new URL("../programs/single_file.ts", import.meta.url);
  const { stdout, stderr } = await runDeno([
    "run",
    "-A",
    fileURLToPath(program),
    server.spec(1),
  ]);
  assertEquals(stdout, "2,4\n", stderr);
});
