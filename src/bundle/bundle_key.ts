import { dirname } from "node:path";
import { pathToFileURL } from "node:url";
import { findConfig } from "../util/find_config.ts";
import { sha256 } from "../util/sha256.ts";

/**
 * Returns the key of a worker program's bundle in the cache. The URL of a
 * published module contains its version, but files in a folder may change, so
 * the key covers their contents.
 *
 * @param entry The URL of the program's main module.
 * @param config The configuration that resolves imports, unless the package is
 * in a folder with its own configuration; `undefined` for none.
 * @throws {Error} If the package's files can't be read.
 */
export async function bundleKey(
  entry: string,
  config: string | undefined,
): Promise<string> {
  const ownConfig = findConfig(entry);
  const resolvedBy = ownConfig ?? config;
  const files = ownConfig === undefined ? [] : await readPackage(ownConfig);
  const { deno } = Deno.version;
  const hash = await sha256(JSON.stringify([deno, entry, resolvedBy, files]));
  return `worker-${hash.slice(0, 32)}`;
}

/** Reads the files of a package in a folder: their names and texts. */
async function readPackage(config: string): Promise<[string, string][]> {
  const folder = pathToFileURL(`${dirname(config)}/`);
  const names = [
    ...await listScripts(folder, "", false),
    ...await listScripts(folder, "src/", true),
  ].sort();
  const read = (url: URL | string) => Deno.readTextFile(url);
  return await Promise.all([
    read(config).then((text): [string, string] => ["", text]),
    ...names.map(async (name): Promise<[string, string]> => [
      name,
      await read(new URL(name, folder)),
    ]),
  ]);
}

/** Lists the paths of the TypeScript files in a folder of the package. */
async function listScripts(
  root: URL,
  path: string,
  recursive: boolean,
): Promise<string[]> {
  const names: string[] = [];
  for await (const entry of Deno.readDir(new URL(path, root))) {
    const name = `${path}${encodeURIComponent(entry.name)}`;
    if (entry.isFile && name.endsWith(".ts")) names.push(name);
    else if (entry.isDirectory && recursive) {
      names.push(...await listScripts(root, `${name}/`, true));
    }
  }
  return names;
}
