/**
 * Returns the running task's generator of random numbers: each call of it returns
 * another number from 0, inclusive, to 1, exclusive. With the option
 * {@linkcode CallOptions.seed}, these are the same numbers in each run of the
 * program; without it, they are different ones.
 *
 * The numbers follow from the seed and the index of the call alone, so neither
 * the number of workers, nor the order, nor a retry changes them. Each call has a
 * stream of its own, of 2 ** 65 numbers, which overlaps with no other.
 *
 * The method is Philox4x32-10 of
 * [Salmon et al. (2011)](https://doi.org/10.1145/2063384.2063405). The seed is
 * its key. The lower half of its counter counts the blocks of a stream, and the
 * upper half is the index. Two words of 32 bits make one number of 53 bits.
 *
 * Call it in a task, before the task awaits anything. In a task that isn't an
 * arrow function, `this.random` is the same generator. It fits the option `prng`
 * of [`@std/random`](https://jsr.io/@std/random).
 *
 * @example In a task module
 * ```ts ignore
 * import { taskRandom } from "@distex/pool";
 *
 * export function estimatePi(points: number): number {
 *   const random = taskRandom();
 *   let inside = 0;
 *   for (let point = 0; point < points; point++) {
 *     if (random() ** 2 + random() ** 2 < 1) inside++;
 *   }
 *   return 4 * inside / points;
 * }
 * ```
 *
 * @example In an inline task
 * ```ts
 * import { Pool, type TaskThis } from "@distex/pool";
 * import { assertEquals } from "@std/assert";
 *
 * function draw(this: TaskThis, sides: number): number {
 *   return 1 + Math.floor(this.random() * sides);
 * }
 *
 * const dice = new Array(100).fill(6);
 * await using one = new Pool(1);
 * await using two = new Pool(2);
 * assertEquals(
 *   await one.with({ seed: 7 }).map(draw, dice).toArray(),
 *   await two.with({ seed: 7 }).map(draw, dice, { chunkSize: 9 }).toArray(),
 * );
 * ```
 *
 * @returns The generator. It is the same one for each request of a call.
 * @throws {Error} If no task is running, or it has already awaited something.
 */
export function taskRandom(): () => number {
  const current = (globalThis as Record<symbol, unknown>)[
    Symbol.for("@distex/pool taskRandom")
  ] as (() => (() => number) | undefined) | undefined;
  const random = current?.();
  if (random !== undefined) return random;
  throw new Error(
    "No task is running: a task must call taskRandom() before it awaits anything",
  );
}
