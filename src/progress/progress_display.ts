import type { MapProgress } from "../options/map_progress.ts";

/** Shows the progress of a map. */
export interface ProgressDisplay {
  /** Shows how far the map has come; its phase is `"ended"` the last time. */
  show(progress: MapProgress): void;
}
