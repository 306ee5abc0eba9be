import {
  assert,
  assertArrayIncludes,
  assertEquals,
  assertStringIncludes,
} from "@std/assert";
import config from "../../deno.json" with { type: "json" };
import {
  listRepository,
  PACKAGE,
  PACKAGE_URL,
  Projects,
  readPublishedFiles,
  runDeno,
} from "../helpers/package_fixture.ts";
import { serveModules } from "../helpers/module_servers.ts";
import { sshdProblem, startSshServer } from "../helpers/ssh_server.ts";

/** A project's configuration, with names that only it can resolve. */
const PROJECT_CONFIG = JSON.stringify({
  imports: {
    "@distex/pool": PACKAGE,
    "flags": `${config.imports["@std/cli"]}/parse-args`,
    "words": "./lib/words.ts",
  },
  vendor: true,
  nodeModulesDir: "none",
  lock: false,
});

const WORDS = `
export function shout(text: string): string {
  return text.toUpperCase() + "!";
}
`;

/** A task module that loads only with the project's import map. */
const TASKS = `
import { parseArgs } from "flags";
import { shout } from "words";

export function greet(...args: string[]): string {
  return shout("hello " + parseArgs(args, { string: ["name"] }).name);
}
`;

const MAIN = `
import { importTasks, Pool } from "@distex/pool";

const tasks = importTasks<typeof import("./tasks.ts")>(
  import.meta.resolve("./tasks.ts"),
);
await using pool = new Pool(2);
console.log(JSON.stringify({
  inline: await pool.run((x: number) => x + 1, 41),
  module: await pool.run(tasks.greet, "--name=you"),
  map: await pool.map(tasks.greet, ["--name=me", "--name=them"]).toArray(),
  workers: await pool.runOnAll(() => Deno.mainModule),
}));
`;

/** The output of {@linkcode MAIN}. */
const RESULTS = {
  inline: 42,
  module: "HELLO YOU!",
  map: ["HELLO ME!", "HELLO THEM!"],
  workers: Array(2).fill(`${PACKAGE_URL}/src/worker/worker_program.ts`),
};

/** A module that imports the whole package. */
const GRAPH = Object.keys(config.exports).map((path) =>
  `import "@distex/pool${path.slice(".".length)}";\n`
).join("");

/** A program that needs RxJS. */
const RX_MAIN = `
import { Pool } from "@distex/pool";
import { poolMap } from "@distex/pool/rx";
import { lastValueFrom, of, toArray } from "${config.imports.rxjs}";

await using pool = new Pool(1);
const doubles = of(1, 2).pipe(poolMap(pool, (x) => x * 2), toArray());
console.log(JSON.stringify(await lastValueFrom(doubles)));
`;

/** A task module whose only import may fail to resolve. */
const WORDS_TASKS = `
import { shout } from "words";

export function greet(): string {
  return shout("hello");
}
`;

/**
 * A program without a configuration, and so without `"vendor": true`, with
 * which workers find the package here. `--vendor` does the same for their `cwd`.
 */
const UNCONFIGURED = `
import { importTasks, Pool } from "@distex/pool";

const tasks = importTasks<typeof import("./words_tasks.ts")>(
  import.meta.resolve("./words_tasks.ts"),
);
await using pool = new Pool({
  workers: 1,
  config: false,
  denoArgs: ["--vendor"],
  cwd: import.meta.dirname!,
});
const message = await pool.run(tasks.greet).catch((error) => error.message);
const inline = await pool.run((x: number) => x + 1, 41);
console.log(JSON.stringify({ message, inline }));
`;

/** Runs tasks on the host in its argument, which is JSON. */
const SSH_MAIN = `
import { importTasks, Pool } from "@distex/pool";

const tasks = importTasks<typeof import("./tasks.ts")>(
  import.meta.resolve("./tasks.ts"),
);
await using pool = new Pool(0, JSON.parse(Deno.args[0]!));
console.log(JSON.stringify({
  inline: await pool.run((x: number) => x + 1, 41),
  module: await pool.run(tasks.greet, "--name=you"),
  map: await pool.map(tasks.greet, ["--name=me", "--name=them"]).toArray(),
  programs: await pool.runOnAll(() =>
    Deno.mainModule.replace(/.*\\//, "")
  ),
}));
`;

/** The configuration of a project that has no deno.json. */
const PACKAGE_JSON = JSON.stringify({
  type: "module",
  imports: { "#words": { "default": "./lib/words.ts" } },
  dependencies: {
    "is-number": "^7.0.0",
    ...Object.fromEntries(
      Object.values(config.imports)
        .map((target) => /^npm:(.+)@(.+)$/.exec(target))
        .filter((match) => match !== null)
        .map(([, name, version]) => [name, version]),
    ),
  },
});

