import type { AnyResultOf, ArgsOf } from "./signatures.ts";
import { type AnyTask, BoundTask, type Task, type TaskLike } from "./task.ts";

/**
 * The arguments except the first.
 *
 * @typeParam Args The arguments.
 *
 * @internal
 */
export type OtherArgs<Args> = Args extends
  [_?: unknown, ...others: infer Others] ? Others
  : never;

/**
 * Gives a task its first arguments, which the pool sends to a worker only once.
 *
 * Bind large arguments that all calls share, such as a lookup table. Each
 * worker has one copy, which all its calls use. If a constant can't be sent,
 * each call fails with a `DOMException` named `"DataCloneError"`.
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
 * @typeParam Call The task's type.
 * @param task The task. If it is an inline function, its parameters need types.
 * @param constant Its first argument.
 * @returns A task that takes the other arguments.
 */
export function bind<Call>(
  task: Call,
  constant: ArgsOf<Call>[0],
): Task<OtherArgs<ArgsOf<Call>>, AnyResultOf<Call>>;
/**
 * Gives a task its first two arguments, which the pool sends to a worker only
 * once.
 *
 * @example Usage
 * ```ts
 * import { bind, Pool } from "@distex/pool";
 * import { assertEquals } from "@std/assert";
 *
 * const line = bind((a: number, b: number, x: number) => a * x + b, 2, 1);
 * await using pool = new Pool(1);
 * assertEquals(await pool.map(line, [1, 2]).toArray(), [3, 5]);
 * ```
 *
 * @typeParam Call The task's type.
 * @param task The task. If it is an inline function, its parameters need types.
 * @param first Its first argument.
 * @param second Its second argument.
 * @returns A task that takes the other arguments.
 */
export function bind<Call>(
  task: Call,
  first: ArgsOf<Call>[0],
  second: ArgsOf<Call>[1],
): Task<OtherArgs<OtherArgs<ArgsOf<Call>>>, AnyResultOf<Call>>;
/**
 * Gives a task its first arguments, which the pool sends to a worker only once.
 *
 * @example Usage
 * ```ts
 * import { bind, Pool } from "@distex/pool";
 * import { assertEquals } from "@std/assert";
 *
 * const sum = (a: number, b: number, c: number, x: number) => a + b + c + x;
 * await using pool = new Pool(1);
 * assertEquals(await pool.run(bind(sum, 1, 2, 3), 4), 10);
 * ```
 *
 * @typeParam Constants The arguments that are bound.
 * @typeParam Rest The arguments that remain.
 * @typeParam Result What the task returns, awaited.
 * @param task The task.
 * @param constants Its first arguments.
 * @returns A task that takes the other arguments.
 */
export function bind<
  Constants extends unknown[],
  Rest extends unknown[],
  Result,
>(
  task: TaskLike<[...Constants, ...Rest], Result>,
  ...constants: Constants
): Task<Rest, Result>;
export function bind(task: AnyTask, ...constants: unknown[]): unknown {
  return new BoundTask(task, constants);
}
