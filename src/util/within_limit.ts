import { nextTurn } from "./next_turn.ts";
import { pause } from "./pause.ts";

/** The number of timers into which a limit is divided. */
const PARTS = 8;

/**
 * Waits for a promise up to a time limit, without keeping the program alive.
 *
 * Unlike `deadline()` of `@std/async`, this counts a period in which the event
 * loop was blocked as at most an eighth of the limit.
 *
 * @param milliseconds The limit; may be `Infinity`.
 * @throws {DOMException} "TimeoutError" if the promise isn't settled by then.
 */
export async function withinLimit<Value>(
  promise: Promise<Value>,
  milliseconds: number,
): Promise<Value> {
  if (milliseconds === Infinity) return await promise;
  const settled = new AbortController();
  try {
    return await Promise.race([promise, late(milliseconds, settled.signal)]);
  } finally {
    settled.abort();
  }
}

/** Whether a thrown value is a timeout. */
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
