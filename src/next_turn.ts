import { setImmediate } from "node:timers";

/**
 * Resolves when what has arrived has been read: a program that was busy has
 * yet to read what came meanwhile when its timers are due.
 */
export async function nextTurn(): Promise<void> {
  for (let turn = 0; turn < 2; turn++) {
    await new Promise((resolve) => setImmediate(resolve));
  }
}
