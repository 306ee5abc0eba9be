import { abortable } from "@std/async/abortable";
import { dirname } from "node:path";
import { pathToFileURL } from "node:url";
import { findConfig } from "../util/find_config.ts";
import { BundleCache } from "./bundle_cache.ts";
import { bundleFlags } from "./bundle_flags.ts";
import { findCacheFolder } from "./find_cache_folder.ts";
import { denoBundle } from "./deno_bundle.ts";
import { sha256 } from "../util/sha256.ts";

/** A bundle that is complete or in progress. */
interface SharedBundle {
  readonly code: Promise<string>;
  /** Stops the bundler. */
  readonly making: AbortController;
  /** How many callers wait for the code or have received it. */
  users: number;
}

/** The bundles of this process, by entry and configuration. */
const bundles = new Map<string, SharedBundle>();

/**
 * Returns the code of the program that workers on another machine run. It is
 * bundled once for each version of this package and of Deno, and kept in the
 * user's cache.
 *
 * @param entry The URL of the program's main module.
 * @param config The configuration that resolves imports, unless the package is
 * in a folder with its own configuration; `undefined` for none.
 * @param signal When it is aborted, the promise is rejected, and the bundler
 * stops unless another caller waits for it.
 * @throws {Error} If the program can't be bundled.
 */
export async function workerBundle(
  entry: string,
  config: string | undefined,
  signal: AbortSignal,
): Promise<string> {
  const id = JSON.stringify([entry, config]);
  const bundle = bundles.get(id) ?? makeShared(id, entry, config);
  bundle.users++;
  try {
    return await abortable(bundle.code, signal);
  } catch (error) {
    if (--bundle.users === 0) bundle.making.abort();
    throw error;
  }
}

function makeShared(
  id: string,
  entry: string,
  config: string | undefined,
): SharedBundle {
  const making = new AbortController();
  const { signal } = making;
  const code = loadWorkerBundle(entry, config, findCacheFolder(), signal);
  const bundle = { code, making, users: 0 };
  bundles.set(id, bundle);
  // Later callers don't get a bundle that has failed or is being aborted.
  const forget = () => {
    if (bundles.get(id) === bundle) bundles.delete(id);
  };
  code.catch(forget);
  signal.addEventListener("abort", forget);
  return bundle;
}

/**
 * Reads the program from a cache, or bundles and stores it.
 *
 * @param entry The URL of the program's main module.
 * @param config See {@linkcode workerBundle}.
 * @param folder The cache's folder; `undefined` for no cache.
 * @param signal Stops the bundler when it is aborted.
 */
export async function loadWorkerBundle(
  entry: string,
  config: string | undefined,
  folder: string | undefined,
  signal?: AbortSignal,
): Promise<string> {
  const ownConfig = findConfig(entry);
  const resolvedBy = ownConfig ?? config;
  const options = { args: bundleFlags([]), signal };
  const make = () => denoBundle(entry, resolvedBy, options);
  // If the package's files can't be read, the bundler reports why.
  const key = await keyOf(entry, resolvedBy, ownConfig).catch(() => undefined);
  if (folder === undefined || key === undefined) return await make();
  const cache = new BundleCache(folder);
  const cached = await cache.read(key);
  if (cached !== undefined) return cached;
  const code = await make();
  await cache.write(key, code);
  return code;
}

/**
 * Returns the program's key in the cache. The URL of a published module
 * contains its version, but files in a folder may change, so the key covers
 * their contents.
 */
async function keyOf(
  entry: string,
  config: string | undefined,
  ownConfig: string | undefined,
): Promise<string> {
  const files = ownConfig === undefined ? [] : await readPackage(ownConfig);
  const { deno } = Deno.version;
  const hash = await sha256(JSON.stringify([deno, entry, config, files]));
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
