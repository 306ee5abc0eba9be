/**
 * What a pool can run: an inline function, an export of a module, or either
 * with its first arguments bound.
 *
 * @module
 */

/**
 * A task that isn't an inline function: made by {@linkcode importTasks} or
 * {@linkcode bind}, and given to the methods of a pool.
 *
 * @example Usage
 * ```ts
 * import { bind, Pool, type Task } from "@distex/pool";
 * import { assertEquals } from "@std/assert";
 *
 * const plusOne: Task<[number], number> = bind(
 *   (a: number, b: number) => a + b,
 *   1,
 * );
 * await using pool = new Pool(1);
 * assertEquals(await pool.run(plusOne, 2), 3);
 * ```
 *
 * @typeParam Args The arguments it takes.
 * @typeParam Result What it returns, awaited.
 */
export abstract class Task<Args extends readonly unknown[], Result> {
  /** What the task is called in messages. */
  abstract readonly name: string;
  /** Carries the types; there is no such value. */
  declare protected readonly signature: (...args: Args) => Result;
}

/**
 * What can be given to a pool to run: a {@linkcode Task} or a function that is
 * sent as source. Of a function that returns a promise the result is awaited.
 */
export type TaskLike<Args extends readonly unknown[], Result> =
  | ((...args: Args) => Result | PromiseLike<Result>)
  | Task<Args, Result>;

/**
 * The functions that a module exports, as tasks.
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
  ]: Module[Name] extends (...args: infer Args) => infer Result
    ? Task<Args, Awaited<Result>>
    : never;
};

/** An export of a module. */
export class ModuleTask extends Task<unknown[], unknown> {
  /** Constructs the task of an export called `exportName` of the module. */
  constructor(readonly url: string, readonly exportName: string) {
    super();
  }

  /** The module's file name and the export's name. */
  get name(): string {
    const file = this.url.slice(this.url.lastIndexOf("/") + 1);
    return `${file}:${this.exportName}`;
  }
}

/** A task with its first arguments given. */
export class BoundTask extends Task<unknown[], unknown> {
  /** Constructs it. */
  constructor(
    readonly task: TaskLike<unknown[], unknown>,
    readonly constants: readonly unknown[],
  ) {
    super();
  }

  /** The name of the task that is bound. */
  get name(): string {
    return this.task.name;
  }
}

/**
 * Makes tasks of the functions that a module exports.
 *
 * The module is loaded by the workers, when its first task is called there;
 * here it isn't loaded at all. Its own imports resolve as in the program that
 * makes the pool.
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
 * @typeParam Module The module's type, `typeof import("./tasks.ts")`, which
 * gives the tasks the types of the functions' arguments and results.
 * @param url The module's absolute URL, from
 * `import.meta.resolve("./tasks.ts")`, or a specifier that stands for itself:
 * `jsr:`, `npm:` or `node:`.
 * @returns An object with a task for each function that the module exports.
 * @throws {TypeError} If `url` is a path, or otherwise not absolute.
 */
export function importTasks<Module>(
  url: string | URL,
): ImportedTasks<Module> {
  const href = String(url);
  if (!URL.canParse(href)) {
    throw new TypeError(
      `The 'url' of a task module must be absolute, and "${href}" is not: use import.meta.resolve(${
        JSON.stringify(href)
      })`,
    );
  }
  const tasks = new Map<string, ModuleTask>();
  return new Proxy(Object.create(null), {
    get(_target, name) {
      // An object with a `then` would be awaited as if it were a promise.
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

/**
 * Gives a task its first arguments, which then travel to a worker only once.
 *
 * Bind what is large and the same in all calls, such as a table that each of
 * them reads. Each worker has one copy that its calls share. A constant that
 * can't be sent makes each call fail with a `DOMException` named
 * `"DataCloneError"`.
 *
 * @example Usage
 * ```ts
 * import { bind, Pool } from "@distex/pool";
 * import { assertEquals } from "@std/assert";
 *
 * const prices: Record<string, number> = { apple: 3, pear: 4 };
 * const price = bind(
 *   (prices: Record<string, number>, fruit: string) => prices[fruit],
 *   prices,
 * );
 *
 * await using pool = new Pool(1);
 * assertEquals(await pool.map(price, ["pear", "apple"]).toArray(), [4, 3]);
 * ```
 *
 * @typeParam Constants The arguments that are given.
 * @typeParam Rest The arguments that remain.
 * @typeParam Result What the task returns.
 * @param task The task.
 * @param constants Its first arguments.
 * @returns The task of the remaining arguments.
 */
export function bind<
  Constants extends unknown[],
  Rest extends unknown[],
  Result,
>(
  task: TaskLike<[...Constants, ...Rest], Result>,
  ...constants: Constants
): Task<Rest, Result> {
  return new BoundTask(
    task as TaskLike<unknown[], unknown>,
    constants,
  ) as unknown as Task<Rest, Result>;
}
