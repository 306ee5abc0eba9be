import type { Scene } from "./calls.ts";
import type { Allowed } from "./ledger.ts";
import type { Work } from "./plan.ts";
import type { Random } from "./random.ts";

/** How to read values, and what they must be. */
export interface Reading<T> {
  /** Whether a value is right at a position. */
  readonly isRight: (value: T, at: number) => boolean;
  /** How many values there are before the end or the task's own error. */
  readonly length: number;
  readonly allowed: Allowed;
  /** The number of values after which the reader leaves. */
  readonly most?: number;
  /** Called before each value with the number of values so far. */
  readonly before?: (read: number) => Promise<void> | void;
}

/**
 * Reads values, and checks that each arrives once and in order, until the end,
 * an error that is allowed, or the reader leaves.
 *
 * @returns Whether all values have arrived.
 */
export async function readValues<T>(
  { ledger }: Scene,
  work: Work,
  source: AsyncIterable<T>,
  { isRight, length, allowed, most = Infinity, before }: Reading<T>,
): Promise<boolean> {
  const what = `${work.kind} ${work.number}`;
  let read = 0;
  const readAll = async () => {
    await before?.(0);
    for await (const value of source) {
      if (read >= length || !isRight(value, read)) {
        ledger.fault(`${what}: wrong value ${read}: ${Deno.inspect(value)}`);
      }
      read++;
      ledger.count("yielded", 1);
      if (read >= most) break;
      const pause = before?.(read);
      if (pause !== undefined) await pause;
    }
  };
  const outcome = await ledger.settled(what, readAll());
  const rest = Math.max(0, work.tasks - read);
  if (outcome.status === "fulfilled") {
    const isWhole = read === length && allowed.own === undefined;
    if (read < most && !isWhole) {
      ledger.fault(`${what}: ended after ${read} of ${length} values`);
    }
    ledger.count(isWhole ? "ended" : "left", rest);
    return isWhole;
  }
  // A call whose values have arrived doesn't run again.
  const isUsed = allowed.used === true || read > 0;
  const how = ledger.judge(what, outcome.reason, { ...allowed, used: isUsed });
  ledger.count(how, rest);
  if (how === "threw" && read !== length) {
    ledger.fault(`${what}: threw after ${read} of ${length} values`);
  }
  return false;
}

/** Makes a reader that stops now and then. */
export function pauses(random: Random): (read: number) => Promise<void> | void {
  let next = random.integer(0, 400);
  return (read) => {
    if (read < next) return;
    next = read + random.integer(1, 1_500);
    return pause(random.integer(0, 60));
  };
}

/** Waits. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
