/**
 * Lays out projects that use this package as its users do: imported from JSR,
 * in a process of its own, with an import map of its own.
 *
 * JSR isn't asked for it. `"vendor": true` makes Deno look into the project's
 * `vendor/jsr.io` first, and that is where the package is put, with the files
 * and the changes with which it would be published.
 *
 * @module
 */

import { pathToFileURL } from "node:url";
import config from "../../deno.json" with { type: "json" };

/** Resolved, as Deno does it too when it names files. */
const REPOSITORY = Deno.realPathSync(`${import.meta.dirname}/../..`);

/** How long a process may take, in milliseconds, before it counts as hung. */
const PROCESS_TIMEOUT = 120_000;

/** How this package is imported by the projects. */
export const PACKAGE = `jsr:${config.name}@^${config.version}`;

/** Where the files of the package are, to Deno and hence to stack traces. */
export const PACKAGE_URL = `https://jsr.io/${config.name}/${config.version}`;

/** What a process wrote. */
export interface Output {
  /** What it wrote to its standard output. */
  readonly stdout: string;
  /** What it wrote to its standard error. */
  readonly stderr: string;
}

/** What is special to a process. */
export interface ProcessOptions {
  /**
   * The folder below which it finds what programs keep from one run to the
   * next. Of Deno's own cache there is still one.
   */
  readonly cache?: string;
}

/**
 * Runs a `deno` in a folder until it ends.
 *
 * @throws {Error} If it fails, or hangs, in which case it is killed.
 */
