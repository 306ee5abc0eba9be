import {
  assert,
  assertEquals,
  assertFalse,
  assertMatch,
  assertNotStrictEquals,
  assertRejects,
  assertStrictEquals,
  assertStringIncludes,
} from "@std/assert";
import { fileURLToPath } from "node:url";
import { ModuleBundles } from "../../src/bundle/module_bundles.ts";
import { configOf, makeProject } from "../helpers/module_fixture.ts";
import {
  callBundle,
  failBundle,
  Project,
  stackOf,
  valueOf,
} from "../helpers/bundle_fixture.ts";

const REPOSITORY_CONFIG = fileURLToPath(
  import.meta.resolve("../../deno.json"),
);

/** Bundles the file `tasks.ts` of a project. */
async function bundleTasks(
  project: Project,
  { name = "tasks.ts", config }: { name?: string; config?: string } = {},
): Promise<string> {
  const bundles = new ModuleBundles(config);
  return (await bundles.bundle(project.url(name))).code;
}

/** Tests the results of the exports of `tasks.ts` in a bundle. */
function testValues(
  name: string,
  files: Record<string, string>,
  expected: Record<string, unknown>,
  options: { name?: string; config?: string } = {},
): void {
  Deno.test(`ModuleBundles.bundle() bundles ${name}`, async () => {
    await using project = await Project.with(files);
    const config = ["deno.json", "package.json"].find((name) => name in files);
    const code = await bundleTasks(project, {
      ...(config === undefined ? {} : { config: `${project.path}/${config}` }),
      ...options,
    });
    const names = Object.keys(expected);
    const outcomes = await callBundle(code, ...names.map((n) => [n] as const));
    assertEquals(
      outcomes,
      Object.values(expected).map((value) => ({ value })),
    );
  });
}

testValues("a module with imports and default exports", {
  "tasks.ts": `
    import add, { two } from "./lib/add.ts";
    export default function (): number { return add(1, two); }
    export * from "./lib/add.ts";`,
  "lib/add.ts": `
    export const two: number = 2;
    export function three() { return 3; }
    export default (a: number, b: number): number => a + b;`,
}, { default: 3, three: 3 });

testValues("top-level await", {
  "tasks.ts": `
    const x: number = await Promise.resolve(5);
    export const f = () => x;`,
}, { f: 5 });

testValues("a dynamic import of a file", {
  "tasks.ts": `
    export const f = async () => (await import("./lib.ts")).x;
    export const g = async () => (await import("./lib.ts")).next();
    export { next } from "./lib.ts";`,
  "lib.ts": "let n = 0; export const x = 'lib'; export const next = () => ++n;",
}, { f: "lib", g: 1, next: 2 });

testValues("JSON and text", {
  "tasks.ts": `
    import data from "./data.json" with { type: "json" };
    import text from "./text.txt" with { type: "text" };
    export const f = () => [data.x, text];`,
  "data.json": '{ "x": 1 }',
  "text.txt": "tëxt\n",
}, { f: [1, "tëxt\n"] });

testValues("node: modules", {
  "tasks.ts": `
    import { basename } from "node:path";
    export const f = () => basename("/a/b.c");`,
}, { f: "b.c" });

testValues("a CommonJS package and names of an import map", {
  "deno.json": JSON.stringify({
    imports: { "is": "npm:is-number@7", "words/": "./lib/" },
    nodeModulesDir: "none",
    lock: false,
  }),
  "tasks.ts": `
    import isNumber from "is";
    import { word } from "words/word.ts";
    export const f = () => [isNumber("5"), isNumber("x"), word];`,
  "lib/word.ts": "export const word = 'word';",
}, { f: [true, false, "word"] });

testValues(
  "names of a package.json",
  {
    "package.json": JSON.stringify({
      imports: { "#word": { "default": "./lib/word.ts" } },
      dependencies: { "installed": "1" },
    }),
    "node_modules/installed/package.json": JSON.stringify({
      name: "installed",
      version: "1.0.0",
      main: "main.js",
    }),
    "node_modules/installed/main.js": "exports.double = (x) => x * 2;",
    "src/tasks.ts": `
    import { double } from "installed";
    import { word } from "#word";
    export const f = () => [double(21), word];`,
    "lib/word.ts": "export const word = 'word';",
  },
  { f: [42, "word"] },
  { name: "src/tasks.ts" },
);

testValues(
  "packages of JSR and npm",
  {
    "tasks.ts": `
    import { assertEquals } from "@std/assert";
    import jsTokens from "js-tokens";
    assertEquals(1, 1);
    export const f = () => [...jsTokens("a+b")].length;`,
  },
  { f: 3 },
  { config: REPOSITORY_CONFIG },
);

testValues("circular imports", {
  "tasks.ts": `
    import { b } from "./b.ts";
    export const a = (n: number): string => n === 0 ? "a" : b(n - 1);
    export const f = () => a(3);`,
  "b.ts": `
    import { a } from "./tasks.ts";
    export const b = (n: number): string => n === 0 ? "b" : a(n - 1);`,
}, { f: "b" });

