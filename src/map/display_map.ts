import { displayTable, type MediaBundle } from "../util/display_table.ts";

/** How far a map has come. */
export interface MapProgress {
  /** The name of its task. */
  readonly task: string;
  /** Whether results are in the order of the items. */
  readonly ordered: boolean;
  /** What it is doing. */
  readonly phase: MapPhase;
  /** How many items it has taken from its inputs and submitted. */
  readonly taken: number;
  /** For how many of them the task has returned. */
  readonly done: number;
}

/**
 * The phase of a map: `"idle"` until the first read; `"running"` while it takes
 * items; `"draining"` while remaining results are read; then `"ended"`.
 */
export type MapPhase = "idle" | "running" | "draining" | "ended";

const STATES: Readonly<Record<MapPhase, string>> = {
  idle: "not started: read its results",
  running: "running",
  draining: "takes no more items",
  ended: "ended",
};

/** Formats the progress of a map as a table. */
export function displayMap(
  { task, ordered, phase, taken, done }: MapProgress,
): MediaBundle {
  const columns = ["task", "state", "items taken", "done", "order of results"];
  const order = ordered ? "as the items" : "as the tasks finish";
  return displayTable(columns, [[task, STATES[phase], taken, done, order]]);
}