/** A task module that loads only with the project's package.json. */
const PACKAGE_JSON_TASKS = `
import isNumber from "is-number";
import { shout } from "#words";

export function describe(text: string): string {
  return shout(isNumber(text) ? "number" : "text");
}
`;

const PACKAGE_JSON_MAIN = `
import { importTasks, Pool } from "${PACKAGE}";

const tasks = importTasks<typeof import("./tasks.ts")>(
  import.meta.resolve("./tasks.ts"),
);
const options = { workers: 1, denoArgs: ["--vendor"] };
await using pool = new Pool(options);
await using strictPool = new Pool({ ...options, permissions: "none" });
console.log(JSON.stringify([
  ...await pool.map(tasks.describe, ["1", "one"]).toArray(),
  await strictPool.run((x: number) => x + 1, 41),
]));
`;

/** An import map that isn't part of the project's configuration. */
const IMPORT_MAP = JSON.stringify({
  imports: { "@distex/pool": PACKAGE, "mapped": "./lib/words.ts" },
});

/** A task module that loads only with {@linkcode IMPORT_MAP}. */
const MAPPED_TASKS = `
import { shout } from "mapped";

export function greet(): string {
  return shout("hello");
}
`;

/** Prints a task's result with the import map, and its error without. */
const MAPPED_MAIN = `
import { importTasks, Pool } from "@distex/pool";

const tasks = importTasks<typeof import("./mapped_tasks.ts")>(
  import.meta.resolve("./mapped_tasks.ts"),
);
const results: string[] = [];
for (const denoArgs of [["--import-map", "map.json"], []]) {
  await using pool = new Pool({ workers: 1, denoArgs });
  results.push(await pool.run(tasks.greet).catch((error) => error.message));
}
console.log(JSON.stringify(results));
`;

/** Imports a module from another site in each way that a task can. */
const WEB_MAIN = `
import { importTasks, Pool } from "@distex/pool";

const [url, ...denoArgs] = Deno.args;
const tasks = importTasks<{ double(x: number): number }>(url!);
await using pool = new Pool({ workers: 1, denoArgs });
console.log(JSON.stringify([
  await pool.run(tasks.double, 21),
  await pool.run(async (url: string) => (await import(url)).double(4), url!),
]));
`;

/** The modules that {@linkcode WEB_MAIN} imports. */
const WEB_MODULES = {
  "tasks.js": 'export { double } from "./double.js";',
  "double.js": "export const double = (x) => x * 2;",
};

/** Checks that the package has all files that users need, and no others. */
async function checkPublished(paths: readonly string[]): Promise<void> {
  const entryPoints = Object.values(config.exports).map((path) =>
    path.slice(2)
  );
  const documents = ["deno.json", "README.md", "CHANGELOG.md", "LICENSE"];
  const folders = ["src", "docs", "examples"];
  assertArrayIncludes(paths, [
    ...entryPoints,
    ...documents,
    ...(await Promise.all(folders.map(listRepository))).flat(),
  ]);
  const others = paths.filter((path) =>
    !folders.some((folder) => path.startsWith(`${folder}/`)) &&
    !entryPoints.includes(path) && !documents.includes(path)
  );
  assertEquals(others, ["bench/README.md", "bench/results/task_length.svg"]);
  assertEquals(paths.filter((path) => /_(test|bench)\.ts$/.test(path)), []);
}

/** Checks that no module of the package needs an import map. */
async function checkSpecifiers(project: string): Promise<void> {
  const { stdout } = await runDeno(["info", "--json", "graph.ts"], project);
  const modules: {
    specifier: string;
    error?: string;
    dependencies?: { specifier: string }[];
  }[] = JSON.parse(stdout).modules;
  assertEquals(modules.filter(({ error }) => error !== undefined), []);
  const own = modules.filter(({ specifier }) =>
    specifier.startsWith(`${PACKAGE_URL}/`)
  );
  assert(own.some(({ specifier }) => specifier.endsWith("/mod.ts")));
  assert(own.some(({ specifier }) => specifier.endsWith("/worker.ts")));
  const specifiers = own.flatMap(({ dependencies = [] }) =>
    dependencies.map(({ specifier }) => specifier)
  );
  assertEquals(
    specifiers.filter((text) => !/^(?:\.\.?\/|(?:jsr|npm|node):)/.test(text)),
    [],
  );
}

