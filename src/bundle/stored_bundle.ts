import { isGranted } from "../util/is_granted.ts";
import { BundleCache } from "./bundle_cache.ts";
import { bundleKey } from "./bundle_key.ts";
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
  readonly #folder: string | undefined;

  /**
   * Constructs the bundle, which may not be stored yet.
   *
   * @param entry The URL of the program's main module.
   * @param config The configuration that resolves imports, unless the package
   * is in a folder with its own configuration; `undefined` for none.
   * @param folder The cache's folder; `undefined` for no cache.
   */
  constructor(
    entry: string,
    config: string | undefined,
    folder: string | undefined = findCacheFolder(),
  ) {
    this.#entry = entry;
    this.#config = config;
    this.#folder = folder;
  }

  /** Returns the file's path, or `undefined` if there is no file, or no safe one. */
  async find(): Promise<string | undefined> {
    if (this.#folder === undefined || !this.#isReadable) return undefined;
    try {
      const key = await bundleKey(this.#entry, this.#config);
      return await new BundleCache(this.#folder).find(key);
    } catch {
      return undefined;
    }
  }

  /** Whether the package's files may be read, which must not prompt. */
  get #isReadable(): boolean {
    if (!this.#entry.startsWith("file:")) return true;
    const path = new URL("./", this.#entry);
    return isGranted({ name: "read", path });
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
    await loadWorkerBundle(
      this.#entry,
      this.#config,
      this.#folder,
      signal,
      true,
    );
    const path = await this.find();
    if (path === undefined) return;
    // Deno keeps the compiled code of a program that has run. Otherwise, all
    // workers of the next pool would compile it at the same time. Without
    // arguments, the program ends at once.
    await runDeno(["run", "--quiet", "--no-prompt"], path, {
      config: undefined,
      flags: [],
      signal,
      inBackground: true,
    });
  }
}
