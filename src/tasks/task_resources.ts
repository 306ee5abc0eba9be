/**
 * What a task may use of its machine, by the names in the option `resources`:
 * the numbers of the units if the machine has a whole number of them, otherwise
 * the amount.
 *
 * @example Usage
 * ```ts
 * import { Pool, type TaskResources, type TaskThis } from "@distex/pool";
 * import { assertEquals } from "@std/assert";
 *
 * await using pool = new Pool({
 *   workers: 1,
 *   resources: { gpu: 2, memory: "64G" },
 * });
 * const large = pool.with({ resources: { gpu: 2, memory: "8G" } });
 * const resources: TaskResources = await large.run(function (this: TaskThis) {
 *   return this.resources;
 * });
 * assertEquals(resources, { gpu: [0, 1], memory: 8e9 });
 * ```
 */
export type TaskResources = Readonly<
  Record<string, readonly number[] | number>
>;

/**
 * Returns what the running task may use of its machine, as its caller asked with
 * the option `resources`. It is empty if the caller asked for nothing.
 *
 * Call it in a task, before the task awaits anything. In a task that isn't an
 * arrow function, `this.resources` is the same.
 *
 * @example In a task module
 * ```ts ignore
 * import { taskResources } from "@distex/pool";
 *
 * export async function train(epochs: number): Promise<string> {
 *   const { gpu: [device] } = taskResources<{ gpu: number[] }>();
 *   const args = ["train.py", `--device=cuda:${device}`, `${epochs}`];
 *   const { stdout } = await new Deno.Command("python3", { args }).output();
 *   return new TextDecoder().decode(stdout);
 * }
 * ```
 *
 * @typeParam Resources The names and the kinds of the resources.
 * @returns The resources.
 * @throws {Error} If no task is running, or it has already awaited something.
 */
export function taskResources<
  Resources extends TaskResources = TaskResources,
>(): Resources {
  const current = (globalThis as Record<symbol, unknown>)[
    Symbol.for("@distex/pool taskResources")
  ] as (() => Resources | undefined) | undefined;
  const resources = current?.();
  if (resources !== undefined) return resources;
  throw new Error(
    "No task is running: a task must call taskResources() before it awaits anything",
  );
}
