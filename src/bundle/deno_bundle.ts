import { dirname } from "node:path";
import { pathToFileURL } from "node:url";
import { denoPath } from "../util/deno_path.ts";
import { isPackageJson } from "../util/find_config.ts";
import { Reaper } from "../spawner/reaper.ts";
import { explainFailure, explainStart } from "./bundle_failure.ts";
import { withOriginalMeta } from "./import_meta.ts";
import { joinSourceMap, splitSourceMap } from "./source_map.ts";

/** How a bundle is made. */
export interface BundleOptions {
  /**
   * Whether the code has a source map in it, by which Deno shows the files and
   * lines of the sources in stack traces. Without one, `import.meta` is that
   * of the bundle. Default: `false`.
   */
  readonly sourceMap?: boolean;
  /** Further arguments for `deno bundle`. */
  readonly args?: readonly string[];
  /** Ends the making, which fails then. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Makes one file of JavaScript of a module and all that it imports, other than
 * the `node:` modules that are part of Deno.
 *
 * This runs `deno bundle`, as `Deno.bundle()` is there only in a program that
 * was started with `--unstable-bundle`.
 *
 * @param entry The URL or the path of the module.
 * @param config The configuration that imports resolve by; `undefined` for
 * none.
 * @returns The code of an ES module with the same exports.
 * @throws {Error} If that can't be done, with the reason and the way out.
 * @see {@link https://docs.deno.com/runtime/reference/cli/bundle/}
 */
export async function denoBundle(
  entry: string,
  config: string | undefined,
  { sourceMap = false, args = [], signal }: BundleOptions = {},
): Promise<string> {
  const url = toURL(entry);
  const { flags, cwd } = resolution(config);
  // Deno names sources by how to get there from this folder.
  const base = pathToFileURL(`${cwd}/`).href;
  const { success, stdout, stderr } = await run(
    url,
    [
      "bundle",
      "--quiet",
      "--platform=deno",
      // Classes are known by their name: those of errors, to begin with.
      "--keep-names",
      ...(sourceMap ? ["--sourcemap=inline"] : []),
      ...flags,
      ...args,
      withoutGlob(url),
    ],
    cwd,
    signal,
  );
  if (!success) throw explainFailure(url, new TextDecoder().decode(stderr));
  const code = new TextDecoder().decode(stdout);
  const mapped = sourceMap ? splitSourceMap(code, base) : undefined;
  return mapped === undefined ? code : joinSourceMap(withOriginalMeta(mapped));
}

/** The flags and the folder by which Deno resolves imports as configured. */
function resolution(
  config: string | undefined,
): { flags: string[]; cwd: string } {
  const cwd = Deno.cwd();
  if (config === undefined) return { flags: ["--no-config"], cwd };
  // No flag takes a package.json: Deno looks for it in the current folder.
  if (isPackageJson(config)) return { flags: [], cwd: dirname(config) };
  return { flags: ["--config", config], cwd };
}

async function run(
  url: string,
  args: string[],
  cwd: string,
  signal: AbortSignal | undefined,
): Promise<Deno.CommandOutput> {
  const child = start(url, args, cwd, signal);
  // A download may hang for good, and go on when the program has ended.
  const reaper = Reaper.isSupported ? new Reaper(undefined) : undefined;
  try {
    reaper?.watch(child);
    return await child.output();
  } finally {
    await reaper?.close();
  }
}

function start(
  url: string,
  args: string[],
  cwd: string,
  signal: AbortSignal | undefined,
): Deno.ChildProcess {
  try {
    return new Deno.Command(denoPath(), {
      args,
      cwd,
      env: { NO_COLOR: "1" },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
      ...(signal === undefined ? {} : { signal }),
    }).spawn();
  } catch (error) {
    throw explainStart(url, error);
  }
}

/** The scheme has two letters at least, as `C:\` is a path. */
function toURL(entry: string): string {
  return /^[a-z][a-z0-9+.-]+:/i.test(entry) ? entry : pathToFileURL(entry).href;
}

/** Files can have names that would stand for several, if not escaped. */
function withoutGlob(url: string): string {
  if (!url.startsWith("file:")) return url;
  return url.replace(
    /[*[\]{}]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
