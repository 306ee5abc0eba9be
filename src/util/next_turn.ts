/**
 * Resolves once data that has already arrived has been read. When the timers of
 * a busy program fire, such data may still be unread.
 *
 * `setImmediate()` doesn't work here: while an immediate is pending, Deno polls
 * for I/O only about every 60th turn. It always polls when it waits for a
 * timer.
 */
export async function nextTurn(): Promise<void> {
  for (let turn = 0; turn < 2; turn++) {
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
}
