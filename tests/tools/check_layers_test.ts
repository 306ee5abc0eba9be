import {
  assertEquals,
  assertLess,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  checkCycles,
  checkImports,
  checkLayers,
  readRule,
} from "../../tools/check_layers.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

const RULES = new Map([
  ["base", []],
  ["base/inner", ["base"]],
  ["top", ["base", "door.ts"]],
]);

/** A folder with two layers, which is removed at the end of a block. */
class LayersFixture implements AsyncDisposable {
  private constructor(readonly root: string) {}

  static async make(files: Record<string, string>): Promise<LayersFixture> {
    const fixture = new LayersFixture(await Deno.makeTempDir());
    const all = {
      "src/base/README.md": "# base\n\nMay import: nothing.\n",
      "src/base/one.ts": "export type One = 1;\nexport const one = 1;\n",
      "src/top/README.md": "# top\n\nMay import: `base`.\n",
      "src/top/two.ts": 'export { one } from "../base/one.ts";\n',
      ...files,
    };
    for (const [path, text] of Object.entries(all)) {
      await Deno.mkdir(dirname(join(fixture.root, path)), { recursive: true });
      await Deno.writeTextFile(join(fixture.root, path), text);
    }
    return fixture;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.root, { recursive: true });
  }
}

Deno.test("checkLayers() finds nothing in this project", async () => {
  assertEquals(await checkLayers(ROOT), []);
});

Deno.test("checkLayers() accepts imports that the READMEs allow", async () => {
  await using fixture = await LayersFixture.make({});
  assertEquals(await checkLayers(fixture.root), []);
});

Deno.test("checkLayers() reports an import that was turned round", async () => {
  const imports = [
    'import { two } from "../top/two.ts";\nexport const one = two;\n',
    'import type { Two } from "../top/two.ts";\nexport type One = Two;\n',
    'export type One = import("../top/two.ts").Two;\n',
    'export const one = () => import("../top/two.ts");\n',
    'export * from "../top/two.ts";\n',
  ];
  for (const text of imports) {
    await using fixture = await LayersFixture.make({
      "src/base/one.ts": text,
      "src/top/two.ts": "export type Two = 2;\nexport const two = 2;\n",
    });
    assertEquals(await checkLayers(fixture.root), [
      "src/base/one.ts imports src/top/two.ts, but base may not import top",
    ]);
  }
});

Deno.test("checkLayers() reports an import from outside src", async () => {
  await using fixture = await LayersFixture.make({
    "src/base/one.ts": 'export * from "../../mod.ts";\n',
    "mod.ts": "export const door = 1;\n",
  });
  assertEquals(await checkLayers(fixture.root), [
    "src/base/one.ts imports mod.ts, but base may not import mod.ts",
  ]);
});

Deno.test("checkLayers() reports READMEs that allow a cycle", async () => {
  await using fixture = await LayersFixture.make({
    "src/base/README.md": "May import: `top`.\n",
  });
  assertEquals(await checkLayers(fixture.root), [
    "The READMEs in src allow a cycle: base -> top -> base",
  ]);
});

Deno.test("checkLayers() reports folders without a rule", async () => {
  await using fixture = await LayersFixture.make({
    "src/base/README.md": "# base\n",
    "src/more/three.ts": "export const three = 3;\n",
  });
  assertEquals(await checkLayers(fixture.root), [
    'src/base/README.md has no sentence that begins with "May import:"',
    "src/base/README.md is missing: it must say what src/base may import",
    "src/more/README.md is missing: it must say what src/more may import",
    "src/top/README.md allows base, which isn't there",
    "src/top/two.ts imports src/base/one.ts, but top may not import " +
    "src/base/one.ts",
  ]);
});

Deno.test("checkLayers() rejects when an import can't be resolved", async () => {
  await using fixture = await LayersFixture.make({
    "src/base/one.ts": 'export * from "./missing.ts";\n',
  });
  const error = await assertRejects(() => checkLayers(fixture.root), Error);
  assertStringIncludes(error.message, "missing.ts");
});

Deno.test("readRule() reads names up to the end of the sentence", () => {
  assertEquals(readRule("May import: `a`, `b/c`,\n`d.ts`.\n\nNot `e`.\n"), [
    "a",
    "b/c",
    "d.ts",
  ]);
  assertEquals(readRule("May import: nothing.\n"), []);
  assertEquals(readRule("# base\n\nMay import all.. \n\n`a`\n"), undefined);
});

Deno.test("checkCycles() reports the folders of a cycle", () => {
  assertEquals(checkCycles(RULES), []);
  const cycle = new Map([["a", ["b"]], ["b", ["c"]], ["c", ["b"]]]);
  assertEquals(checkCycles(cycle), [
    "The READMEs in src allow a cycle: b -> c -> b",
  ]);
});

Deno.test("checkImports() knows the innermost folder of a file", () => {
  const imports = [
    { from: "src/base/inner/a.ts", to: "src/base/b.ts" },
    { from: "src/base/inner/deep/a.ts", to: "src/base/inner/b.ts" },
    { from: "src/top/a.ts", to: "door.ts" },
    { from: "src/base/b.ts", to: "src/base/inner/a.ts" },
    { from: "src/top/a.ts", to: "src/base/inner/a.ts" },
  ];
  assertEquals(checkImports(RULES, imports), [
    "src/base/b.ts imports src/base/inner/a.ts, but base may not import " +
    "base/inner",
    "src/top/a.ts imports src/base/inner/a.ts, but top may not import " +
    "base/inner",
  ]);
});

Deno.test("docs/architecture.md lists the folders in the order of their imports", async () => {
  const text = await Deno.readTextFile(join(ROOT, "docs/architecture.md"));
  const listed = [...text.matchAll(/^\| `([\w/]+)\/` /gm)].map(([, name]) =>
    name!
  );
  const folders: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(join(ROOT, "src"))) {
    if (isDirectory) folders.push(name);
  }
  assertEquals(listed.toSorted(), folders.toSorted());
  for (const folder of listed) {
    const readme = join(ROOT, "src", folder, "README.md");
    for (const allowed of readRule(await Deno.readTextFile(readme)) ?? []) {
      const [layer] = allowed.split("/");
      if (allowed.endsWith(".ts")) continue;
      assertLess(listed.indexOf(layer!), listed.indexOf(folder), folder);
    }
  }
});
