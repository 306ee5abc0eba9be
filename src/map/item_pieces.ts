import type { FailedAttempt } from "../calls/failed_attempt.ts";
import type { SettledItem } from "./settled_item.ts";
import type { Thrown } from "./thrown.ts";

/** How an item of a call has failed. */
export interface ItemFailure extends Partial<FailedAttempt> {
  /** What the task threw, or why it couldn't run. */
  readonly reason: unknown;
}

/**
 * Consecutive items of a call: some that have ended, and what follows them, if
 * it isn't the end of the call.
 */
export interface ItemPiece {
  /** The index in the map of the first item. */
  readonly index: number;
  /** The results of the items that have ended. */
  readonly values: readonly unknown[];
  /** The error of the item after those, which ends the map. */
  readonly thrown?: Thrown;
  /** The error of the item after those, which runs again. */
  readonly failed?: ItemFailure;
}

/** How the items of a call have ended. */
export interface ItemOutcomes {
  /** The index in the map of the call's first item. */
  readonly index: number;
  /** What the tasks returned. */
  readonly values: readonly unknown[];
  /** The items that have failed, by index in the call. */
  readonly failures: ReadonlyMap<number, ItemFailure> | undefined;
}

/**
 * Divides the items of a call before each that runs again. A map that isn't
 * settled ends with the first item that has failed for good.
 *
 * @param explain Returns the error of a settled item as its reader gets it;
 * `undefined` if the map isn't settled.
 */
export function itemPieces(
  { index: first, values, failures }: ItemOutcomes,
  explain: ((reason: unknown) => unknown) | undefined,
): ItemPiece[] {
  if (failures === undefined) {
    const all = explain === undefined
      ? values
      : values.map((value, at) => fulfilled(first + at, value));
    return [{ index: first, values: all }];
  }
  const pieces: ItemPiece[] = [];
  let start = 0;
  let results: unknown[] = [];
  for (let at = 0; at < values.length; at++) {
    const index = first + at;
    const failure = failures.get(at);
    if (failure === undefined) {
      const value = values[at];
      results.push(explain ? fulfilled(index, value) : value);
    } else if (failure.pause !== undefined) {
      pieces.push({ index: first + start, values: results, failed: failure });
      start = at + 1;
      results = [];
    } else if (explain !== undefined) {
      results.push(rejected(index, failure, explain));
    } else {
      const thrown = { reason: failure.reason, index };
      pieces.push({ index: first + start, values: results, thrown });
      return pieces;
    }
  }
  if (results.length > 0 || pieces.length === 0) {
    pieces.push({ index: first + start, values: results });
  }
  return pieces;
}

function fulfilled(index: number, value: unknown): SettledItem<unknown> {
  return { index, status: "fulfilled", value };
}

function rejected(
  index: number,
  { reason, attempts }: ItemFailure,
  explain: (reason: unknown) => unknown,
): SettledItem<unknown> {
  const outcome = {
    index,
    status: "rejected",
    reason: explain(reason),
  } as const;
  return attempts === undefined ? outcome : { ...outcome, attempts };
}
