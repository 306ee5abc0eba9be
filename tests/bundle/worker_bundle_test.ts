import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { fileURLToPath } from "node:url";
import {
  loadWorkerBundle,
  workerBundle,
} from "../../src/bundle/worker_bundle.ts";
import { Project, runDeno, valueOf } from "../helpers/bundle_fixture.ts";

const BUNDLE_WORKER = fileURLToPath(
  import.meta.resolve("../programs/bundle_worker.ts"),
);

const REPOSITORY_CONFIG = fileURLToPath(
  import.meta.resolve("../../deno.json"),
);

/** A package with a worker program and an import map. */
const PACKAGE = {
  "deno.json": '{ "imports": { "words": "./src/lib/words.ts" } }',
  "worker.ts": 'import { f } from "./src/f.ts";\nexport { f };',
  "src/f.ts": 'import { word } from "words";\nexport const f = () => word;',
  "src/lib/words.ts": "export const word: string = 'old';",
  "src/lib/new.ts": "export const word: string = 'new';",
};

/** Loads the worker program of a project, and caches it in the project. */
function load(project: Project): Promise<string> {
  return loadWorkerBundle(
    project.url("worker.ts"),
    "/no/such/config.json",
    `${project.path}/cache`,
  );
}

function countCached(project: Project): number {
  return [...Deno.readDirSync(`${project.path}/cache`)].length;
}

/** Runs a program that bundles a worker and caches it in a project. */
async function bundleElsewhere(
  project: Project,
  flags: readonly string[],
  ...args: string[]
): Promise<{ folder: string | null; code: string }> {
  const { success, stdout, stderr } = await runDeno([
    "run",
    "--no-prompt",
    "--config",
    REPOSITORY_CONFIG,
    ...flags,
    BUNDLE_WORKER,
    ...args,
  ], {
    env: {
      XDG_CACHE_HOME: project.path,
      HOME: project.path,
      LOCALAPPDATA: project.path,
      DENO_DIR: await denoDir(),
    },
  });
  assert(success, stderr);
  return JSON.parse(stdout);
}

/** Returns the folder of Deno's own cache, which would also move with HOME. */
async function denoDir(): Promise<string> {
  const { stdout } = await runDeno(["info", "--json"]);
  return JSON.parse(stdout).denoDir;
}

Deno.test("loadWorkerBundle() reads an unchanged program from the cache", async () => {
  await using project = await Project.with(PACKAGE);
  const code = await load(project);
  assertEquals(await valueOf(code, "f"), "old");
  assertEquals(countCached(project), 1);
  const { mtime } = await Deno.stat(`${project.path}/cache`);
  assertEquals(await load(project), code);
  assertEquals((await Deno.stat(`${project.path}/cache`)).mtime, mtime);
});

for (
  const [path, text] of [
    ["src/lib/words.ts", "export const word = 'new';"],
    ["worker.ts", "export const f = () => 'new';"],
    ["deno.json", '{ "imports": { "words": "./src/lib/new.ts" } }'],
  ] as const
) {
  Deno.test(`loadWorkerBundle() bundles again when ${path} changes`, async () => {
    await using project = await Project.with(PACKAGE);
    await load(project);
    await project.write(path, text);
    assertEquals(await valueOf(await load(project), "f"), "new");
    assertEquals(countCached(project), 2);
  });
}

Deno.test("loadWorkerBundle() bundles again when there is a new file", async () => {
  await using project = await Project.with(PACKAGE);
  await load(project);
  await project.write("src/a/b/c d%.ts", "");
  await load(project);
  assertEquals(countCached(project), 2);
});

Deno.test("loadWorkerBundle() works without a cache", async () => {
  await using project = await Project.with(PACKAGE);
  const code = await loadWorkerBundle(
    project.url("worker.ts"),
    undefined,
    undefined,
  );
  assertEquals(await valueOf(code, "f"), "old");
});

Deno.test("loadWorkerBundle() caches no failures", async () => {
  await using project = await Project.with({
    ...PACKAGE,
    "src/f.ts": "export *",
  });
  await assertRejects(() => load(project), Error, "SyntaxError");
  await project.write("src/f.ts", PACKAGE["src/f.ts"]);
  assertEquals(await valueOf(await load(project), "f"), "old");
});

