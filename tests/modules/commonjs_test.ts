import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { importTasks } from "../../mod.ts";
import type { Project } from "../helpers/bundle_fixture.ts";
import { testWith } from "../helpers/module_pools.ts";
import { SITE_KINDS } from "../helpers/module_sites.ts";

/** A CommonJS module like many on npm. */
const TEXT = `
const { basename } = require("node:path");
exports.last = function (path) { return basename(path); };
exports.count = 3;
`;

/** The types of the module's exports. */
interface CommonModule {
  last(path: string): string;
  count(): void;
  toString(): string;
}

async function tasksIn(project: Project) {
  await project.write("common.cjs", TEXT);
  return importTasks<CommonModule>(project.url("common.cjs"));
}

for (const kind of SITE_KINDS) {
  testWith(
    kind,
    "runs the named exports of a CommonJS module",
    () => ({ workers: 1 }),
    async (pool, project) => {
      const tasks = await tasksIn(project);
      assertEquals(await pool.runOnAll(tasks.last, "/a/b"), ["b", "b"]);
    },
  );

  testWith(
    kind,
    "lists the functions of a CommonJS module when an export is missing",
    () => ({}),
    async (pool, project) => {
      const { count, toString } = await tasksIn(project);
      for (const task of [count, toString]) {
        const { message } = await assertRejects(
          () => pool.run(task),
          TypeError,
          "exports no function",
        );
        assertStringIncludes(message, "the functions last");
      }
    },
  );
}
