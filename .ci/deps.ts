/**
 * Makes this project's `jsr:@std/…` imports work if JSR can't be reached but an
 * npm registry can.
 *
 * With `"vendor": true` in `deno.json`, Deno looks into `vendor/jsr.io` before
 * it asks JSR. If needed, this script fills that folder with stand-ins made from
 * the npm package `deno-std`, which holds the standard library compiled to
 * JavaScript, and from files beside this one. If JSR answers, the script leaves
 * everything to Deno.
 *
 * @module
 */

import config from "../deno.json" with { type: "json" };
import { DECLARATIONS } from "./std_types.ts";

/** The npm package that the stand-ins are made from. */
const SOURCE = "deno-std@1.4.0";

/** Modules that the npm package lacks: files beside this one, by module. */
const OWN: Record<string, Record<string, string>> = {
  cli: { "unstable_progress_bar.ts": "progress_bar.ts" },
  testing: { "time.ts": "fake_time.ts" },
};

/** Packages of which the npm package has no module. */
const MISSING = new Set(["testing"]);

/** The npm package that the own modules import. */
const OWN_SOURCE = "@sinonjs/fake-timers@15.4.0";

/** A module of `@std/cli` that needs a JSON file missing in the npm package. */
const BROKEN_FILE = "unicode_width.js";

/**
 * The version of a stand-in that `deno.json` doesn't name. The npm package
 * doesn't record the versions that it was compiled from.
 */
const DEFAULT_VERSION = "1.0.0";

const ROOT = `${import.meta.dirname}/..`;
const VENDOR = `${ROOT}/vendor`;
const SCOPE = `${VENDOR}/jsr.io/@std`;

/** A file beside the stand-ins that distinguishes them from JSR packages. */
const STAMP = "stand-ins.txt";

/** The `@std` packages in `deno.json`, each with the lowest version allowed. */
const WANTED = new Map<string, string>();
for (const specifier of Object.values(config.imports)) {
  const [, name, version] = specifier.match(/^jsr:@std\/(.+)@\^(.+)$/) ?? [];
  if (name && version) WANTED.set(name, version);
}

function versionOf(name: string): string {
  return WANTED.get(name) ?? DEFAULT_VERSION;
}

async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
}

/** Computes a digest of everything that determines the stand-ins. */
async function currentStamp(): Promise<string> {
  const sources = await Promise.all(
    ["deps.ts", "std_types.ts", "fake_time.ts", "progress_bar.ts"].map((file) =>
      Deno.readTextFile(`${import.meta.dirname}/${file}`)
    ),
  );
  const text = JSON.stringify([...sources, ...WANTED]);
  return await sha256(new TextEncoder().encode(text));
}

/** Reads the stamp of the stand-ins in `vendor/`, if there are any. */
async function vendoredStamp(): Promise<string | undefined> {
  try {
    return await Deno.readTextFile(`${SCOPE}/${STAMP}`);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/**
 * Returns whether `vendor/` has every wanted package, either as an up-to-date
 * stand-in or, without a stamp, from JSR.
 */
async function isServed(): Promise<boolean> {
  const stamp = await vendoredStamp();
  if (stamp !== undefined && stamp !== await currentStamp()) return false;
  const found = await Promise.allSettled(
    [...WANTED.keys()].map((name) => Deno.stat(`${SCOPE}/${name}/meta.json`)),
  );
  return found.every(({ status }) => status === "fulfilled");
}

async function isJsrReachable(): Promise<boolean> {
  try {
    const response = await fetch("https://jsr.io/@std/assert/meta.json", {
      signal: AbortSignal.timeout(3_000),
    });
    await response.body?.cancel();
    return response.ok;
  } catch {
    return false;
  }
}

/**
 * Makes Deno download an npm package, which respects the user's settings for
 * registries and certificates, and returns its folder in Deno's cache.
 */
async function download(source: string, module = ""): Promise<string> {
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      "info",
      "--json",
      // Otherwise "vendor" in deno.json implies a node_modules folder.
      "--node-modules-dir=none",
      `npm:${source}${module}`,
    ],
    cwd: ROOT,
  }).output();
  const decoder = new TextDecoder();
  const info = JSON.parse(decoder.decode(stdout) || "{}");
  const folder = info.npmPackages?.[source]?.localPath;
  if (typeof folder === "string") return folder;
  throw new Error(info.modules?.[0]?.error ?? decoder.decode(stderr).trim());
}

/** Reads the modules of a package that the npm package lacks, by file name. */
async function readOwn(name: string): Promise<Map<string, string>> {
  const texts = Object.entries(OWN[name] ?? {}).map(async ([module, file]) =>
    [
      module,
      await Deno.readTextFile(`${import.meta.dirname}/${file}`),
    ] as const
  );
  return new Map(await Promise.all(texts));
}

/** Reads the modules of the npm package's folder for a package, by file name. */
async function readModules(folder: string): Promise<Map<string, string>> {
  const modules = new Map<string, string>();
  for await (const { name } of Deno.readDir(folder)) {
    if (!name.endsWith(".js") || name === BROKEN_FILE) continue;
    const text = await Deno.readTextFile(`${folder}/${name}`);
    modules.set(
      name,
      text.replace(`export * from "./${BROKEN_FILE}";\n`, ""),
    );
  }
  return modules;
}

