import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { StoredBundle } from "../../src/bundle/stored_bundle.ts";
import { KeepAlive } from "../../src/util/keep_alive.ts";
import { Project, runDeno } from "../helpers/bundle_fixture.ts";

/** A package whose program prints a word. */
const PACKAGE = {
  "deno.json": "{}",
  "worker.ts": 'import { word } from "./src/word.ts";\nconsole.log(word);',
  "src/word.ts": "export const word: string = 'old';",
};

function bundleOf(project: Project): StoredBundle {
  const folder = `${project.path}/cache`;
  return new StoredBundle(project.url("worker.ts"), undefined, folder);
}

/** Makes the bundle, which doesn't keep the program alive by itself. */
async function make(project: Project): Promise<void> {
  const keepAlive = new KeepAlive();
  keepAlive.hold();
  try {
    await bundleOf(project).make(new AbortController().signal);
  } finally {
    keepAlive.close();
  }
}

Deno.test("StoredBundle.find() finds the file that make() has made", async () => {
  await using project = await Project.with(PACKAGE);
  assertEquals(await bundleOf(project).find(), undefined);
  await make(project);
  const path = await bundleOf(project).find();
  assertStringIncludes(path!, `${project.path}/cache/`);
  const { stdout } = await runDeno(["run", "--no-prompt", path!]);
  assertEquals(stdout, "old\n");
});

Deno.test("StoredBundle.find() finds nothing after the program has changed", async () => {
  await using project = await Project.with(PACKAGE);
  await make(project);
  await project.write("src/word.ts", "export const word: string = 'new';");
  assertEquals(await bundleOf(project).find(), undefined);
});

Deno.test({
  name: "StoredBundle.find() finds no file that others could have changed",
  ignore: Deno.build.os === "windows",
  async fn() {
    await using project = await Project.with(PACKAGE);
    await make(project);
    const path = await bundleOf(project).find();
    await Deno.chmod(path!, 0o666);
    assertEquals(await bundleOf(project).find(), undefined);
  },
});

Deno.test("StoredBundle.make() stops when it is aborted", async () => {
  await using project = await Project.with(PACKAGE);
  const controller = new AbortController();
  const making = bundleOf(project).make(controller.signal);
  controller.abort();
  await assertRejects(() => making);
  await assertRejects(() => bundleOf(project).make(controller.signal));
  assertEquals(await bundleOf(project).find(), undefined);
});
