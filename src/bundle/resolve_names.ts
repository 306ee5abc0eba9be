import { dirname } from "node:path";
import { isPackageJson } from "../util/find_config.ts";
import { readModuleGraph } from "./module_graph.ts";
import { readManifest } from "./native_packages.ts";
import type { RunOptions } from "./run_deno.ts";

/** Matches the name of a package and the path in it. */
const PACKAGE = /^((?:@[^/]+\/)?[^/]+)(\/.*)?$/;

/**
 * Resolves bare specifiers with a configuration, like `import.meta.resolve()`.
 * A package in a node_modules becomes an `npm:` URL, which means the same on
 * another machine.
 *
 * @returns The URLs of the specifiers that can be resolved.
 */
export async function resolveNames(
  names: readonly string[],
  options: RunOptions,
): Promise<Map<string, string>> {
  if (names.length === 0) return new Map();
  const imports = names.map((name) => `import ${JSON.stringify(name)};`);
  const module = `data:text/javascript,${encodeURIComponent(imports.join(""))}`;
  const graph = await readModuleGraph(module, options);
  const { dependencies = [] } = graph?.modules
    .find(({ specifier }) => specifier.startsWith("data:")) ?? {};
  const urls = new Map<string, string>();
  for (const { specifier, code } of dependencies) {
    const url = code?.specifier ?? await installedUrl(specifier, options);
    if (url !== undefined) urls.set(specifier, url);
  }
  return urls;
}

/** Returns the `npm:` URL of a dependency in a package.json. */
async function installedUrl(
  specifier: string,
  { config }: RunOptions,
): Promise<string | undefined> {
  const [, alias = "", path = ""] = PACKAGE.exec(specifier) ?? [];
  if (config === undefined || !isPackageJson(config)) return undefined;
  const folder = dirname(config);
  const { dependencies = {}, optionalDependencies = {} } =
    await readManifest(folder) ?? {};
  if (!Object.hasOwn({ ...dependencies, ...optionalDependencies }, alias)) {
    return undefined;
  }
  const manifest = await readManifest(`${folder}/node_modules/${alias}`);
  const { name = alias, version } = manifest ?? {};
  return version === undefined ? undefined : `npm:${name}@${version}${path}`;
}
