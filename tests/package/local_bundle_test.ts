import { assertEquals, assertMatch } from "@std/assert";
import {
  Projects,
  readPublishedFiles,
  runDeno,
} from "../helpers/package_fixture.ts";

const PROGRAM = new URL("../programs/local_bundle.ts", import.meta.url);

Deno.test({
  name: "the package bundles the program of local workers",
  // Elsewhere, another variable names the folder of the cache.
  ignore: Deno.build.os !== "linux",
  async fn() {
    const source = await Deno.readTextFile(PROGRAM);
    await using projects = await Projects.make(await readPublishedFiles());
    const project = await projects.add("project", {
      "deno.json": JSON.stringify({
        imports: { "@distex/pool": "jsr:@distex/pool@^0.1.0" },
        vendor: true,
        lock: false,
      }),
      "main.ts": source.replace("../../mod.ts", "@distex/pool"),
    });
    const cache = `${projects.path}/cache`;
    const run = async (...args: string[]) => {
      const command = ["run", "-A", "main.ts", "8", ...args];
      return (await runDeno(command, project, { cache })).stdout.trimEnd();
    };
    assertEquals(
      await run(`${cache}/distex-pool`, "worker"),
      "https://jsr.io/@distex/pool/0.1.0/src/worker/worker_program.ts",
    );
    assertMatch(await run(), /^file:.*\/distex-pool\/worker-\w+\.js$/);
  },
});
