import type { Pool } from "./pool.ts";

/**
 * The interface of an executor of PEP 3148: anything that runs functions like a
 * pool.
 *
 * @example Usage
 * ```ts
 * import { type Executor, Pool } from "@distex/pool";
 * import { assertEquals } from "@std/assert";
 *
 * const square = (x: number) => x * x;
 *
 * async function squareSum(executor: Executor, a: number, b: number) {
 *   const futures = [a, b].map((x) => executor.submit(square, x));
 *   const [first = 0, second = 0] = await Promise.all(futures);
 *   return first + second;
 * }
 *
 * await using pool = new Pool(2);
 * assertEquals(await squareSum(pool, 3, 4), 25);
 * ```
 *
 * @see {@link https://peps.python.org/pep-3148/#executor}
 */
export type Executor = Pick<Pool, "submit" | "map" | "shutdown">;
