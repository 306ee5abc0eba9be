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
   * Whether to put a source map into the code, so that stack traces show the
   * files and lines of the sources. Without one, `import.meta` is the bundle's.
   *
   * @default {false}
   */
  readonly sourceMap?: boolean;
  /** Extra arguments for `deno bundle`. */
  readonly args?: readonly string[];
  /**
   * The specifiers of imports that aren't bundled, with the URLs that replace
   * them. Needs a source map.
   */
  readonly externals?: ReadonlyMap<string, string>;
  /** Stops the bundler when it is aborted. */
  readonly signal?: AbortSignal | undefined;
  /** See {@linkcode RunOptions.inBackground}. */
  readonly inBackground?: boolean;
}

/**
 * Bundles a module and everything that it imports into one JavaScript file,
 * except for `node:` modules, which are part of Deno.
 *
 * This runs `deno bundle`, because `Deno.bundle()` exists only in a program
 * that was started with `--unstable-bundle`.
 *
 * @param entry The URL or the path of the module.
 * @param config The path of the configuration that resolves imports;
 * `undefined` for none.
 * @returns The code of an ES module with the same exports.
 * @throws {Error} If the module can't be bundled. The message gives the reason
 * and how to fix it.
 * @see {@link https://docs.deno.com/runtime/reference/cli/bundle/}
 */
export async function denoBundle(
  entry: string,
  config: string | undefined,
  options: BundleOptions = {},
): Promise<string> {
  const { sourceMap = false, args = [], signal, externals = new Map() } =
    options;
  const { inBackground = false } = options;
  const url = toURL(entry);
  const runOptions = { config, flags: args, signal, inBackground };
  const code = await run(url, [
    "bundle",
    "--quiet",
    "--platform=deno",
    // The names of classes matter, above all those of errors.
    "--keep-names",
    ...(sourceMap ? ["--sourcemap=inline"] : []),
    ...Array.from(externals.keys(), (name) => `--external=${name}`),
  ], runOptions);
  // Deno names sources by their path relative to the folder in which it runs.
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

/** Requires at least two letters in a scheme, because `C:\` is a path. */
function toURL(entry: string): string {
  return /^[a-z][a-z0-9+.-]+:/i.test(entry) ? entry : pathToFileURL(entry).href;
}

/** Escapes the characters that would make a file's name a glob pattern. */
function withoutGlob(url: string): string {
  if (!url.startsWith("file:")) return url;
  return url.replace(
    /[*[\]{}]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
