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

Deno.test("StoredBundle.find() finds nothing after the package's configuration has changed", async () => {
  await using project = await Project.with(PACKAGE);
  await make(project);
  const { mtime } = await Deno.stat(`${project.path}/deno.json`);
  await project.write("deno.json", "[]");
  await Deno.utime(`${project.path}/deno.json`, mtime!, mtime!);
  assertEquals(await bundleOf(project).find(), undefined);
});

Deno.test("StoredBundle.find() reads no module of the program", async () => {
  await using project = await Project.with(PACKAGE);
  await make(project);
  const path = await bundleOf(project).find();
  const url = new URL(project.url("src/word.ts"));
  const { mtime } = await Deno.stat(url);
  await project.write(
    "src/word.ts",
    PACKAGE["src/word.ts"].replace("old", "new"),
  );
  await Deno.utime(url, mtime!, mtime!);
  assertEquals(await bundleOf(project).find(), path);
});

Deno.test("StoredBundle.find() finds nothing for a package.json", async () => {
  await using project = await Project.with({
    ...PACKAGE,
    "package.json": "{}",
  });
  await make(project);
  const bundle = new StoredBundle(
    project.url("worker.ts"),
    `${project.path}/package.json`,
    `${project.path}/cache`,
  );
  assertEquals(await bundle.find(), undefined);
});

Deno.test("StoredBundle.make() bundles nothing that it can't store", async () => {
  await using project = await Project.with({
    ...PACKAGE,
    "worker.ts": "export *",
    "cache": "a file",
  });
  await make(project);
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
