import type { MapPhase } from "../options/map_progress.ts";
import { displayTable, type MediaBundle } from "../util/display_table.ts";
import type { MapState } from "./map_state.ts";

const STATES: Readonly<Record<MapPhase, string>> = {
  idle: "not started: read its results",
  running: "running",
  draining: "takes no more items",
  ended: "ended",
};

/** Formats the progress of a map as a table. */
export function displayMap(
  { task, ordered, phase, taken, done, failed }: MapState,
): MediaBundle {
  const hasFailed = failed > 0;
  const columns = [
    "task",
    "state",
    "items taken",
    "done",
    ...(hasFailed ? ["failed"] : []),
    "order of results",
  ];
  const row = [
    task,
    STATES[phase],
    taken,
    done,
    ...(hasFailed ? [failed] : []),
    ordered ? "as the items" : "as the tasks finish",
  ];
  return displayTable(columns, [row]);
}
