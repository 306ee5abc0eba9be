/** Tasks that draw random numbers. */

import { taskRandom } from "../../mod.ts";

/** Returns two numbers. */
export const draw = (_x?: number): number[] => {
  const random = taskRandom();
  return [random(), random()];
};

/** Does the same after a turn of the event loop. */
export const drawLater = async (_x?: number): Promise<number[]> => {
  const random = taskRandom();
  await new Promise((resolve) => setTimeout(resolve, 0));
  return [random(), random()];
};

/** Yields two numbers. */
export function* yieldTwo(_x?: number): Generator<number> {
  const random = taskRandom();
  yield random();
  yield random();
}

/** Does the same, and asks for the second number after the first was sent. */
export async function* yieldTwoLater(_x?: number): AsyncGenerator<number> {
  yield taskRandom()();
  yield taskRandom()();
}

/** Does what {@linkcode draw} does, but kills its worker the first time. */
export function drawUnlessFirst(path: string, x: number): number[] {
  if (x === 13) {
    try {
      Deno.writeTextFileSync(path, "", { createNew: true });
      Deno.exit(5);
    } catch {
      // It runs again.
    }
  }
  return draw(x);
}

/** Returns whether the generator of a call is always the same. */
export const isSame = (_x?: number): boolean => taskRandom() === taskRandom();

/** Asks for the generator too late. */
export async function drawTooLate(): Promise<number> {
  await Promise.resolve();
  return taskRandom()();
}
