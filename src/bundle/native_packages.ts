/** An npm package in a folder. */
export interface InstalledPackage {
  /** The folder's path. */
  readonly folder: string;
  /** Finds the package that this one imports under a name. */
  readonly find: (name: string) => InstalledPackage | undefined;
}

/** The parts of a package.json that this module reads. */
export interface PackageManifest {
  /** The package's name. */
  readonly name?: string;
  /** The package's version. */
  readonly version?: string;
  /** The names of required packages, with their versions. */
  readonly dependencies?: Readonly<Record<string, string>>;
  /** The names of optional packages, with their versions. */
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  /** The operating systems that it supports, if not all. */
  readonly os?: unknown;
  /** The architectures that it supports, if not all. */
  readonly cpu?: unknown;
}

/** The depth to which a package's folder is searched for binaries. */
const MAX_DEPTH = 4;

/**
 * Determines which packages need native code, which can't be bundled: packages
 * that have a binary or are built from source, packages that have an optional
 * dependency for each platform, and packages that depend on one of these.
 *
 * Other optional dependencies don't count: a package works without them.
 */
export class NativePackages {
  readonly #known = new Map<string, Promise<boolean>>();

  /** Whether a package needs native code; `false` if it can't be read. */
  async has(installed: InstalledPackage): Promise<boolean> {
    const packages = new Map([[installed.folder, installed]]);
    for (const [folder, { find }] of packages) {
      const manifest = await readManifest(folder);
      if (manifest === undefined) continue;
      if (await this.#isNative(folder, find, manifest)) return true;
      const { dependencies = {}, optionalDependencies = {} } = manifest;
      for (const name of Object.keys(dependencies)) {
        if (Object.hasOwn(optionalDependencies, name)) continue;
        const dependency = find(name);
        if (dependency !== undefined) {
          packages.set(dependency.folder, dependency);
        }
      }
    }
    return false;
  }

  #isNative(
    folder: string,
    find: InstalledPackage["find"],
    { optionalDependencies = {} }: PackageManifest,
  ): Promise<boolean> {
    let native = this.#known.get(folder);
    if (native === undefined) {
      const names = Object.keys(optionalDependencies);
      native = isNative(folder, names.map(find));
      this.#known.set(folder, native);
    }
    return native;
  }
}

/** Whether a package, or an optional package of it, has native code. */
async function isNative(
  folder: string,
  optional: readonly (InstalledPackage | undefined)[],
): Promise<boolean> {
  if (await hasBinary(folder, MAX_DEPTH)) return true;
  for (const dependency of optional) {
    if (await isForPlatform(dependency)) return true;
  }
  return false;
}

/** Reads the package.json in a folder; `undefined` if it can't be read. */
export async function readManifest(
  folder: string,
): Promise<PackageManifest | undefined> {
  try {
    return JSON.parse(await Deno.readTextFile(`${folder}/package.json`));
  } catch {
    return undefined;
  }
}

/** Whether an optional dependency is only for some platforms. */
async function isForPlatform(
  dependency: InstalledPackage | undefined,
): Promise<boolean> {
  const manifest = dependency && await readManifest(dependency.folder);
  // It isn't installed, so it is for another platform.
  if (manifest === undefined) return true;
  return manifest.os !== undefined || manifest.cpu !== undefined;
}

async function hasBinary(folder: string, depth: number): Promise<boolean> {
  const folders: string[] = [];
  try {
    for await (const { name, isDirectory } of Deno.readDir(folder)) {
      if (name.endsWith(".node") || name === "binding.gyp") return true;
      if (isDirectory && name !== "node_modules") folders.push(name);
    }
  } catch {
    return false;
  }
  if (depth === 0) return false;
  for (const name of folders) {
    if (await hasBinary(`${folder}/${name}`, depth - 1)) return true;
  }
  return false;
}
