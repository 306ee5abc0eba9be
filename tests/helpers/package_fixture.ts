/**
 * Creates projects that use this package as its users do: from JSR, in a process
 * of their own, with an import map of their own.
 *
 * Nothing is fetched from JSR. With `"vendor": true`, Deno first looks in the
 * project's `vendor/jsr.io`, and that is where the package goes, with the files
 * and the changes of a published package.
 *
 * @module
 */

import { pathToFileURL } from "node:url";
import config from "../../deno.json" with { type: "json" };

/** Without symbolic links, like the paths that Deno prints. */
const REPOSITORY = Deno.realPathSync(`${import.meta.dirname}/../..`);

/** The time limit for a process, in milliseconds. */
const PROCESS_TIMEOUT = 120_000;

/** The specifier with which the projects import this package. */
export const PACKAGE = `jsr:${config.name}@^${config.version}`;

/** The URL of the package's files, as Deno knows them. */
export const PACKAGE_URL = `https://jsr.io/${config.name}/${config.version}`;

/** The output of a process. */
export interface Output {
  /** The text on standard output. */
  readonly stdout: string;
  /** The text on standard error. */
  readonly stderr: string;
}

/** Options of {@linkcode runDeno}. */
export interface ProcessOptions {
  /**
   * The folder for caches of the user's programs. Deno's own cache stays where
   * it is.
   */
  readonly cache?: string;
}

/**
 * Runs `deno` in a folder until it exits.
 *
 * @throws {Error} If it fails, or is killed at the time limit.
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
 * Reads the files that `deno publish` would upload: their paths in the package,
 * and their texts as published.
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
 * Lists the files below a folder of the repository; a file is listed itself, and
 * a missing path gives an empty list.
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

/** A folder with projects, removed at the end of its scope. */
export class Projects implements AsyncDisposable {
  /** The folder's path. */
  readonly path: string;
  readonly #files: ReadonlyMap<string, string>;

  private constructor(path: string, files: ReadonlyMap<string, string>) {
    this.path = path;
    this.#files = files;
  }

  /** Creates the folder, for projects that use a package of these files. */
  static async make(files: ReadonlyMap<string, string>): Promise<Projects> {
    const folder = await Deno.makeTempDir({ prefix: "distex_package_" });
    return new Projects(folder, files);
  }

  /** Creates a project from files, and returns its path. */
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
 * Replaces imported names by the specifiers that `deno.json` maps them to, as
 * `deno publish` does: a published package has no import map.
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

/** Writes the package in the layout of Deno's `vendor/`. */
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

/** Returns the manifest of the files that JSR has for a package. */
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

/** Copies a file or a folder with its contents, if it exists. */
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
