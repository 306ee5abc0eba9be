import { abortable } from "@std/async/abortable";
import { findConfig } from "../util/find_config.ts";
import { BundleCache } from "./bundle_cache.ts";
import { bundleFlags } from "./bundle_flags.ts";
import { bundleKey } from "./bundle_key.ts";
import { findCacheFolder } from "./find_cache_folder.ts";
import { denoBundle } from "./deno_bundle.ts";

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
 * @param signal When it is aborted, the promise is rejected. Unless another
 * caller waits for the bundler, it is stopped before.
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
    if (--bundle.users === 0) {
      bundle.making.abort();
      await bundle.code.catch(() => {});
    }
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
 * @param inBackground See {@linkcode RunOptions.inBackground}.
 */
export async function loadWorkerBundle(
  entry: string,
  config: string | undefined,
  folder: string | undefined,
  signal?: AbortSignal,
  inBackground = false,
): Promise<string> {
  const resolvedBy = findConfig(entry) ?? config;
  const options = { args: bundleFlags([]), signal, inBackground };
  const make = () => denoBundle(entry, resolvedBy, options);
  // If the package's files can't be read, the bundler reports why.
  const key = await bundleKey(entry, config).catch(() => undefined);
  if (folder === undefined || key === undefined) return await make();
  const cache = new BundleCache(folder);
  const cached = await cache.read(key);
  if (cached !== undefined) return cached;
  const code = await make();
  await cache.write(key, code);
  return code;
}
