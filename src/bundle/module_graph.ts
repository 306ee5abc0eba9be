import { runDeno, type RunOptions } from "./run_deno.ts";

/** The parts of what `deno info --json` prints that matter here. */
export interface ModuleGraph {
  /** The modules. */
  readonly modules: readonly GraphModule[];
  /** What specifiers stand for. */
  readonly redirects: Readonly<Record<string, string>>;
  /** The packages in Deno's cache, by keys. */
  readonly npmPackages?: Readonly<Record<string, CachedPackage>>;
}

/** A module, and what it imports. */
export interface GraphModule {
  readonly specifier: string;
  readonly mediaType?: string;
  readonly npmPackage?: string;
  readonly dependencies?: readonly {
    readonly specifier: string;
    readonly code?: { readonly specifier?: string };
  }[];
}

/** A package in Deno's cache. */
export interface CachedPackage {
  readonly name: string;
  readonly version: string;
  readonly localPath: string;
  /** Keys of other packages. */
  readonly dependencies: readonly string[];
}

/**
 * Reads the graph of a module and all that it imports.
 *
 * @returns The graph, as far as it can be made; `undefined` if it can't be.
 */
export async function readModuleGraph(
  url: string,
  options: RunOptions,
): Promise<ModuleGraph | undefined> {
  try {
    const { stdout } = await runDeno(["info", "--json"], url, options);
    return JSON.parse(new TextDecoder().decode(stdout));
  } catch {
    return undefined;
  }
}
