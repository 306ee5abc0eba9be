import { nextTurn } from "./next_turn.ts";
import { pause } from "./pause.ts";

/** The parts into which a limit is divided. */
const PARTS = 8;

/**
 * Waits for a promise up to a limit, without keeping the program alive.
 *
 * Unlike with `deadline()` of `@std/async`, a time in which the program is too
 * busy to see that what it waits for has come counts as an eighth of the limit
 * at the most.
 *
 * @param milliseconds The limit.
 * @throws {DOMException} "TimeoutError" if the promise isn't settled by then.
 */
export async function withinLimit<Value>(
  promise: Promise<Value>,
  milliseconds: number,
): Promise<Value> {
  const settled = new AbortController();
  try {
    return await Promise.race([promise, late(milliseconds, settled.signal)]);
  } finally {
    settled.abort();
  }
}

/** Whether what was thrown says that something took too long. */
export function isTimeout(error: unknown): boolean {
  return error instanceof DOMException && error.name === "TimeoutError";
}

async function late(
  milliseconds: number,
  signal: AbortSignal,
): Promise<never> {
  for (let part = 0; part < PARTS; part++) {
    await pause(milliseconds / PARTS, signal);
  }
  await nextTurn();
  throw new DOMException(
    `It took more than ${milliseconds} ms`,
    "TimeoutError",
  );
}
