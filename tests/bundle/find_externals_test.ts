import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { ModuleBundles } from "../../src/bundle/module_bundles.ts";
import { Project } from "../helpers/bundle_fixture.ts";

/** Packages in a node_modules: their files and fields of package.json. */
type Packages = Readonly<
  Record<string, { files?: Record<string, string> } & Record<string, unknown>>
>;

/** Creates a project with a task module and installed packages. */
async function makeProject(
  text: string,
  packages: Packages,
): Promise<Project> {
  const names = Object.keys(packages);
  const project = await Project.with({
    "tasks.ts": text,
    "package.json": JSON.stringify({
      dependencies: Object.fromEntries(names.map((name) => [name, "1"])),
    }),
  });
  for (const [name, { files = {}, ...manifest }] of Object.entries(packages)) {
    const folder = `node_modules/${name}`;
    const json = JSON.stringify({ name, version: "1.2.3", ...manifest });
    await project.write(`${folder}/package.json`, json);
    for (const [path, text] of Object.entries({ "index.js": "", ...files })) {
      await project.write(`${folder}/${path}`, text);
    }
  }
  return project;
}

/** Returns the specifiers that the bundle of `tasks.ts` still imports. */
async function importsOf(project: Project): Promise<string[]> {
  const bundles = new ModuleBundles(`${project.path}/package.json`);
  const { code } = await bundles.bundle(project.url("tasks.ts"));
  const imports = code.matchAll(/(?:from |import |import\()"([^"]*)"/g);
  return [...new Set(Array.from(imports, ([, specifier]) => specifier!))];
}

/** Tests whether the bundle imports a package or includes it. */
function testPackage(
  name: string,
  isExternal: boolean,
  packages: Packages,
): void {
  const verb = isExternal ? "excludes" : "includes";
  Deno.test(`ModuleBundles.bundle() ${verb} ${name}`, async () => {
    await using project = await makeProject(
      'import x from "x"; export const f = () => x;',
      packages,
    );
    assertEquals(
      await importsOf(project),
      isExternal ? ["npm:x@1.2.3"] : [],
    );
  });
}

const MODULE = { "index.js": "module.exports = 1;" };
const BINARY = { "build/Release/x.node": "" };

testPackage("a package without native code", false, {
  x: { files: MODULE },
});

testPackage("a package with a binary", true, {
  x: { files: { ...MODULE, ...BINARY } },
});

testPackage("a package that is built on installation", true, {
  x: { files: { ...MODULE, "binding.gyp": "" } },
});

testPackage("a package that requires its binary", true, {
  x: {
    files: { ...BINARY, "index.js": 'require("./build/Release/x.node")' },
  },
});

testPackage("a package with an optional package for this platform", true, {
  x: { files: MODULE, optionalDependencies: { "x-linux": "1" } },
  "x-linux": { os: ["linux"], cpu: ["x64"] },
});

testPackage("a package with an optional package for other platforms", true, {
  x: { files: MODULE, optionalDependencies: { "x-windows": "1" } },
});

testPackage("a package that depends on one with a binary", true, {
  x: { files: MODULE, dependencies: { "y": "1" } },
  y: { files: MODULE, dependencies: { "x": "1", "z": "1" } },
  z: { files: { ...MODULE, ...BINARY } },
});

testPackage("a package whose optional dependency has a binary", false, {
  x: {
    files: MODULE,
    dependencies: { "y": "1" },
    optionalDependencies: { "y": "1" },
  },
  y: { files: BINARY },
});

testPackage("a package with a circular dependency", false, {
  x: { files: MODULE, dependencies: { "y": "1" } },
  y: { files: MODULE, dependencies: { "x": "1" } },
});

Deno.test("ModuleBundles.bundle() pins scoped and aliased packages that it excludes", async () => {
  await using project = await makeProject(
    `import "@scope/x/lib/part.js";
    export const f = () => import("alias");`,
    {
      "@scope/x": { files: { ...BINARY, "lib/part.js": "" } },
      "alias": { files: BINARY, name: "real", version: "2.0.0-rc.1" },
    },
  );
  assertEquals(await importsOf(project), [
    "npm:@scope/x@1.2.3/lib/part.js",
    "npm:real@2.0.0-rc.1",
  ]);
});

Deno.test("ModuleBundles.bundle() says what to do when CommonJS requires a missing binary", async () => {
  await using project = await makeProject(
    'import x from "./lib.cjs"; export const f = () => x;',
    { x: { files: { ...BINARY, "index.js": 'require("./none.node")' } } },
  );
  await project.write("lib.cjs", 'module.exports = require("x");');
  const { message } = await assertRejects(() => importsOf(project), Error);
  assertStringIncludes(message, "none.node");
  assertStringIncludes(message, "Import the package from an ES module");
});
