import { basename } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const PACKAGE_JSON = "package.json";

/** The names of configuration files, in order of precedence. */
const NAMES = ["deno.json", "deno.jsonc", PACKAGE_JSON];

/**
 * Finds the configuration that a program resolves its imports with, as Deno
 * does: in the nearest folder that has one, from the main module's upwards.
 *
 * @param mainModule The URL of the main module.
 * @default {this program's}
 * @returns The path of a deno.json, deno.jsonc or package.json, or `undefined`
 * if the main module isn't a local file or there is no such file.
 * @see {@link https://docs.deno.com/runtime/fundamentals/configuration/}
 */
export function findConfig(
  mainModule: string = ownMainModule(),
): string | undefined {
  if (!mainModule.startsWith("file:")) return undefined;
  for (
    let folder = new URL("./", mainModule), parent: URL | undefined;
    folder.href !== parent?.href;
    parent = folder, folder = new URL("../", folder)
  ) {
    for (const name of NAMES) {
      const url = new URL(name, folder);
      if (isFile(url)) return fileURLToPath(url);
    }
  }
  return undefined;
}

/** Whether a configuration is a package.json, without a deno.json beside it. */
export function isPackageJson(config: string): boolean {
  return basename(config) === PACKAGE_JSON;
}

/**
 * Returns the URL of the main module. A web worker doesn't know it; there, this
 * is the worker's own module, or the current folder if that module isn't a
 * file.
 */
function ownMainModule(): string {
  const mainModule: string | undefined = Deno.mainModule;
  if (mainModule !== undefined) return mainModule;
  const module = globalThis.location?.href ?? "";
  return module.startsWith("file:")
    ? module
    : pathToFileURL(`${Deno.cwd()}/`).href;
}

function isFile(url: URL): boolean {
  try {
    return Deno.statSync(url).isFile;
  } catch {
    return false;
  }
}