/** Returns the name with which a package exports a file. */
function exportName(file: string): string {
  return file.replace(/\.[jt]s$/, "").replaceAll("_", "-");
}

/**
 * Replaces imports of other packages by relative paths with imports from JSR,
 * and adds those packages to `names`.
 */
function redirectImports(text: string, names: Set<string>): string {
  return text.replace(
    /(?<=^(?:import|export|}).* from ")\.\.\/([\w-]+)\/(\w+\.js)(?=")/gm,
    (_, name: string, file: string) => {
      names.add(name);
      return `jsr:@std/${name}@${versionOf(name)}/${exportName(file)}`;
    },
  );
}

/**
 * Makes the files of a stand-in: the modules and their declaration files. Adds
 * the packages that they import to `names`.
 */
function makeFiles(
  name: string,
  modules: Map<string, string>,
  names: Set<string>,
): Map<string, string> {
  const files = new Map<string, string>();
  for (const [file, source] of modules) {
    const text = redirectImports(source, names);
    const declarations = DECLARATIONS[name]?.[file];
    if (declarations === undefined) {
      files.set(file, text);
    } else {
      const types = file.replace(/\.js$/, ".d.ts");
      files.set(file, `/* @ts-self-types="./${types}" */\n${text}`);
      files.set(types, declarations);
    }
  }
  return files;
}

/** Makes the metadata that JSR serves for one version of a package. */
async function makeVersionMeta(files: Map<string, string>): Promise<unknown> {
  const manifest: Record<string, unknown> = {};
  const exports: Record<string, string> = {};
  if (files.has("mod.js")) exports["."] = "./mod.js";
  for (const [file, text] of files) {
    const bytes = new TextEncoder().encode(text);
    const checksum = `sha256-${await sha256(bytes)}`;
    manifest[`/${file}`] = { size: bytes.length, checksum };
    if (/^(?!mod\.|_)\w+\.[jt]s$/.test(file)) {
      exports[`./${exportName(file)}`] = `./${file}`;
    }
  }
  return { manifest, exports };
}

/** Writes a stand-in in the layout that Deno uses in `vendor/`. */
async function writePackage(
  scope: string,
  name: string,
  files: Map<string, string>,
): Promise<void> {
  const version = versionOf(name);
  const folder = `${scope}/${name}`;
  await Deno.mkdir(`${folder}/${version}`, { recursive: true });
  for (const [file, text] of files) {
    await Deno.writeTextFile(`${folder}/${version}/${file}`, text);
  }
  const versionMeta = await makeVersionMeta(files);
  await Deno.writeTextFile(
    `${folder}/${version}_meta.json`,
    JSON.stringify(versionMeta),
  );
  const meta = {
    scope: "std",
    name,
    latest: version,
    versions: { [version]: {} },
  };
  await Deno.writeTextFile(`${folder}/meta.json`, JSON.stringify(meta));
}

/** Writes the wanted packages and those they import, and the stamp. */
async function writeScope(source: string, scope: string): Promise<void> {
  const names = new Set(WANTED.keys());
  // The loop also visits names that are added while it runs.
  for (const name of names) {
    const compiled = MISSING.has(name)
      ? []
      : await readModules(`${source}/${name.replaceAll("-", "_")}`);
    const modules = new Map([...compiled, ...await readOwn(name)]);
    const files = makeFiles(name, modules, names);
    await writePackage(scope, name, files);
  }
  await Deno.writeTextFile(`${scope}/${STAMP}`, await currentStamp());
}

async function removeIfExists(path: string): Promise<void> {
  try {
    await Deno.remove(path, { recursive: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

/**
 * Puts stand-ins into `vendor/`. A lock makes a second run wait for the first.
 * Renaming the folder makes all stand-ins appear at the same time.
 */
async function vendorStandIns(): Promise<void> {
  await Deno.mkdir(`${VENDOR}/jsr.io`, { recursive: true });
  using lock = await Deno.open(`${VENDOR}/.stand-ins.lock`, {
    create: true,
    write: true,
  });
  await lock.lock(true);
  if (await isServed()) return;

  const staging = `${VENDOR}/.stand-ins`;
  await removeIfExists(staging);
  await writeScope(await download(SOURCE, "/assert/mod.js"), staging);
  await download(OWN_SOURCE);
  await removeIfExists(SCOPE);
  await Deno.rename(staging, SCOPE);
  console.log(`Made stand-ins for jsr:@std packages from npm:${SOURCE}`);
}

async function main(): Promise<void> {
  if (await isServed()) return;
  if (await isJsrReachable()) {
    // Outdated stand-ins would keep Deno from asking JSR.
    if (await vendoredStamp() !== undefined) await removeIfExists(SCOPE);
    return;
  }
  try {
    await vendorStandIns();
  } catch (error) {
    console.error(
      `error: Can't load the jsr:@std packages: https://jsr.io doesn't answer, ` +
        `and making stand-ins from npm:${SOURCE} and npm:${OWN_SOURCE} failed:\n` +
        `  ${error instanceof Error ? error.message : error}\n` +
        "Check the network, or set a registry with these packages in .npmrc; " +
        "then run `deno task deps` again.",
    );
    Deno.exit(1);
  }
}

await main();