Deno.test("loadWorkerBundle() resolves a remote program by the given configuration", async () => {
  await using project = await Project.with(PACKAGE);
  await using server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen: () => {} },
    () =>
      new Response('export { word as default } from "words";', {
        headers: { "content-type": "text/javascript" },
      }),
  );
  const code = await loadWorkerBundle(
    `http://127.0.0.1:${server.addr.port}/worker.js`,
    `${project.path}/deno.json`,
    `${project.path}/cache`,
  );
  assertStringIncludes(code, '"old"');
  assertEquals(countCached(project), 1);
});

Deno.test("workerBundle() makes a program that runs", async () => {
  await using project = await Project.with({});
  const entry = import.meta.resolve("../../src/worker/worker_program.ts");
  const { folder, code } = await bundleElsewhere(
    project,
    ["-A"],
    entry,
  );
  assert(folder!.startsWith(project.path), folder!);
  assert(folder!.endsWith("/distex-pool"), folder!);
  assertEquals([...Deno.readDirSync(folder!)].length, 1);
  // It starts, and reports that it lacks the arguments from a pool.
  await project.write("elsewhere/worker.js", code);
  const { stderr } = await runDeno([
    "run",
    "--no-prompt",
    "--no-config",
    `${project.path}/elsewhere/worker.js`,
  ]);
  assertStringIncludes(stderr, "Only a pool starts workers");
});

/** A module that is served when the test provides it, and a cache for it. */
class LateModule implements AsyncDisposable {
  /** Resolves when a bundler requests the module. */
  readonly requested: Promise<void>;
  readonly #code = Promise.withResolvers<string>();
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  readonly #folder = Deno.makeTempDirSync();
  readonly #cacheHome = Deno.env.get("XDG_CACHE_HOME");

  constructor() {
    Deno.env.set("XDG_CACHE_HOME", this.#folder);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.requested = promise;
    this.#server = Deno.serve(
      { port: 0, hostname: "127.0.0.1", onListen: () => {} },
      async () => {
        resolve();
        const headers = { "content-type": "text/javascript" };
        return new Response(await this.#code.promise, { headers });
      },
    );
  }

  get url(): string {
    return `http://127.0.0.1:${this.#server.addr.port}/worker.js`;
  }

  provide(code: string): void {
    this.#code.resolve(code);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.provide("");
    await this.#server.shutdown();
    if (this.#cacheHome === undefined) Deno.env.delete("XDG_CACHE_HOME");
    else Deno.env.set("XDG_CACHE_HOME", this.#cacheHome);
    await Deno.remove(this.#folder, { recursive: true });
  }
}

/** Requests a bundle; returns a function that aborts the request, too. */
function request(url: string): [abort: () => void, bundle: Promise<string>] {
  const waiting = new AbortController();
  const bundle = workerBundle(url, undefined, waiting.signal);
  return [() => waiting.abort(new Error("aborted")), bundle];
}

Deno.test("workerBundle() continues while one of its callers waits", async () => {
  await using module = new LateModule();
  const [abort, first] = request(module.url);
  const [, second] = request(module.url);
  await module.requested;
  abort();
  await assertRejects(() => first, Error, "aborted");
  module.provide("export const f = () => 1;");
  assertStringIncludes(await second, "() => 1");
  // A later caller gets the same bundle.
  const [, third] = request(module.url);
  assertEquals(await third, await second);
});

Deno.test("workerBundle() starts again after all callers have aborted", async () => {
  await using module = new LateModule();
  const [abort, first] = request(module.url);
  await module.requested;
  abort();
  const [, second] = request(module.url);
  await assertRejects(() => first, Error, "aborted");
  module.provide("export const f = () => 2;");
  assertStringIncludes(await second, "() => 2");
});

Deno.test("findCacheFolder() finds nothing without permissions", async () => {
  await using project = await Project.with({});
  const flags = ["--allow-read", "--allow-write", "--allow-sys"];
  const permitted = [...flags, "--allow-env"];
  assert((await bundleElsewhere(project, permitted)).folder !== null);
  for (const flag of permitted) {
    const others = permitted.filter((other) => other !== flag);
    const { folder } = await bundleElsewhere(project, others);
    assertEquals(folder, null, flag);
  }
});
