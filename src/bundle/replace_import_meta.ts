import { decode } from "@jridgewell/sourcemap-codec";
import { fileURLToPath } from "node:url";
import type { MappedCode, SourceMap } from "./source_map.ts";

/** Replaced by names of the same length, so columns don't change. */
const META = /(?<!(?:^|[^.])\.)\bimport\.meta\b/g;

/** The call that lets CommonJS code in a bundle require `node:` modules. */
const REQUIRE = "__deno_internal_createRequire(";

/** The URL passed to that call: its path is absolute on all systems. */
const REQUIRE_URL = "file:///C:/bundle.js";

/** A call of `import.meta.resolve()` with a bare specifier. */
const RESOLVE_NAME = /\bimport\.meta\.resolve\("([^"\\]+)"\)/g;

/** Matches URLs and paths, which aren't bare specifiers. */
const NOT_BARE = "^\\.{0,2}\\/|^[a-z][a-z0-9+.-]*:";

/** Returns the source of a function that makes a module's `import.meta`. */
function makeMeta(names: ReadonlyMap<string, string>): string {
  const urls = JSON.stringify(Object.fromEntries(names));
  return `(url,paths)=>({url,...paths,main:false,resolve(to){const names=${urls};if(globalThis.Object.hasOwn(names,to))return names[to];if(!/${NOT_BARE}/i.test(to))throw new globalThis.TypeError("In a bundle, import.meta.resolve() takes URLs, relative paths, and names that are string literals and in the configuration, but not: "+to);return new globalThis.URL(to,url).href}})`;
}

/** Finds the bare specifiers that the code passes to `import.meta.resolve()`. */
export function namesToResolve(code: string): string[] {
  const names = Array.from(code.matchAll(RESOLVE_NAME), ([, name]) => name!);
  const notBare = new RegExp(NOT_BARE, "i");
  return [...new Set(names)].filter((name) => !notBare.test(name));
}

/**
 * Gives the code of each source in a bundle its original `import.meta`.
 *
 * With the bundle's own `import.meta`, expressions such as
 * `new URL("./words.txt", import.meta.url)`, common at the top of modules,
 * would throw.
 *
 * @param names The URLs of the bare specifiers that `import.meta.resolve()`
 * resolves.
 */
export function replaceImportMeta(
  mapped: MappedCode,
  names: ReadonlyMap<string, string>,
): MappedCode {
  const { code, map } = mapped;
  if (!code.includes("import.meta")) return mapped;
  const prefix = unusedPrefix(code);
  const sources = [...map.sources, REQUIRE_URL];
  const sourceAt = sourceFinder(map);
  const used = new Map<number, string>();
  const lines = code.split("\n").map((line, row) =>
    line.replace(META, (found, column: number) => {
      const source = line.startsWith(REQUIRE, column - REQUIRE.length)
        ? map.sources.length
        : sourceAt(row, column);
      if (source === undefined) return found;
      const name = `${prefix}${source.toString(36).padStart(4, "0")}`;
      used.set(source, name);
      return name;
    })
  );
  if (used.size === 0) return mapped;
  const first = definitions(prefix, makeMeta(names), used, sources);
  return prepend(first, lines, map);
}

/** Returns a prefix of 7 characters for names that the code doesn't use. */
function unusedPrefix(code: string): string {
  for (let count = 0;; count++) {
    const prefix = `__m${count.toString(36).padStart(3, "0")}_`;
    if (!code.includes(prefix)) return prefix;
  }
}

/**
 * Returns a function that finds the source of an expression by its position.
 * The map has no entry for text in a string or a comment.
 */
function sourceFinder(
  map: SourceMap,
): (row: number, column: number) => number | undefined {
  const rows = decode(map.mappings);
  return (row, column) =>
    rows[row]?.find((segment) => segment[0] === column)?.[1];
}

function definitions(
  prefix: string,
  makeMeta: string,
  used: ReadonlyMap<number, string>,
  sources: readonly string[],
): string {
  const make = `${prefix}make`;
  const metas = Array.from(used, ([source, name]) => {
    const url = sources[source]!;
    return `${name}=${make}(${JSON.stringify(url)},${pathsOf(url)})`;
  });
  return `const ${make}=${makeMeta},${metas.join(",")};`;
}

/** Returns the properties that only a local file's `import.meta` has. */
function pathsOf(url: string): string {
  if (!url.startsWith("file:")) return "{}";
  return JSON.stringify({
    filename: fileURLToPath(url),
    dirname: fileURLToPath(new URL(".", url)).replace(/(?<=.)[/\\]$/, ""),
  });
}

/** Inserts a first line. It replaces a hashbang, if there is one. */
function prepend(first: string, lines: string[], map: SourceMap): MappedCode {
  if (lines[0]!.startsWith("#!")) {
    return { code: [first, ...lines.slice(1)].join("\n"), map };
  }
  const code = [first, ...lines].join("\n");
  return { code, map: { ...map, mappings: `;${map.mappings}` } };
}
