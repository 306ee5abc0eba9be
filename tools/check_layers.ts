/**
 * Checks that imports between the folders of `src/` point one way.
 *
 * The `README.md` of each folder names what its modules may import, in a
 * sentence that begins with `May import:`. The check fails if a module imports
 * anything else, if these sentences allow a cycle, or if a folder has none.
 * Imports of types count like all others.
 *
 * `deno run -A tools/check_layers.ts [root]`
 *
 * @module
 */

import { dirname, join, relative, sep } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

/** The sentence in a README that names what a folder may import. */
const RULE = /^May import:\s+([^]+?)\.$/m;

/** What each folder of `src/` may import: folders of `src/`, or entry points. */
export type Rules = ReadonlyMap<string, readonly string[]>;

/** A module of `src/` that imports a file outside its own folder. */
export interface Import {
  /** The path of the module below the root. */
  readonly from: string;
  /** The path of the imported file below the root. */
  readonly to: string;
}

/**
 * Checks the folders of `src/`.
 *
 * @param root The folder that holds `src/`.
 * @returns A message for each violation.
 */
export async function checkLayers(root: string): Promise<string[]> {
  const files = await listFiles(root, "src");
  const modules = files.filter((file) => file.endsWith(".ts"));
  const readmes = files.filter((file) => file.endsWith("/README.md"));
  const rules = new Map<string, readonly string[]>();
  const problems: string[] = [];
  for (const file of readmes) {
    const rule = readRule(await Deno.readTextFile(join(root, file)));
    if (rule === undefined) {
      problems.push(`${file} has no sentence that begins with "May import:"`);
    } else {
      rules.set(file.slice("src/".length, -"/README.md".length), rule);
    }
  }
  return [
    ...problems,
    ...checkFolders(rules, modules),
    ...checkCycles(rules),
    ...checkImports(rules, await readImports(root, modules)),
  ];
}

/**
 * Reads what a folder may import from the text of its README.
 *
 * @returns The names in backquotes, or `undefined` if there is no rule.
 */
export function readRule(text: string): string[] | undefined {
  const [, names] = RULE.exec(text.replaceAll("\r\n", "\n")) ?? [];
  if (names === undefined) return undefined;
  return [...names.matchAll(/`([^`]+)`/g)].map(([, name]) => name!);
}

/** Reports modules in folders without a rule, and rules that name no folder. */
function checkFolders(rules: Rules, modules: readonly string[]): string[] {
  const lone = modules.filter((path) => ownerOf(path, rules) === undefined);
  const folders = new Set(lone.map((path) => dirname(path)));
  const problems = [...folders].map((folder) =>
    `${folder}/README.md is missing: it must say what ${folder} may import`
  );
  for (const [folder, allowed] of rules) {
    for (const name of allowed) {
      if (rules.has(name) || name.endsWith(".ts")) continue;
      problems.push(
        `src/${folder}/README.md allows ${name}, which isn't there`,
      );
    }
  }
  return problems;
}

/** Reports the first cycle that the rules allow, if there is one. */
export function checkCycles(rules: Rules): string[] {
  const done = new Set<string>();
  const visit = (folder: string, way: readonly string[]): string[] => {
    if (done.has(folder)) return [];
    const start = way.indexOf(folder);
    if (start >= 0) {
      const cycle = [...way.slice(start), folder].join(" -> ");
      return [`The READMEs in src allow a cycle: ${cycle}`];
    }
    for (const next of rules.get(folder) ?? []) {
      const problems = visit(next, [...way, folder]);
      if (problems.length > 0) return problems;
    }
    done.add(folder);
    return [];
  };
  for (const folder of rules.keys()) {
    const problems = visit(folder, []);
    if (problems.length > 0) return problems;
  }
  return [];
}

/** Reports imports that the rules don't allow. */
export function checkImports(
  rules: Rules,
  imports: readonly Import[],
): string[] {
  return imports.flatMap(({ from, to }) => {
    const folder = ownerOf(from, rules);
    const target = ownerOf(to, rules) ?? to;
    if (folder === undefined || folder === target) return [];
    if (rules.get(folder)!.includes(target)) return [];
    return [`${from} imports ${to}, but ${folder} may not import ${target}`];
  });
}

/** Returns the innermost folder with a rule that contains a file of `src/`. */
function ownerOf(path: string, rules: Rules): string | undefined {
  if (!path.startsWith("src/")) return undefined;
  let folder = dirname(path.slice("src/".length));
  while (folder !== ".") {
    if (rules.has(folder)) return folder;
    folder = dirname(folder);
  }
  return undefined;
}

/** Lists the files in a folder and below it, as paths below the root. */
async function listFiles(root: string, folder: string): Promise<string[]> {
  const files: string[] = [];
  for await (const entry of Deno.readDir(join(root, folder))) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory) files.push(...await listFiles(root, path));
    else files.push(path);
  }
  return files.sort();
}

/** The used part of the output of `deno info --json`. */
interface Graph {
  readonly modules: readonly {
    readonly specifier: string;
    readonly error?: string;
    readonly dependencies?: readonly {
      readonly code?: { readonly specifier?: string };
      readonly type?: { readonly specifier?: string };
    }[];
  }[];
}

/**
 * Reads which files the modules import.
 *
 * @throws {Error} If an import can't be resolved.
 */
async function readImports(
  root: string,
  modules: readonly string[],
): Promise<Import[]> {
  const base = await Deno.realPath(root);
  const imports = modules.map((path) =>
    `import ${JSON.stringify(pathToFileURL(join(base, path)).href)};`
  );
  const everything = `data:application/typescript,${
    encodeURIComponent(imports.join("\n"))
  }`;
  const { modules: graph } = await readGraph(base, everything);
  return graph.flatMap(({ specifier, error, dependencies = [] }) => {
    if (error !== undefined) throw new Error(error);
    const from = pathBelow(base, specifier);
    if (!from?.startsWith("src/")) return [];
    const targets = dependencies
      .flatMap(({ code, type }) => [code?.specifier, type?.specifier])
      .map((target) => pathBelow(base, target))
      .filter((target) => target !== undefined);
    return [...new Set(targets)].map((to) => ({ from, to }));
  });
}

/** @throws {Error} If `deno info` fails. */
async function readGraph(cwd: string, specifier: string): Promise<Graph> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--json", specifier],
    cwd,
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  if (!success) throw new Error(decoder.decode(stderr));
  return JSON.parse(decoder.decode(stdout));
}

/** Returns a file's path below the root; `undefined` if it is elsewhere. */
function pathBelow(root: string, url: string | undefined): string | undefined {
  if (!url?.startsWith("file:")) return undefined;
  const path = relative(root, fileURLToPath(url)).replaceAll(sep, "/");
  return path.startsWith("..") ? undefined : path;
}

if (import.meta.main) {
  const root = Deno.args[0] ?? join(import.meta.dirname!, "..");
  const problems = await checkLayers(root);
  for (const problem of problems) console.error(`error: ${problem}`);
  if (problems.length > 0) Deno.exit(1);
}
