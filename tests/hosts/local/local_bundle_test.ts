import { assertEquals, assertMatch } from "@std/assert";
import { fileURLToPath } from "node:url";
import { Project } from "../../helpers/bundle_fixture.ts";
import { runDeno } from "../../helpers/package_fixture.ts";

const PROGRAM = fileURLToPath(
  import.meta.resolve("../../programs/local_bundle.ts"),
);

Deno.test({
  name: "Pool with many local workers bundles their program for later pools",
  // There, another variable names the folder of the cache.
  ignore: Deno.build.os !== "linux",
  async fn() {
    await using project = await Project.with({});
    const folder = `${project.path}/distex-pool`;
    const run = async (...args: string[]) => {
      const { stdout, stderr } = await runDeno(
        ["run", "-A", PROGRAM, ...args],
        project.path,
        { cache: project.path },
      );
      assertEquals(stderr, "");
      return stdout.trimEnd();
    };
    const worker = import.meta.resolve("../../../worker.ts");
    assertEquals(await run(folder), worker);
    const bundled = await run();
    assertMatch(bundled, /^file:.*\/distex-pool\/worker-\w+\.js$/);
    await Deno.remove(new URL(bundled));
    assertEquals(await run(), worker);
  },
});
