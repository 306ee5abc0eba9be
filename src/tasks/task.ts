import type { TaskResult } from "./task_result.ts";

/**
 * What a task sees as `this`, unless it is an arrow function.
 *
 * @example Usage
 * ```ts
 * import { Pool, type TaskThis } from "@distex/pool";
 * import { assertEquals } from "@std/assert";
 *
 * function isCancelled(this: TaskThis): boolean {
 *   return this.signal.aborted;
 * }
 *
 * await using pool = new Pool(1);
 * assertEquals(await pool.run(isCancelled), false);
 * ```
 */
export interface TaskThis {
  /** Aborted when the task is cancelled or has timed out. */
  readonly signal: AbortSignal;
}

/**
 * A task that isn't an inline function: made by {@linkcode importTasks} or
 * {@linkcode bind}, and passed to the methods of a pool. It can't be called
 * where it is, only in a worker.
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
export interface Task<Args extends readonly unknown[], Result> {
  /**
   * The signature for a pool. It can't be called: its `this` exists only in a
   * worker, from which the result comes later.
   */
  (this: TaskThis, ...args: Args): PromiseLike<Result>;
  /** The task's name in messages. */
  readonly name: string;
}

/**
 * Anything that a pool can run: a {@linkcode Task}, or a function that is sent
 * as its source. If it returns a promise, the promise is awaited. The type
 * refuses results that can't be sent, such as functions and generators.
 *
 * Use it as the parameter type of a function that passes tasks on to a pool.
 *
 * Two limits of TypeScript's inference show here. If a function is overloaded,
 * {@linkcode Pool.run} and {@linkcode Pool.submit} choose the signature by the
 * arguments, but {@linkcode Pool.map} and {@linkcode Pool.runOnAll} take the
 * last one. If a call has other than one argument, or a map other than one or
 * two iterables, a default value needs a type, as in `(n: number = 1) => n`.
 *
 * @example Usage
 * ```ts
 * import { Pool, type TaskLike, type Transferred } from "@distex/pool";
 * import { assertEquals } from "@std/assert";
 *
 * await using pool = new Pool(2);
 *
 * function parallel<Item, Result>(
 *   items: Item[],
 *   task: TaskLike<[Item], Result>,
 * ): Promise<Transferred<Result>[]> {
 *   return pool.map(task, items).toArray();
 * }
 *
 * assertEquals(await parallel([1, 2], (x) => x * 2), [2, 4]);
 * ```
 *
 * @typeParam Args The arguments it takes.
 * @typeParam Result What it returns, awaited.
 */
export type TaskLike<Args extends readonly unknown[], Result> = (
  this: TaskThis,
  // Spread, the arguments can be inferred from a default value too.
  ...args: [...Args]
) => TaskResult<Result>;

/** Any task, whatever its arguments and its result. */
export type AnyTask = ((...args: never) => unknown) | TaskObject;

/** The objects behind the type {@linkcode Task}. */
export abstract class TaskObject {
  /** The task's name in messages. */
  abstract readonly name: string;
}

/** An export of a module. */
export class ModuleTask extends TaskObject {
  /** Constructs the task of the module's export `exportName`. */
  constructor(readonly url: string, readonly exportName: string) {
    super();
  }

  /** The module's file name and the export's name. */
  get name(): string {
    const file = this.url.slice(this.url.lastIndexOf("/") + 1);
    return `${file}:${this.exportName}`;
  }
}

/** A task whose first arguments are bound. */
export class BoundTask extends TaskObject {
  /** Constructs the task. */
  constructor(
    readonly task: AnyTask,
    readonly constants: readonly unknown[],
  ) {
    super();
  }

  /** The name of the task that is bound. */
  get name(): string {
    return this.task.name;
  }
}
