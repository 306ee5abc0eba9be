import { isNotebook } from "../util/is_notebook.ts";
import type { Signatures } from "./signatures.ts";
import { ModuleTask, type Task } from "./task.ts";

/**
 * The functions that a module exports, as tasks.
 *
 * The type keeps up to four overloads of a function. The type parameters of a
 * generic function become their constraints. To choose other types, write them
 * in the module's type: `{ first: typeof import("./tasks.ts").first<number> }`.
 *
 * @example Usage
 * ```ts
 * import { type ImportedTasks, importTasks, Pool } from "@distex/pool";
 * import { assertEquals } from "@std/assert";
 *
 * const tasks: ImportedTasks<typeof import("node:path")> = importTasks(
 *   "node:path",
 * );
 * await using pool = new Pool(1);
 * assertEquals(await pool.run(tasks.extname, "a.txt"), ".txt");
 * ```
 *
 * @typeParam Module The module's type, such as `typeof import("./tasks.ts")`.
 */
export type ImportedTasks<Module> = {
  readonly [
    Name in keyof Module as Module[Name] extends
      (...args: infer _Args) => unknown ? Name : never
  ]: ImportedTask<Signatures<Module[Name]>>;
};

/**
 * A task for each signature: turns a union of signatures into an intersection
 * of tasks.
 *
 * @internal
 */
type ImportedTask<Signature> =
  (Signature extends readonly [infer Args extends unknown[], infer Result]
    ? (task: Task<Args, Awaited<Result>>) => void
    : never) extends (task: infer Tasks) => void ? Tasks
    : never;

/**
 * Makes tasks from the functions that a module exports.
 *
 * Each worker loads the module when its first task is called there; the
 * program itself doesn't load it. The module's imports resolve as in the
 * program that makes the pool.
 *
 * @example Usage
 * ```ts
 * import { importTasks, Pool } from "@distex/pool";
 * import { assertEquals } from "@std/assert";
 *
 * const path = importTasks<typeof import("node:path")>("node:path");
 * await using pool = new Pool(1);
 * assertEquals(await pool.run(path.basename, "/tmp/a.txt"), "a.txt");
 * ```
 *
 * @typeParam Module The module's type, such as `typeof import("./tasks.ts")`.
 * It gives the tasks the types of the functions' arguments and results.
 * @param url The module's absolute URL, from
 * `import.meta.resolve("./tasks.ts")`, or a specifier that starts with `jsr:`,
 * `npm:` or `node:`.
 * @returns An object with a task for each function that the module exports.
 * @throws {TypeError} If `url` isn't an absolute URL.
 */
export function importTasks<Module>(
  url: string | URL,
): ImportedTasks<Module> {
  const href = String(url);
  if (!URL.canParse(href)) {
    const quoted = JSON.stringify(href);
    // Cells of a notebook have no import.meta.
    const wayOut = isNotebook
      ? `pathToFileURL(${quoted}) from "node:url"`
      : `import.meta.resolve(${quoted})`;
    throw new TypeError(
      `The 'url' of a task module must be absolute, but is "${href}": use ${wayOut}`,
    );
  }
  const tasks = new Map<string, ModuleTask>();
  return new Proxy(Object.create(null), {
    get(_target, name) {
      // `await` would treat an object with a `then` as a promise.
      if (typeof name === "symbol" || name === "then") return undefined;
      let task = tasks.get(name);
      if (task === undefined) {
        task = new ModuleTask(href, name);
        tasks.set(name, task);
      }
      return task;
    },
  });
}
