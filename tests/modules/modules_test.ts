import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { bind, importTasks, Pool } from "../../mod.ts";
import { ModuleBundles } from "../../src/bundle/module_bundles.ts";
import { importF, testWith } from "../helpers/module_pools.ts";
import {
  configOf,
  makeProject,
  placeInDeep,
  placeInTasks,
  tasksOf,
} from "../helpers/module_fixture.ts";
import { SITE_KINDS } from "../helpers/module_sites.ts";
import { ModuleMessages } from "../helpers/module_servers.ts";

/** Counts the bundles that pools make, until the end of its scope. */
class Bundles implements Disposable {
  readonly made = new Set<unknown>();
  readonly #bundle = ModuleBundles.prototype.bundle;

  constructor() {
    const { made } = this;
    const bundle = this.#bundle;
    ModuleBundles.prototype.bundle = function (url) {
      const promise = bundle.call(this, url);
      made.add(promise);
      return promise;
    };
  }

  [Symbol.dispose](): void {
    ModuleBundles.prototype.bundle = this.#bundle;
  }
}

for (const kind of SITE_KINDS) {
  testWith(
    kind,
    "runs the tasks of a module on remote and local workers alike",
    () => ({ workers: 1 }),
    async (pool, project) => {
      const tasks = tasksOf(project);
      const imported = ["HEY!", 7, true, true];
      assertEquals(await pool.runOnAll(tasks.imported, "hey"), [
        imported,
        imported,
      ]);
      const place = [
        project.url("tasks.ts"),
        `${project.path}/tasks.ts`,
        project.path,
        false,
        project.url("data.txt"),
      ];
      assertEquals(await pool.runOnAll(tasks.place), [place, place]);
      const text = "the default export";
      assertEquals(await pool.runOnAll(tasks.default), [text, text]);
    },
  );

  testWith(
    kind,
    "runs the tasks of a module when workers have no permissions",
    () => ({ permissions: "none" }),
    async (pool, project) => {
      const tasks = tasksOf(project);
      assertEquals(await pool.run(tasks.imported, "hey"), [
        "HEY!",
        7,
        true,
        true,
      ]);
      assertEquals(await pool.run(tasks.default), "the default export");
      const bound = bind(bind(tasks.join, "a"), "b");
      assertEquals(await pool.run(bound, "c"), "a b c");
      const map = pool.map(tasks.join, ["a", "b"], ["x", "y"]);
      assertEquals(await map.toArray(), ["a x", "b y"]);
    },
  );

  testWith(
    kind,
    "shares the state of a module between its exports",
    (project) => ({
      initializer: tasksOf(project).begin,
      initializerArgs: [7],
    }),
    async (pool, project) => {
      const tasks = tasksOf(project);
      assertEquals(await pool.run(tasks.get), 7);
      assertEquals(await pool.map(tasks.up, [1, 1]).toArray(), [8, 9]);
      assertEquals(await pool.run(tasks.get), 9);
    },
  );

  testWith(
    kind,
    "sends no modules that workers can import",
    () => ({}),
    async (pool) => {
      using messages = new ModuleMessages();
      const triple = importF("data:text/javascript,export const f=(x)=>x*3");
      assertEquals(await pool.run(triple, 7), 21);
      const path = importTasks<typeof import("node:path")>("node:path");
      assertEquals(await pool.run(path.basename, "/a/b"), "b");
      assertEquals(messages.sent, []);
    },
  );
}

for (const { name: kind, declare, start } of SITE_KINDS) {
  declare(
    `Pool (${kind}) bundles a module once and sends it once to each remote worker`,
    async () => {
      using messages = new ModuleMessages();
      using bundles = new Bundles();
      await using project = await makeProject();
      await using site = await start();
      await using pool = new Pool({
        workers: 1,
        hosts: site.host(2),
        config: configOf(project),
        prefetch: 0,
      });
      const tasks = tasksOf(project);
      await pool.runOnAll(tasks.join, "a");
      await pool.runOnAll(tasks.up);
      await pool.runOnAll(bind(tasks.join, "a"), "b");
      await Promise.all(
        Array.from({ length: 20 }, (_, x) => pool.run(tasks.imported, `${x}`)),
      );
      await pool.map(tasks.join, ["a", "b", "c"]).toArray();
      const url = project.url("tasks.ts");
      assertEquals(messages.sent, [url, url]);
      assertEquals(new Set(messages.receivers).size, 2);
      assertEquals(bundles.made.size, 1);
    },
  );

  declare(
    `Pool (${kind}) keeps a module as it was when it was first needed`,
    async () => {
      await using project = await makeProject();
      await using site = await start();
      const options = {
        workers: 0,
        hosts: site.host(2),
        config: configOf(project),
      };
      const f = importF(project.url("edited.ts"));
      const edit = (x: string) =>
        project.write("edited.ts", `export const f = () => "${x}";`);
      const pool = new Pool(options);
      try {
        await pool.ready;
        await edit("old");
        assertEquals(await pool.run(f), "old");
        await edit("new");
        assertEquals(await pool.runOnAll(f), ["old", "old"]);
      } finally {
        await pool.shutdown();
      }
      await using next = new Pool(options);
      assertEquals(await next.runOnAll(f), ["new", "new"]);
    },
  );
}

for (const kind of SITE_KINDS) {
  testWith(
    kind,
    "keeps the files and lines of a module in stack traces",
    () => ({}),
    async (pool, project) => {
      const tasks = tasksOf(project);
      const deep = project.url("lib/deep.ts");
      const file = project.url("tasks.ts");
      const thrown = await pool.run(tasks.fail).catch((error) => error);
      const [first, ...frames] = thrown.stack.split("\n");
      assertEquals(first, "TypeError: too deep");
      assertEquals(frames.slice(0, 2), [
        `    at deep (${deep}:${placeInDeep("new TypeError")})`,
        `    at fail (${file}:${placeInTasks('deep("')})`,
      ]);
      assertUsersOnly(frames.slice(2));

      const later = await pool.run(tasks.failLater).catch((error) => error);
      const [, place, ...below] = later.stack.split("\n");
      assertEquals(
        place,
        `    at failLater (${file}:${placeInTasks("new RangeError")})`,
      );
      assertUsersOnly(below);
    },
  );

  testWith(
    kind,
    "lists the functions of a module when an export is missing",
    () => ({}),
    async (pool, project) => {
      const { notAFunction } = tasksOf(project);
      const { message } = await assertRejects(
        () => pool.run(notAFunction),
        TypeError,
        `exports no function 'notAFunction'`,
      );
      assertStringIncludes(message, project.url("tasks.ts"));
      assertStringIncludes(message, "imported, join, place, up");
    },
  );
}

/** Checks that the other frames are in the tests and in Deno. */
function assertUsersOnly(frames: readonly string[]): void {
  assert(frames.length > 0);
  const tests = import.meta.resolve("../");
  for (const frame of frames) {
    assert(frame.includes(tests) || frame.includes("(ext:"), frame);
  }
}
