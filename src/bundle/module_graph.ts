import { runDeno, type RunOptions } from "./run_deno.ts";

/** The parts of the output of `deno info --json` that this package reads. */
export interface ModuleGraph {
  /** The modules. */
  readonly modules: readonly GraphModule[];
  /** The specifiers that redirect to another one. */
  readonly redirects: Readonly<Record<string, string>>;
  /** The packages in Deno's cache, by key. */
  readonly npmPackages?: Readonly<Record<string, CachedPackage>>;
}

/** A module and its imports. */
export interface GraphModule {
  /** The module's URL. */
  readonly specifier: string;
  /** The key of the package that the module belongs to. */
  readonly npmPackage?: string;
  /** The module's imports. */
  readonly dependencies?: readonly GraphDependency[];
}

/** An import of a module. */
export interface GraphDependency {
  /** The specifier as written in the code. */
  readonly specifier: string;
  /** The imported code; it has no specifier if it can't be resolved. */
  readonly code?: {
    readonly specifier?: string;
    readonly resolutionMode?: "import" | "require";
  };
}

/** A package in Deno's cache. */
export interface CachedPackage {
  /** The package's name. */
  readonly name: string;
  /** The package's version. */
  readonly version: string;
  /** The path of the package's folder. */
  readonly localPath: string;
  /** The keys of the packages that it depends on. */
  readonly dependencies: readonly string[];
}

/**
 * Reads the graph of a module and its imports.
 *
 * @returns The graph, which may be partial; `undefined` if there is none.
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