export async function runDeno(
  args: readonly string[],
  cwd: string,
  { cache }: ProcessOptions = {},
): Promise<Output> {
  const caches = cache === undefined
    ? {}
    : { XDG_CACHE_HOME: cache, DENO_DIR: await denoDir() };
  const child = new Deno.Command(Deno.execPath(), {
    args: [...args],
    cwd,
    env: { NO_COLOR: "1", ...caches },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const timer = setTimeout(() => child.kill("SIGKILL"), PROCESS_TIMEOUT);
  try {
    const output = await child.output();
    const stdout = new TextDecoder().decode(output.stdout);
    const stderr = new TextDecoder().decode(output.stderr);
    if (output.success) return { stdout, stderr };
    const end = output.signal ?? `exit code ${output.code}`;
    throw new Error(
      `deno ${args.join(" ")} failed (${end}):\n${stdout}${stderr}`,
    );
  } finally {
    clearTimeout(timer);
  }
}

async function denoDir(): Promise<string> {
  const { stdout } = await runDeno(["info", "--json"], REPOSITORY);
  return JSON.parse(stdout).denoDir;
}

/**
 * The files that `deno publish` would upload, by their path in the package,
 * with the texts that they would have there.
 */
export async function readPublishedFiles(): Promise<Map<string, string>> {
  const files = new Map<string, string>();
  for (const path of await listPublishedFiles()) {
    const text = await Deno.readTextFile(`${REPOSITORY}/${path}`);
    files.set(path, path.endsWith(".ts") ? rewriteImports(text) : text);
  }
  return files;
}

/**
 * The paths of the files below a folder of the repository, or the path itself
 * if it is one of a file; none if there is no such thing.
 */
export async function listRepository(path: string): Promise<string[]> {
  const { isFile } = await statIfExists(`${REPOSITORY}/${path}`) ?? {};
  if (isFile === undefined) return [];
  if (isFile) return [path];
  const entries = await Array.fromAsync(Deno.readDir(`${REPOSITORY}/${path}`));
  const lists = await Promise.all(
    entries.map(({ name }) => listRepository(`${path}/${name}`)),
  );
  return lists.flat();
}

/** A folder with projects in it that is removed in the end. */
export class Projects implements AsyncDisposable {
  /** The folder's path. */
  readonly path: string;
  readonly #files: ReadonlyMap<string, string>;

  private constructor(path: string, files: ReadonlyMap<string, string>) {
    this.path = path;
    this.#files = files;
  }

  /** Makes the folder for projects that use the package of these files. */
  static async make(files: ReadonlyMap<string, string>): Promise<Projects> {
    const folder = await Deno.makeTempDir({ prefix: "distex_package_" });
    return new Projects(folder, files);
  }

  /** Makes a project of the files given, and returns its path. */
  async add(
    name: string,
    sources: Readonly<Record<string, string>>,
  ): Promise<string> {
    const project = `${this.path}/${name}`;
    const registry = `${project}/vendor/jsr.io`;
    await copyIfExists(
      `${REPOSITORY}/vendor/jsr.io/@std`,
      `${registry}/@std`,
    );
    await copyIfExists(`${REPOSITORY}/.npmrc`, `${project}/.npmrc`);
    await writePackage(`${registry}/${config.name}`, this.#files);
    await writeFiles(project, Object.entries(sources));
    return project;
  }

  /** Removes the folder. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.path, { recursive: true });
  }
}

async function listPublishedFiles(): Promise<string[]> {
  const args = ["publish", "--dry-run", "--allow-dirty", "--no-check"];
  const { stderr } = await runDeno(args, REPOSITORY);
  const root = `${pathToFileURL(REPOSITORY)}/`;
  // Such as "   file:///home/me/pool/mod.ts (1.05KB)".
  const lines = stderr.matchAll(/^ +(file:\S+) \([\d.]+[KMG]?B\)$/gm);
  const paths = Array.from(lines, ([, url = ""]) => {
    if (!url.startsWith(root)) throw new Error(`${url} is not in ${root}`);
    return decodeURIComponent(url.slice(root.length));
  });
  if (paths.length > 0) return paths;
  throw new Error(`deno publish named no files:\n${stderr}`);
}

/**
 * Replaces the names of imports by what `deno.json` maps them to, just as
 * `deno publish` does, since no import map goes with a package.
 */
function rewriteImports(source: string): string {
  return source.replace(
    /(?<=^(?:(?:import|export|}).* from|import) "|\bimport\(")[^"]+(?=")/gm,
    mapSpecifier,
  );
}

function mapSpecifier(specifier: string): string {
  for (const [name, target] of Object.entries(config.imports)) {
    if (specifier === name) return target;
    if (specifier.startsWith(`${name}/`)) {
      const path = specifier.slice(name.length);
      return target.replace(/^(jsr|npm):(?!\/)/, "$1:/") + path;
    }
  }
  return specifier;
}

/** Writes the package, laid out as Deno does in `vendor/`. */
async function writePackage(
  folder: string,
  files: ReadonlyMap<string, string>,
): Promise<void> {
  const { name, version, exports } = config;
  const [scope, basename] = name.slice("@".length).split("/");
  const meta = {
    scope,
    name: basename,
    latest: version,
    versions: { [version]: {} },
  };
  const manifest = await makeManifest(files);
  await writeFiles(`${folder}/${version}`, files);
  await writeFiles(folder, [
    ["meta.json", JSON.stringify(meta)],
    [`${version}_meta.json`, JSON.stringify({ manifest, exports })],
  ]);
}

/** What JSR tells about the files of a package. */
async function makeManifest(
  files: ReadonlyMap<string, string>,
): Promise<Record<string, unknown>> {
  const manifest: Record<string, unknown> = {};
  for (const [path, text] of files) {
    const bytes = new TextEncoder().encode(text);
    const digest = await crypto.subtle.digest("SHA-256", bytes);
    const checksum = `sha256-${new Uint8Array(digest).toHex()}`;
    manifest[`/${path}`] = { size: bytes.length, checksum };
  }
  return manifest;
}

async function writeFiles(
  folder: string,
  files: Iterable<[string, string]>,
): Promise<void> {
  for (const [path, text] of files) {
    const target = `${folder}/${path}`;
    await Deno.mkdir(target.slice(0, target.lastIndexOf("/")), {
      recursive: true,
    });
    await Deno.writeTextFile(target, text);
  }
}

/** Copies a file, or a folder with what is in it. */
async function copyIfExists(from: string, to: string): Promise<void> {
  const { isFile } = await statIfExists(from) ?? {};
  if (isFile === undefined) return;
  await Deno.mkdir(to.slice(0, to.lastIndexOf("/")), { recursive: true });
  if (isFile) return await Deno.copyFile(from, to);
  for await (const { name } of Deno.readDir(from)) {
    await copyIfExists(`${from}/${name}`, `${to}/${name}`);
  }
}

async function statIfExists(path: string): Promise<Deno.FileInfo | undefined> {
  try {
    return await Deno.stat(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
