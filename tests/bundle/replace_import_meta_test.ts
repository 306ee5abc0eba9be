import { assertEquals, assertStringIncludes } from "@std/assert";
import { fileURLToPath } from "node:url";
import { ModuleBundles } from "../../src/bundle/module_bundles.ts";
import { callBundle, Project, valueOf } from "../helpers/bundle_fixture.ts";

const REPOSITORY_CONFIG = fileURLToPath(
  import.meta.resolve("../../deno.json"),
);

/** Bundles a module with its imports. */
async function bundleOf(url: string, config?: string): Promise<string> {
  return (await new ModuleBundles(config).bundle(url)).code;
}

Deno.test("replaceImportMeta() lets CommonJS require node: modules", async () => {
  await using project = await Project.with({
    "tasks.cjs": `
      const { inspect } = require("node:util");
      module.exports = { inspect: (value) => inspect(value) };`,
    "tasks.ts": `
      import lib from "./tasks.cjs";
      export const f = () => [lib.inspect([1]), import.meta.url];`,
  });
  assertEquals(
    await valueOf(await bundleOf(project.url("tasks.ts")), "f"),
    ["[ 1 ]", project.url("tasks.ts")],
  );
});

Deno.test("replaceImportMeta() keeps import.meta when the module imports this package", async () => {
  const mod = import.meta.resolve("../../mod.ts");
  await using project = await Project.with({
    "tasks.ts": `
      import { bind, Pool } from ${JSON.stringify(mod)};
      export const f = () => [typeof bind, Pool.name, import.meta.url];`,
  });
  const url = project.url("tasks.ts");
  assertEquals(
    await valueOf(await bundleOf(url, REPOSITORY_CONFIG), "f"),
    ["function", "Pool", url],
  );
});

Deno.test("replaceImportMeta() resolves specifiers when globals are shadowed", async () => {
  await using project = await Project.with({
    "tasks.ts": `
      const URL = 1, TypeError = 2;
      export const f = () => [URL, TypeError, import.meta.resolve("./x.ts")];
      export const g = () => import.meta.resolve("bare");`,
  });
  const code = await bundleOf(project.url("tasks.ts"));
  const [resolved, refused] = await callBundle(code, ["f"], ["g"]);
  assertEquals(resolved, { value: [1, 2, project.url("x.ts")] });
  assertEquals(refused && "name" in refused && refused.name, "TypeError");
});

Deno.test("replaceImportMeta() keeps properties with the same names", async () => {
  await using project = await Project.with({
    "tasks.ts": `
      const o = { import: { meta: 3 } };
      export const f = () =>
        [o.import.meta, o?.import.meta, { ...import.meta }.url];`,
  });
  assertEquals(
    await valueOf(await bundleOf(project.url("tasks.ts")), "f"),
    [3, 3, project.url("tasks.ts")],
  );
});

Deno.test("replaceImportMeta() resolves names of an import map", async () => {
  await using project = await Project.with({
    "deno.json": JSON.stringify({
      imports: {
        "number?": "npm:is-number@7",
        "words/": "./lib/",
        "@std/bytes": "jsr:@std/bytes@1",
      },
      nodeModulesDir: "none",
      lock: false,
    }),
    "tasks.ts": `
      export const f = () => ["number?", "words/a.ts", "node:fs", "./x"]
        .concat(import.meta.resolve("number?"))
        .concat(import.meta.resolve("words/a.ts"))
        .concat(import.meta.resolve("./x"));
      export const g = async () =>
        (await import(import.meta.resolve("number?"))).default("5");
      export const h = (name = "number?") => import.meta.resolve(name);
      export const i = () => import.meta.resolve("bare");`,
    "lib/a.ts": "",
  });
  const code = await bundleOf(
    project.url("tasks.ts"),
    `${project.path}/deno.json`,
  );
  const [f, g, h, i] = await callBundle(code, ["f"], ["g"], ["h"], ["i"]);
  assertEquals(f, {
    value: [
      ...["number?", "words/a.ts", "node:fs", "./x"],
      ...["npm:is-number@7", project.url("lib/a.ts"), project.url("x")],
    ],
  });
  assertEquals(g, { value: true });
  assertEquals(h, { value: "npm:is-number@7" });
  assertStringIncludes(String("stack" in i! && i.stack), "not: bare");
});

Deno.test("replaceImportMeta() resolves names of a package.json to npm packages", async () => {
  await using project = await Project.with({
    "package.json": JSON.stringify({
      dependencies: { "installed": "^1.0.0", "none": "1" },
    }),
    "node_modules/installed/package.json": JSON.stringify({
      name: "installed",
      version: "1.2.3",
    }),
    "tasks.ts": `
      export const f = () => import.meta.resolve("installed");
      export const g = () => import.meta.resolve("installed/a/b.js");
      export const h = () => import.meta.resolve("none");`,
  });
  const code = await bundleOf(
    project.url("tasks.ts"),
    `${project.path}/package.json`,
  );
  const [f, g, h] = await callBundle(code, ["f"], ["g"], ["h"]);
  assertEquals([f, g], [
    { value: "npm:installed@1.2.3" },
    { value: "npm:installed@1.2.3/a/b.js" },
  ]);
  assertStringIncludes(String("stack" in h! && h.stack), "not: none");
});
