import { pathToFileURL } from "node:url";
import { explainFailure, explainStartFailure } from "./explain_failure.ts";
import { replaceImports } from "./replace_imports.ts";
import { namesToResolve, replaceImportMeta } from "./replace_import_meta.ts";
import { resolveNames } from "./resolve_names.ts";
import { folderOf, runDeno, type RunOptions } from "./run_deno.ts";
import { joinSourceMap, splitSourceMap } from "./source_map.ts";

/** Options of {@linkcode denoBundle}. */
export interface BundleOptions {
  /**
   * Whether the code has a source map in it, by which Deno shows the files and
   * lines of the sources in stack traces. Without one, `import.meta` is that
   * of the bundle.
   *
   * @default {false}
   */
  readonly sourceMap?: boolean;
  /** Further arguments for `deno bundle`. */
  readonly args?: readonly string[];
  /**
   * The specifiers of imports that stay imports, with the URLs that take their
   * place; only with a source map.
   */
  readonly externals?: ReadonlyMap<string, string>;
  /** Stops the bundler, and fails the bundle. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Makes one file of JavaScript of a module and all that it imports, except for
 * the `node:` modules that are part of Deno.
 *
 * This runs `deno bundle`, because `Deno.bundle()` exists only in a program
 * that was started with `--unstable-bundle`.
 *
 * @param entry The URL or the path of the module.
 * @param config The configuration that imports resolve by; `undefined` for
 * none.
 * @returns The code of an ES module with the same exports.
 * @throws {Error} If the module can't be bundled, with the reason and the way
 * out.
 * @see {@link https://docs.deno.com/runtime/reference/cli/bundle/}
 */
export async function denoBundle(
  entry: string,
  config: string | undefined,
  options: BundleOptions = {},
): Promise<string> {
  const { sourceMap = false, args = [], signal, externals = new Map() } =
    options;
  const url = toURL(entry);
  const runOptions = { config, flags: args, signal };
  const code = await run(url, [
    "bundle",
    "--quiet",
    "--platform=deno",
    // Classes are known by their names, errors above all.
    "--keep-names",
    ...(sourceMap ? ["--sourcemap=inline"] : []),
    ...Array.from(externals.keys(), (name) => `--external=${name}`),
  ], runOptions);
  // Deno names sources by their path from the folder that it runs in.
  const base = pathToFileURL(`${folderOf(config)}/`).href;
  const mapped = sourceMap ? splitSourceMap(code, base) : undefined;
  if (mapped === undefined) return code;
  const names = await resolveNames(namesToResolve(mapped.code), runOptions);
  return joinSourceMap(
    replaceImports(replaceImportMeta(mapped, names), externals),
  );
}

async function run(
  url: string,
  args: string[],
  options: RunOptions,
): Promise<string> {
  let output: Deno.CommandOutput;
  try {
    output = await runDeno(args, withoutGlob(url), options);
  } catch (error) {
    throw explainStartFailure(url, error);
  }
  const { success, stdout, stderr } = output;
  if (success) return new TextDecoder().decode(stdout);
  throw explainFailure(url, new TextDecoder().decode(stderr));
}

/** A scheme has two letters at least, as `C:\` is a path. */
function toURL(entry: string): string {
  return /^[a-z][a-z0-9+.-]+:/i.test(entry) ? entry : pathToFileURL(entry).href;
}

/** Escapes the characters by which a file's name would match several files. */
function withoutGlob(url: string): string {
  if (!url.startsWith("file:")) return url;
  return url.replace(
    /[*[\]{}]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