Deno.test("the package works in a separate project", async (t) => {
  const published = await readPublishedFiles();
  await using projects = await Projects.make(published);
  const project = await projects.add("project", {
    "deno.json": PROJECT_CONFIG,
    "lib/words.ts": WORDS,
    "main.ts": MAIN,
    "tasks.ts": TASKS,
    "graph.ts": GRAPH,
    "rx_main.ts": RX_MAIN,
    "words_tasks.ts": WORDS_TASKS,
    "unconfigured.ts": UNCONFIGURED,
    "ssh_main.ts": SSH_MAIN,
    "web_main.ts": WEB_MAIN,
    "map.json": IMPORT_MAP,
    "mapped_main.ts": MAPPED_MAIN,
    "mapped_tasks.ts": MAPPED_TASKS,
  });

  await t.step("has the right files", async () => {
    await checkPublished([...published.keys()]);
  });

  await t.step("imports nothing by a bare specifier", async () => {
    await checkSpecifiers(project);
  });

  await t.step("type-checks and runs", async () => {
    const { stdout } = await runDeno(
      ["run", "--check", "-A", "main.ts"],
      project,
    );
    assertEquals(JSON.parse(stdout), RESULTS);
  });

  await t.step(
    "loads RxJS only for the entry point that needs it",
    async () => {
      const { stdout } = await runDeno(
        ["run", "--check", "-A", "rx_main.ts"],
        project,
      );
      assertEquals(JSON.parse(stdout), [2, 4]);
      const loadsRxjs = async (program: string) => {
        const { stdout } = await runDeno(["info", "--json", program], project);
        return Object.keys(JSON.parse(stdout).npmPackages ?? {})
          .some((name) => name.startsWith("rxjs@"));
      };
      assertEquals(await loadsRxjs("rx_main.ts"), true);
      assertEquals(await loadsRxjs("main.ts"), false);
    },
  );

  for (const scheme of ["http", "https"] as const) {
    await t.step(`imports ${scheme} modules of other sites`, async () => {
      await using web = await serveModules(scheme, WEB_MODULES);
      const url = `${web.origin}/tasks.js`;
      const { stdout } = await runDeno(
        ["run", "-A", "web_main.ts", url, ...web.denoArgs],
        project,
      );
      assertEquals(JSON.parse(stdout), [42, 8]);
    });
  }

  await t.step({
    name: "runs tasks on a host that has nothing but ssh and Deno",
    ignore: sshdProblem !== undefined,
    async fn() {
      await using server = await startSshServer({
        env: { DENO_DIR: `${projects.path}/elsewhere` },
      });
      const cache = `${projects.path}/cache`;
      const host = { host: server.spec(2), sshArgs: server.sshArgs };
      const { stdout } = await runDeno(
        ["run", "-A", "ssh_main.ts", JSON.stringify(host)],
        project,
        { cache },
      );
      assertEquals(JSON.parse(stdout), {
        inline: RESULTS.inline,
        module: RESULTS.module,
        map: RESULTS.map,
        programs: ["program.js", "program.js"],
      });
      // The pool caches the worker program here.
      const kept = await Array.fromAsync(Deno.readDir(`${cache}/distex-pool`));
      assertEquals(kept.length, 1);
    },
  });

  await t.step("has a spawner server", async () => {
    for (const program of [`${PACKAGE_URL}/server.ts`, `${PACKAGE}/server`]) {
      const { stdout } = await runDeno(
        ["run", "-A", "--config", "deno.json", program, "--help"],
        project,
      );
      assertStringIncludes(stdout, "--token-file <file>");
    }
  });

  await t.step("finds the nearest configuration upwards", async () => {
    const nested = await projects.add("nested/project", {
      "../../deno.json": JSON.stringify({ imports: { "words": "./none.ts" } }),
      "deno.jsonc": `// The names that tasks import by\n${PROJECT_CONFIG}`,
      "lib/words.ts": WORDS,
      "src/app/main.ts": MAIN,
      "src/app/tasks.ts": TASKS,
    });
    const { stdout } = await runDeno(
      ["run", "-A", `${nested}/src/app/main.ts`],
      projects.path,
    );
    assertEquals(JSON.parse(stdout), RESULTS);
  });

  await t.step("resolves by a package.json alone", async () => {
    const project = await projects.add("package json", {
      "package.json": PACKAGE_JSON,
      "lib/words.ts": WORDS,
      "src/main.ts": PACKAGE_JSON_MAIN,
      "src/tasks.ts": PACKAGE_JSON_TASKS,
    });
    await runDeno(["install", "--vendor"], project);
    const { stdout } = await runDeno(
      ["run", "-A", "--vendor", "src/main.ts"],
      project,
    );
    assertEquals(JSON.parse(stdout), ["NUMBER!", "TEXT!", 42]);
  });

  await t.step(
    "uses an import map, and explains when one is missing",
    async () => {
      const { stdout } = await runDeno(
        ["run", "-A", "--import-map", "map.json", "mapped_main.ts"],
        project,
      );
      const [value, message] = JSON.parse(stdout);
      assertEquals(value, "HELLO!");
      assertStringIncludes(message, 'denoArgs: ["--import-map", path]');
    },
  );

  await t.step("has no import map with config: false", async () => {
    const { stdout } = await runDeno(["run", "-A", "unconfigured.ts"], project);
    const { message, inline } = JSON.parse(stdout);
    assertStringIncludes(message, '"words"');
    assertEquals(inline, 42);
  });
});
