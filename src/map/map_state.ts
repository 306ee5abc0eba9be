import type { MapPhase, MapProgress } from "../options/map_progress.ts";
import type { RateMeter } from "./rate_meter.ts";

/** How far a map has come, as it keeps track of it. */
export interface MapState {
  /** The name of its task. */
  readonly task: string;
  /** Whether results are in the order of the items. */
  readonly ordered: boolean;
  /** What it is doing. */
  readonly phase: MapPhase;
  /** How many items it has in all; `undefined` if that is unknown. */
  readonly total: number | undefined;
  /** How many items it has taken from its inputs and submitted. */
  readonly taken: number;
  /** For how many of them the task has returned. */
  readonly done: number;
  /** How many of them have failed. */
  readonly failed: number;
  /** How many of them run or wait for a worker. */
  readonly running: number;
  /** The milliseconds since its start. */
  readonly elapsed: number;
  /** How many of those that have ended didn't run, but were recalled. */
  readonly skipped: number;
}

/** Returns the progress of a map in this state. */
export function progressOf(state: MapState, meter: RateMeter): MapProgress {
  const { task, phase, total, done, failed, running, elapsed } = state;
  const taken = state.taken - state.skipped;
  const ended = done + failed - state.skipped;
  const rate = phase === "ended"
    ? 1_000 * ended / elapsed || 0
    : meter.read({ elapsed, taken, ended });
  const timeLeft = timeFor(state, rate);
  return { task, phase, total, done, failed, running, elapsed, rate, timeLeft };
}

/** Returns how many milliseconds the items that are left take at a rate. */
function timeFor(
  { phase, total, done, failed }: MapState,
  rate: number,
): number | undefined {
  if (phase === "ended") return 0;
  if (total === undefined) return undefined;
  const left = total - done - failed;
  if (left === 0) return 0;
  return rate === 0 ? undefined : 1_000 * left / rate;
}
