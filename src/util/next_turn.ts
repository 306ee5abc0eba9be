/**
 * Resolves when what has arrived has been read: a program that was busy has
 * yet to read what came meanwhile when its timers are due.
 *
 * Immediates wouldn't do: while there are some, Deno looks for what has arrived
 * in about every 60th turn only. It always does when it waits for a timer.
 */
export async function nextTurn(): Promise<void> {
  for (let turn = 0; turn < 2; turn++) {
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
}
