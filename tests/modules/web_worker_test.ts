import { assertEquals } from "@std/assert";
import { fileURLToPath } from "node:url";
import { runDeno } from "../helpers/bundle_fixture.ts";

const MAIN = fileURLToPath(
  import.meta.resolve("../programs/web_worker_main.ts"),
);
const MODULE = import.meta.resolve("../programs/web_worker.ts");

/** Starts a web worker from a module, and returns the message that it posts. */
async function messageOf(module: string): Promise<unknown> {
  const { stdout, stderr } = await runDeno(["run", "-A", MAIN, module]);
  assertEquals(stderr, "");
  return JSON.parse(stdout);
}

Deno.test("Pool runs tasks when it is created in a web worker", async () => {
  assertEquals(await messageOf(MODULE), [true, false]);
});

Deno.test("Pool runs tasks when its web worker's module is not a file", async () => {
  const code = `import ${JSON.stringify(MODULE)};`;
  const module = `data:text/javascript,${encodeURIComponent(code)}`;
  assertEquals(await messageOf(module), [true, false]);
});
