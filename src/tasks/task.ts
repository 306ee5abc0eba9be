import type { TaskPort } from "./task_port.ts";
import type { TaskResources } from "./task_resources.ts";
import type {
  StreamTaskResult,
  TaskResult,
  YieldingTaskResult,
} from "./task_result.ts";

/**
 * The `this` of a task that isn't an arrow function.
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
  /** Aborted when the task is cancelled or times out. */
  readonly signal: AbortSignal;
  /** Exchanges messages with the caller: see {@linkcode taskPort}. */
  readonly port: TaskPort;
  /** What the task may use of its machine: see {@linkcode taskResources}. */
  readonly resources: TaskResources;
  /** Returns a random number from 0 to 1: see {@linkcode taskRandom}. */
  readonly random: () => number;
}

/**
 * A task made by {@linkcode importTasks} or {@linkcode bind}. Pass it to the
 * methods of a pool; the program itself can't call it.
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
 * @typeParam Args The types of its arguments.
 * @typeParam Result The type of its result, awaited.
 */
export interface Task<Args extends readonly unknown[], Result> {
  /**
   * The signature for type checks. The program can't call it: its `this`
   * exists only in a worker.
   */
  (this: TaskThis, ...args: Args): PromiseLike<Result>;
  /** The task's name in messages. */
  readonly name: string;
}

/**
 * Anything that a pool can run: a {@linkcode Task}, or a function, which the
 * pool sends as source. If it returns a promise, the worker awaits it. The type
 * refuses results that can't be sent, such as functions and generators.
 *
 * Use it as the parameter type of a function that passes tasks on to a pool.
 *
 * TypeScript's inference has two limits here. If a function is overloaded,
 * {@linkcode Pool.run} and {@linkcode Pool.submit} choose the signature by the
 * arguments, but {@linkcode Pool.map} and {@linkcode Pool.runOnAll} take the
 * last one. Unless a call has exactly one argument, or a map one or two
 * iterables, a parameter with a default value needs a type, as in
 * `(n: number = 1) => n`.
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
 * @typeParam Args The types of its arguments.
 * @typeParam Result The type of its result, awaited.
 */
export type TaskLike<Args extends readonly unknown[], Result> = (
  this: TaskThis,
  // The spread lets TypeScript infer arguments from default values.
  ...args: [...Args]
) => TaskResult<Result>;

/**
 * A task that yields values: a generator, sync or async, or a function that
 * returns an iterator or an async iterable, such as a `ReadableStream`, or a
 * promise of it. {@linkcode Pool.map} yields its values in order.
 *
 * @example Usage
 * ```ts
 * import { Pool, type Transferred, type YieldingTaskLike } from "@distex/pool";
 * import { assertEquals } from "@std/assert";
 *
 * await using pool = new Pool(2);
 *
 * function collect<Item, Value>(
 *   items: Item[],
 *   task: YieldingTaskLike<[Item], Value>,
 * ): Promise<Transferred<Awaited<Value>>[]> {
 *   return pool.map(task, items).toArray();
 * }
 *
 * const words = await collect(["to be", "or not"], function* (text) {
 *   yield* text.split(" ");
 * });
 * assertEquals(words, ["to", "be", "or", "not"]);
 * ```
 *
 * @typeParam Args The types of its arguments.
 * @typeParam Value The type of the values that it yields.
 */
export type YieldingTaskLike<Args extends readonly unknown[], Value> = (
  this: TaskThis,
  ...args: [...Args]
) => YieldingTaskResult<Value>;

/**
 * A task for {@linkcode Pool.stream}: a generator, sync or async, or a function
 * that returns an iterable object, such as a `ReadableStream`, or a promise of
 * it.
 *
 * @example Usage
 * ```ts
 * import { Pool, type StreamTaskLike, type Transferred } from "@distex/pool";
 * import { assertEquals } from "@std/assert";
 *
 * await using pool = new Pool(1);
 *
 * function collect<Item>(
 *   task: StreamTaskLike<[number], Item>,
 *   n: number,
 * ): Promise<Transferred<Awaited<Item>>[]> {
 *   return Array.fromAsync(pool.stream(task, n));
 * }
 *
 * const numbers = await collect(function* (n) {
 *   for (let x = 0; x < n; x++) yield x;
 * }, 3);
 * assertEquals(numbers, [0, 1, 2]);
 * ```
 *
 * @typeParam Args The types of its arguments.
 * @typeParam Item The type of the values that it yields.
 */
export type StreamTaskLike<Args extends readonly unknown[], Item> = (
  this: TaskThis,
  ...args: [...Args]
) => StreamTaskResult<Item>;

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
