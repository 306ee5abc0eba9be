import { assert, assertEquals } from "@std/assert";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const HELPERS = fileURLToPath(new URL("../helpers", import.meta.url));

/** The names of modules in a folder that are no tests, without ".ts". */
function filesIn(folder: string): string[] {
  return [...Deno.readDirSync(folder)]
    .filter(({ name }) => /(?<!_test|\.d)\.ts$/.test(name))
    .map(({ name }) => name.slice(0, -".ts".length));
}

function isFolder(path: string): boolean {
  try {
    return Deno.statSync(path).isDirectory;
  } catch {
    return false;
  }
}

/** Whether a file exports something with its own name, or `start…` it. */
function exportsItsName(folder: string, name: string): boolean {
  const text = Deno.readTextFileSync(join(folder, `${name}.ts`));
  const exported = text.matchAll(
    /^export (?:(?:async )?(?:function|class|const)|\{) (?:make|start|with)?(\w+)/gm,
  );
  const wanted = name.replaceAll("_", "");
  return [...exported].some(([, found]) => found!.toLowerCase() === wanted);
}

Deno.test("tests/helpers has files named by the rule in CONTRIBUTING.md", () => {
  for (const name of filesIn(HELPERS)) {
    assert(
      /_fixture$|s$/.test(name) || exportsItsName(HELPERS, name),
      `${name}.ts exports nothing of that name`,
    );
  }
});

Deno.test("tests has no other folders for helpers or programs", () => {
  const tests = join(HELPERS, "..");
  const folders = [...Deno.readDirSync(tests)]
    .filter(({ isDirectory }) => isDirectory);
  const others = folders
    .flatMap(({ name }) => [`${name}/helpers`, `${name}/programs`])
    .filter((folder) => isFolder(join(tests, folder)))
    .filter((folder) => filesIn(join(tests, folder)).length > 0);
  assertEquals(others, []);
});
