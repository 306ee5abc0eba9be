import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  type InstalledPackage,
  NativePackages,
  readManifest,
} from "./native_packages.ts";
import type { CachedPackage, ModuleGraph } from "./module_graph.ts";

/** An import of a package, with the equivalent `npm:` URL. */
interface PackageImport {
  readonly installed: InstalledPackage;
  readonly url: string;
}

/** Matches the innermost package folder in a node_modules in a URL. */
const INSTALLED = /^(.*\/node_modules\/(?:@[^/]+\/)?[^/]+)\//;

/** Matches the name and version at the beginning of a specifier. */
const NAME = /^(?:npm:\/?)?(?:@[^/]+\/)?[^/]+/;

/**
 * Finds the imports in a module graph that can't be bundled: imports of npm
 * packages that need native code.
 *
 * @returns The specifiers of these imports, with `npm:` URLs of the packages
 * in the versions that are installed here.
 */
export async function findExternals(
  graph: ModuleGraph,
): Promise<Map<string, string>> {
  const externals = new Map<string, string>();
  const native = new NativePackages();
  for (const { dependencies = [] } of graph.modules) {
    for (const { specifier, code } of dependencies) {
      if (code?.specifier === undefined || externals.has(specifier)) continue;
      // CommonJS can't require an `npm:` URL.
      if (code.resolutionMode === "require") continue;
      const found = code.specifier.startsWith("npm:")
        ? cachedImport(graph, code.specifier)
        : await installedImport(specifier, code.specifier);
      if (found !== undefined && await native.has(found.installed)) {
        externals.set(specifier, found.url);
      }
    }
  }
  return externals;
}

function cachedImport(
  { modules, redirects, npmPackages = {} }: ModuleGraph,
  specifier: string,
): PackageImport | undefined {
  const resolved = redirects[specifier] ?? specifier;
  const key = modules.find((module) => module.specifier === resolved)
    ?.npmPackage;
  const cached = key === undefined ? undefined : npmPackages[key];
  if (cached === undefined) return undefined;
  return {
    installed: cachedPackage(npmPackages, cached),
    url: packageUrl(cached.name, cached.version, resolved),
  };
}

function cachedPackage(
  packages: Readonly<Record<string, CachedPackage>>,
  { localPath, dependencies }: CachedPackage,
): InstalledPackage {
  return {
    folder: localPath,
    find(name) {
      const found = dependencies.map((key) => packages[key])
        .find((dependency) => dependency?.name === name);
      return found && cachedPackage(packages, found);
    },
  };
}

async function installedImport(
  specifier: string,
  url: string,
): Promise<PackageImport | undefined> {
  const [, folderUrl] = INSTALLED.exec(url) ?? [];
  if (folderUrl === undefined || !url.startsWith("file:")) return undefined;
  const folder = fileURLToPath(folderUrl);
  const { name, version } = await readManifest(folder) ?? {};
  if (name === undefined || version === undefined) return undefined;
  return {
    installed: installedPackage(folder),
    url: packageUrl(name, version, specifier),
  };
}

function installedPackage(folder: string): InstalledPackage {
  return {
    folder,
    find(name) {
      for (
        let at = folder, below = "";
        at !== below;
        below = at, at = dirname(at)
      ) {
        const found = join(at, "node_modules", name);
        if (isFolder(found)) return installedPackage(Deno.realPathSync(found));
      }
      return undefined;
    },
  };
}

function isFolder(path: string): boolean {
  try {
    return Deno.statSync(path).isDirectory;
  } catch {
    return false;
  }
}

function packageUrl(name: string, version: string, specifier: string): string {
  return `npm:${name}@${version}${specifier.replace(NAME, "")}`;
}
