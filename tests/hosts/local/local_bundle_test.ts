import { assertEquals, assertMatch } from "@std/assert";
import { fileURLToPath } from "node:url";
import { Project } from "../../helpers/bundle_fixture.ts";
import { runDeno } from "../../helpers/package_fixture.ts";

const PROGRAM = fileURLToPath(
  import.meta.resolve("../../programs/local_bundle.ts"),
);

const WORKER = import.meta.resolve("../../../src/worker/worker_program.ts");

const BUNDLE = /^file:.*\/distex-pool\/worker-\w+\.js$/;

/** Runs the program with a cache in a project; returns what it prints. */
async function run(project: Project, ...args: string[]): Promise<string> {
  const { stdout, stderr } = await runDeno(
    ["run", "-A", PROGRAM, ...args],
    project.path,
    { cache: project.path },
  );
  assertEquals(stderr, "");
  return stdout.trimEnd();
}

for (const workers of ["8", "1"]) {
  Deno.test({
    name:
      `Pool with ${workers} local workers bundles their program for later pools`,
    // There, another variable names the folder of the cache.
    ignore: Deno.build.os !== "linux",
    async fn() {
      await using project = await Project.with({});
      const folder = `${project.path}/distex-pool`;
      assertEquals(await run(project, workers, folder, "index"), WORKER);
      const bundle = await run(project, "2");
      assertMatch(bundle, BUNDLE);
      await Deno.remove(new URL(bundle));
      assertEquals(await run(project, "2"), WORKER);
    },
  });
}
