import { bundleFlags } from "./bundle_flags.ts";
import { denoBundle } from "./deno_bundle.ts";
import { findExternals } from "./find_externals.ts";
import { readModuleGraph } from "./module_graph.ts";
import { sha256 } from "../util/sha256.ts";

/** Schemes of modules that a worker on another machine can import itself. */
const REMOTE = ["https:", "http:", "jsr:", "npm:"];

/** Matches the bundler's comment above the code of an npm package's file. */
const FROM_PACKAGE = /^\/\/ (?:.*\/)?(?:npm|node_modules)\//m;

/**
 * Which modules to bundle: with `"auto"`, those that a worker on another
 * machine can't import; with `"bundle"`, also those that it would download.
 */
export type BundleMode = "auto" | "bundle";

/** A module and its imports in one file of code, for workers. */
export interface ModuleBundle {
  /** The SHA-256 hash of the code, in hexadecimal. */
  readonly hash: string;
  /**
   * An ES module with the same exports, which workers import from a `blob:`
   * URL. Its stack traces show the files and lines of the sources.
   */
  readonly code: string;
}

/** The bundles of a pool's task modules, each made once. */
export class ModuleBundles {
  readonly #config: string | undefined;
  readonly #args: readonly string[];
  readonly #bundles = new Map<string, Promise<ModuleBundle>>();

  /**
   * Constructs a store without bundles.
   *
   * @param config The path of the configuration that resolves imports;
   * `undefined` for none.
   * @param denoArgs The arguments of the workers' `deno run`. The bundler gets
   * those that affect imports.
   */
  constructor(config: string | undefined, denoArgs: readonly string[] = []) {
    this.#config = config;
    this.#args = bundleFlags(denoArgs);
  }

  /** Whether a module must be bundled for a worker on another machine. */
  needsBundle(url: string, mode: BundleMode): boolean {
    const scheme = /^[^:]*:/.exec(url)?.[0].toLowerCase() ?? "";
    return scheme === "file:" || mode === "bundle" && REMOTE.includes(scheme);
  }

  /**
   * Returns the bundle of a module. It keeps bundles and failures even when
   * files change, because all workers must get the same code.
   *
   * @throws {Error} If the module can't be bundled.
   */
  bundle(url: string): Promise<ModuleBundle> {
    let bundle = this.#bundles.get(url);
    if (bundle === undefined) {
      bundle = this.#make(url);
      this.#bundles.set(url, bundle);
    }
    return bundle;
  }

  async #make(url: string): Promise<ModuleBundle> {
    const code = await this.#bundle(url);
    return { hash: await sha256(code), code };
  }

  async #bundle(url: string): Promise<string> {
    const [whole] = await Promise.allSettled([this.#bundleAllBut(url)]);
    const isComplete = whole.status === "fulfilled" &&
      !FROM_PACKAGE.test(whole.value);
    // By now, the bundler has downloaded all packages.
    const externals = isComplete ? undefined : await this.#findExternals(url);
    if (externals !== undefined && externals.size > 0) {
      return this.#bundleAllBut(url, externals);
    }
    if (whole.status === "rejected") throw whole.reason;
    return whole.value;
  }

  #bundleAllBut(
    url: string,
    externals: ReadonlyMap<string, string> = new Map(),
  ): Promise<string> {
    const options = { sourceMap: true, args: this.#args, externals };
    return denoBundle(url, this.#config, options);
  }

  async #findExternals(
    url: string,
  ): Promise<Map<string, string> | undefined> {
    const graph = await readModuleGraph(url, {
      config: this.#config,
      flags: this.#args,
      signal: undefined,
    });
    return graph && await findExternals(graph);
  }
}