testValues(
  "JSX",
  {
    "tasks.tsx": `
    /** @jsx h */
    const h = (tag: string, _: null, ...inner: string[]) => tag + inner;
    export const f = () => <b>{"x"}</b>;`,
  },
  { f: "bx" },
  { name: "tasks.tsx" },
);

testValues("exports that share state", {
  "tasks.ts": `
    let n = 0;
    export const up = () => ++n;
    export const get = () => n;`,
}, { up: 1, get: 1 });

testValues("classes and functions with the names that they have", {
  "tasks.ts": `
    import { f as other, Thing as OtherThing } from "./lib.ts";
    export class Thing extends Error {
      static make() { return new Thing(); }
    }
    export function f() { return f.name + other.name; }
    export const g = () => Thing.make().constructor.name + OtherThing.name;`,
  "lib.ts": "export class Thing { static x = Thing; }; export function f() {}",
}, { f: "ff", g: "ThingThing" });

testValues("a file with a hashbang", {
  "tasks.ts": `#!/usr/bin/env -S deno run
    export const f = () => URL.canParse(import.meta.url);`,
}, { f: true });

Deno.test("ModuleBundles.bundle() keeps the import.meta of each file", async () => {
  await using project = await Project.with({
    "tasks.ts": `
      const data = new URL("./data.txt", import.meta.url);
      export const f = () => [data, import.meta.filename, import.meta.main];
      export const g = () => [
        import.meta.resolve("./x"), "import.meta.url", \`import.meta.url\`];
      export const h = () => { const { url } = import.meta; return url; };
      export const i = () => import.meta.resolve("bare");
      export { meta } from "./a b/lib.ts";`,
    "a b/lib.ts": `export const meta = () =>
      [import.meta.dirname, import.meta.url, import.meta.main];`,
  });
  const code = await bundleTasks(project);
  const names = ["f", "g", "h", "meta"];
  assertEquals(
    await callBundle(code, ...names.map((n) => [n] as const)),
    [
      [project.url("data.txt"), `${project.path}/tasks.ts`, false],
      [project.url("x"), "import.meta.url", "import.meta.url"],
      project.url("tasks.ts"),
      [`${project.path}/a b`, project.url("a b/lib.ts"), false],
    ].map((value) => ({ value })),
  );
  assertStringIncludes(await stackOf(code, "i"), "not: bare");
});

const FAILING = `interface Pad {
  x: number;
}

import { fail } from "./lib/deep.ts";
export function direct(pad?: Pad): never {
  throw new RangeError("direct" + pad);
}
export const indirect = () => fail("x");
export async function later(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 1));
  throw new TypeError("later");
}
export default () => { fail("default"); };
`;

const DEEP = `type Text = string;

export function fail(text: Text): never {
  throw new Error(text);
}
`;

for (const meta of ["", "export const url = () => import.meta.url;"]) {
  const name = meta === "" ? "" : " when import.meta is used";
  Deno.test(`ModuleBundles.bundle() keeps files and lines in stack traces${name}`, async () => {
    await using project = await Project.with({
      "tasks.ts": FAILING + meta,
      "lib/deep.ts": DEEP,
    });
    const code = await bundleTasks(project);
    const tasks = project.url("tasks.ts");
    const deep = project.url("lib/deep.ts");
    const direct = await stackOf(code, "direct");
    assertMatch(direct, /^RangeError: directundefined\n/);
    assertStringIncludes(direct, `direct (${tasks}:7:9)`);
    const indirect = await stackOf(code, "indirect");
    assertStringIncludes(indirect, `fail (${deep}:4:9)`);
    assertStringIncludes(indirect, `indirect (${tasks}:9:31)`);
    assertStringIncludes(await stackOf(code, "later"), `${tasks}:12:9)`);
    assertStringIncludes(await stackOf(code, "default"), `${tasks}:14:24)`);
    const uncaught = await failBundle(code, "indirect");
    assertStringIncludes(uncaught, `${deep}:4:9`);
    assertFalse((indirect + uncaught).includes("blob:"), indirect + uncaught);
  });
}

Deno.test("ModuleBundles.bundle() accepts unusual file names", async () => {
  const names = Deno.build.os === "windows"
    ? ["a b/täsk, 100% %41#1.ts", "a b/hélper,%20.ts"]
    : [
      "a b?*[1]{c}/täsk, 100% %41#1?.ts",
      "a b?*[1]{c}/x:hélper,%20.ts",
    ];
  await using project = await Project.with({});
  const helper = project.url(names[1]!);
  await project.write(names[1]!, DEEP);
  await project.write(
    names[0]!,
    `import { fail } from ${JSON.stringify(helper)};\n` +
      "export const f = () => fail(import.meta.url);",
  );
  const code = await bundleTasks(project, { name: names[0]! });
  const stack = await stackOf(code, "f");
  assertStringIncludes(stack, `Error: ${project.url(names[0]!)}\n`);
  // In stack traces, Deno prints paths unescaped.
  const root = project.url("");
  assertStringIncludes(stack, `fail (${root}${names[1]}:4:9)`);
  assertStringIncludes(stack, `${root}${names[0]}:2:24`);
});

