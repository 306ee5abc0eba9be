import { findConfig } from "../util/find_config.ts";
import { sha256 } from "../util/sha256.ts";
import type { BundleCache } from "./bundle_cache.ts";
import { bundleKey } from "./bundle_key.ts";
import { readModuleGraph } from "./module_graph.ts";
import type { RunOptions } from "./run_deno.ts";

/** A file, and how to notice that it has changed. */
export interface Stamp {
  /** Its URL. */
  readonly url: string;
  /** Its size in bytes. */
  readonly size: number;
  /** The time of its last change. */
  readonly modified: number | undefined;
}

/** The key of a bundle, and the files that it is made from. */
export interface IndexEntry {
  /** The key. */
  readonly key: string;
  /** The text of the package's configuration. */
  readonly config: string | undefined;
  /** The modules. */
  readonly stamps: readonly Stamp[];
}

/**
 * Remembers the keys of bundles in their cache. The key of a program in a folder
 * covers the contents of all files of its package, which take longer to read
 * than a worker takes to start.
 */
export class BundleIndex {
  readonly #cache: BundleCache;
  readonly #entry: string;
  readonly #config: string | undefined;

  /** Constructs the index of a program; see {@linkcode bundleKey}. */
  constructor(cache: BundleCache, entry: string, config: string | undefined) {
    this.#cache = cache;
    this.#entry = entry;
    this.#config = config;
  }

  /**
   * Returns the key of the bundle; `undefined` if it isn't known, or the program
   * has changed.
   */
  async key(): Promise<string | undefined> {
    if (!this.#isLocal) return await bundleKey(this.#entry, this.#config);
    const text = await this.#cache.read(await this.#name());
    if (text === undefined) return undefined;
    const { key, config, stamps }: IndexEntry = JSON.parse(text);
    // All releases of a package may have the same time, but not this text.
    if (config !== await this.#readConfig()) return undefined;
    return stamps.every(isCurrent) ? key : undefined;
  }

  /** Describes the program as it is now. */
  async describe(options: Omit<RunOptions, "config">): Promise<IndexEntry> {
    // If a file changes from now on, it no longer has this stamp.
    const [config, stamps] = this.#isLocal
      ? [await this.#readConfig(), await this.#stamps(options)]
      : [undefined, []];
    const key = await bundleKey(this.#entry, this.#config);
    return { key, config, stamps };
  }

  /** Stores the description of a program whose bundle is in the cache. */
  async write(entry: IndexEntry): Promise<void> {
    if (!this.#isLocal) return;
    await this.#cache.write(await this.#name(), JSON.stringify(entry));
  }

  /** The files of a remote program never change. */
  get #isLocal(): boolean {
    return this.#entry.startsWith("file:");
  }

  async #name(): Promise<string> {
    const { deno } = Deno.version;
    const program = JSON.stringify([deno, this.#entry, this.#config]);
    return `index-${(await sha256(program)).slice(0, 32)}`;
  }

  async #readConfig(): Promise<string | undefined> {
    const path = findConfig(this.#entry);
    return path === undefined ? undefined : await Deno.readTextFile(path);
  }

  async #stamps(options: Omit<RunOptions, "config">): Promise<Stamp[]> {
    const config = findConfig(this.#entry) ?? this.#config;
    const graph = await readModuleGraph(this.#entry, { ...options, config });
    const urls = graph?.modules.map(({ specifier }) => specifier) ?? [];
    if (!urls.includes(this.#entry)) throw new Error("There is no graph");
    return urls.filter((url) => url.startsWith("file:")).map(stamp);
  }
}

function stamp(url: string): Stamp {
  const { size, mtime } = Deno.statSync(new URL(url));
  return { url, size, modified: mtime?.getTime() };
}

/** Many asynchronous calls would take longer. */
function isCurrent({ url, size, modified }: Stamp): boolean {
  const now = stamp(url);
  return now.size === size && now.modified === modified;
}
