import { fileURLToPath } from "node:url";

const NAMES = ["deno.json", "deno.jsonc"];

/**
 * Finds the configuration by which the program that makes the pool resolves
 * its imports, as Deno does: the nearest one from its main module upwards.
 *
 * @returns The path of a deno.json or deno.jsonc, or `undefined` if the main
 * module is not a local file or has none.
 * @see {@link https://docs.deno.com/runtime/fundamentals/configuration/}
 */
export function findConfig(mainModule: string): string | undefined {
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

function isFile(url: URL): boolean {
  try {
    return Deno.statSync(url).isFile;
  } catch {
    return false;
  }
}