Deno.test("ModuleBundles.bundle() drops the texts of sources", async () => {
  const comment = "This comment is not needed in the bundle";
  await using project = await Project.with({
    "tasks.ts": `// ${comment}\nexport const f = () => 1;`,
  });
  const code = await bundleTasks(project);
  const map = code.slice(code.lastIndexOf("base64,") + "base64,".length);
  assertFalse(atob(map.trim()).includes(comment));
});

Deno.test("ModuleBundles.bundle() bundles a module once and hashes it", async () => {
  await using project = await Project.with({
    "tasks.ts": "export const f = () => 'old';",
    "other.ts": "export const f = () => 'other';",
  });
  const bundles = new ModuleBundles(undefined);
  const url = project.url("tasks.ts");
  const first = bundles.bundle(url);
  assertStrictEquals(bundles.bundle(url), first);
  await first;
  await project.write("tasks.ts", "export const f = () => 'new';");
  assertStrictEquals(bundles.bundle(url), first);

  const { hash, code } = await first;
  const digest = await crypto.subtle.digest(
    "SHA-256",
    new TextEncoder().encode(code),
  );
  assertEquals(hash, new Uint8Array(digest).toHex());
  assertEquals(await valueOf(code, "f"), "old");
  const other = await bundles.bundle(project.url("other.ts"));
  assertNotStrictEquals(other.hash, hash);

  const anew = await new ModuleBundles(undefined).bundle(url);
  assertEquals(await valueOf(anew.code, "f"), "new");
});

Deno.test("ModuleBundles.bundle() remembers failures", async () => {
  await using project = await Project.with({});
  const bundles = new ModuleBundles(undefined);
  const url = project.url("tasks.ts");
  const fail = () => bundles.bundle(url);
  const error = await assertRejects(fail, Error, "Module not found");
  await project.write("tasks.ts", "export const f = () => 1;");
  assertStrictEquals(await assertRejects(fail, Error), error);
  const { code } = await new ModuleBundles(undefined).bundle(url);
  assertEquals(await valueOf(code, "f"), 1);
});

Deno.test("ModuleBundles.bundle() uses the arguments of workers", async () => {
  await using project = await Project.with({
    "tasks.ts": `
      import { x } from "mapped";
      import bytes from "./x.ts" with { type: "bytes" };
      export const f = () => [x, bytes.length];`,
    "x.ts": "export const x = 1;",
    "map.json": '{ "imports": { "mapped": "./x.ts" } }',
  });
  const bundles = new ModuleBundles(undefined, [
    "--v8-flags=--expose-gc",
    "--import-map",
    `${project.path}/map.json`,
    "--unstable-raw-imports",
  ]);
  const { code } = await bundles.bundle(project.url("tasks.ts"));
  assertEquals(await valueOf(code, "f"), [1, 19]);
});

Deno.test("ModuleBundles.bundle() bundles modules of the web and of registries", async () => {
  await using server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen: () => {} },
    (request) =>
      new Response(
        request.url.endsWith("/deep.ts") ? DEEP : `
import { fail } from "./deep.ts";
export const f = () => 1;
export default (): void => fail("x");`,
        { headers: { "content-type": "application/typescript" } },
      ),
  );
  const base = `http://127.0.0.1:${server.addr.port}`;
  // In a project of its own, so nothing is downloaded into the repository.
  await using project = await makeProject();
  const bundles = new ModuleBundles(configOf(project));
  const { code } = await bundles.bundle(`${base}/tasks.ts`);
  assertEquals(await valueOf(code, "f"), 1);
  const stack = await stackOf(code, "default");
  assertStringIncludes(stack, `${base}/deep.ts:4:9`);
  assertStringIncludes(stack, `${base}/tasks.ts:4:28`);

  const jsr = await bundles.bundle("jsr:@std/assert@1/equals");
  assertStringIncludes(
    await stackOf(jsr.code, "assertEquals", 1, 2),
    "https://jsr.io/@std/assert/",
  );
  const npm = await bundles.bundle("npm:is-number@7");
  assertEquals(await valueOf(npm.code, "default", "5"), true);
});

Deno.test("ModuleBundles.needsBundle() returns whether workers can't import a URL", () => {
  const bundles = new ModuleBundles(undefined);
  const remote = ["https://a.b/c.ts", "http://a.b/", "jsr:@a/b", "npm:a"];
  for (const mode of ["auto", "bundle"] as const) {
    assert(bundles.needsBundle("file:///a/b.ts", mode));
    assert(bundles.needsBundle("FILE:///a/b.ts", mode));
    for (const url of ["node:fs", "data:text/javascript,1", "blob:x", "x"]) {
      assertFalse(bundles.needsBundle(url, mode), url);
    }
    for (const url of remote) {
      assertEquals(bundles.needsBundle(url, mode), mode === "bundle", url);
    }
  }
});
