import { isPackageJson } from "../util/find_config.ts";
import { isGranted } from "../util/is_granted.ts";
import { BundleCache } from "./bundle_cache.ts";
import { bundleFlags } from "./bundle_flags.ts";
import { BundleIndex } from "./bundle_index.ts";
import { findCacheFolder } from "./find_cache_folder.ts";
import { runDeno } from "./run_deno.ts";
import { loadWorkerBundle } from "./worker_bundle.ts";

/**
 * The bundle of a worker program as a file in the user's cache. Deno loads one
 * file faster than all modules of the program.
 */
export class StoredBundle {
  readonly #entry: string;
  readonly #config: string | undefined;
  /** The cache's folder, if the program may use it and can run from there. */
  readonly #folder: string | undefined;

  /**
   * Constructs the bundle, which may not be stored yet.
   *
   * @param entry The URL of the program's main module.
   * @param config The configuration that resolves imports, unless the package
   * is in a folder with its own configuration; `undefined` for none. With a
   * package.json, workers don't run the program as a file, so there is nothing
   * to store.
   * @param folder The cache's folder; `undefined` for no cache.
   */
  constructor(
    entry: string,
    config: string | undefined,
    folder: string | undefined = findCacheFolder(),
  ) {
    this.#entry = entry;
    this.#config = config;
    const isUsable = (config === undefined || !isPackageJson(config)) &&
      isReadable(entry);
    this.#folder = isUsable ? folder : undefined;
  }

  /** Returns the file's path, or `undefined` if there is no file, or no safe one. */
  async find(): Promise<string | undefined> {
    if (this.#folder === undefined) return undefined;
    const cache = new BundleCache(this.#folder);
    try {
      const key = await this.#index(cache).key();
      return key === undefined ? undefined : await cache.find(key);
    } catch {
      return undefined;
    }
  }

  /**
   * Makes the file for later programs. This downloads nothing from npm, and
   * doesn't keep the program alive.
   *
   * @param signal Stops this when it is aborted.
   * @throws {Error} If the program can't be bundled.
   */
  async make(signal: AbortSignal): Promise<void> {
    if (this.#folder === undefined) return;
    signal.throwIfAborted();
    const cache = new BundleCache(this.#folder);
    if (!await cache.isWritable()) return;
    const options = { signal, inBackground: true };
    const index = this.#index(cache);
    const entry = await index.describe({ ...options, flags: bundleFlags([]) });
    await loadWorkerBundle(
      this.#entry,
      this.#config,
      this.#folder,
      signal,
      true,
    );
    const path = await cache.find(entry.key);
    if (path === undefined) return;
    // Deno keeps the compiled code of a program that has run. Otherwise, all
    // workers of the next pool would compile it at the same time. Without
    // arguments, the program ends at once.
    await runDeno(["run", "--quiet", "--no-prompt"], path, {
      ...options,
      config: undefined,
      flags: [],
    });
    await index.write(entry);
  }

  #index(cache: BundleCache): BundleIndex {
    return new BundleIndex(cache, this.#entry, this.#config);
  }
}

/** Whether the package's files may be read, which must not prompt. */
function isReadable(entry: string): boolean {
  if (!entry.startsWith("file:")) return true;
  return isGranted({ name: "read", path: new URL("./", entry) });
}
