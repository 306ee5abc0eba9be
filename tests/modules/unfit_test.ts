import {
  assertEquals,
  assertFalse,
  assertInstanceOf,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { bind, BrokenPoolError, importTasks } from "../../mod.ts";
import { importF, testWith } from "../helpers/module_pools.ts";
import { tasksOf } from "../helpers/module_fixture.ts";
import { SITE_KINDS } from "../helpers/module_sites.ts";

/** Modules that can't be bundled, and the position of the error in each. */
const UNFIT:
  readonly (readonly [name: string, text: string, position: string])[] = [
    ["a syntax error", "\n\nexport function f( {", ":3:21"],
    [
      "a missing import",
      '\n\nimport x from "./none.ts";\nexport const f = () => x;',
      ":3:15",
    ],
    [
      "an import of an unknown name",
      '\n\nimport x from "bare";\nexport const f = () => x;',
      ":3:16",
    ],
  ];

for (const kind of SITE_KINDS) {
  for (const [name, text, place] of UNFIT) {
    testWith(
      kind,
      `rejects each call of a module with ${name}, and runs other calls`,
      () => ({}),
      async (pool, project) => {
        await project.write("unfit.ts", text);
        const url = project.url("unfit.ts");
        const { f, g } = importTasks<{ f(x?: number): void; g(): void }>(url);
        const tasks = tasksOf(project);
        const fine = pool.run(tasks.join, "a");
        const calls = [
          () => pool.run(f),
          () => pool.run(g),
          () => pool.map(f, [1, 2]).toArray(),
          () => pool.run(bind(g)),
        ];
        for (const call of calls) {
          const { message, stack = "" } = await assertRejects(call, Error);
          assertStringIncludes(
            message,
            `Can't bundle ${url} for a remote worker`,
          );
          assertStringIncludes(message, `at ${url}${place}`);
          assertStringIncludes(stack, import.meta.url);
          assertFalse(stack.includes("/src/"), stack);
        }
        assertEquals(await fine, "a");
        assertEquals(await pool.run(tasks.join, "b"), "b");
      },
    );
  }

  testWith(
    kind,
    "breaks when the module of its initializer can't be bundled",
    (project) => ({ initializer: importF(project.url("none.ts")) }),
    async (pool, project) => {
      const error = await assertRejects(() => pool.ready, BrokenPoolError);
      const message = `Can't bundle ${
        project.url("none.ts")
      } for a remote worker`;
      assertStringIncludes(error.message, message);
      assertInstanceOf(error.cause, Error);
      assertStringIncludes(error.cause.message, message);
    },
  );

  testWith(
    kind,
    "rejects calls of a module that throws at its top level",
    () => ({}),
    async (pool, project) => {
      await project.write("top.ts", "\nthrow new RangeError('at the top');");
      const f = importF(project.url("top.ts"));
      for (let count = 0; count < 2; count++) {
        const { stack } = await assertRejects(() => pool.run(f), RangeError);
        assertStringIncludes(stack!, `at ${project.url("top.ts")}:2:7`);
      }
    },
  );
}
