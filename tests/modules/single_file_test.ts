import { assertEquals } from "@std/assert";
import { fileURLToPath } from "node:url";
import { runDeno } from "../helpers/bundle_fixture.ts";
import { startSpawnerServer } from "../helpers/spawner_server.ts";

Deno.test("Pool runs tasks of the program's main module on another machine", async () => {
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
