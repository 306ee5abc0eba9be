import type { MapProgress } from "../../mod.ts";

/** Makes the progress of a map that runs: 40 of 100 items are done after 10 s. */
export function progress(changes: Partial<MapProgress> = {}): MapProgress {
  return {
    task: "render",
    phase: "running",
    total: 100,
    done: 40,
    failed: 0,
    running: 10,
    elapsed: 10_000,
    rate: 4,
    timeLeft: 15_000,
    ...changes,
  };
}
