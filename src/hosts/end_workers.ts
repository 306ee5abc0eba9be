import { pause } from "../util/pause.ts";
import type { SupervisedWorker } from "./supervised_worker.ts";

/** How long a worker may take to end by itself, in milliseconds. */
const STOP_TIMEOUT = 3_000;

/** How long the report that a killed worker has ended may take, in milliseconds. */
const KILL_TIMEOUT = 1_000;

/**
 * Ends workers and waits until they have ended, up to a time limit: a spawner
 * that hangs doesn't report ends.
 *
 * @param reason Why nobody waits for them any longer.
 */
export async function endWorkers(
  workers: readonly SupervisedWorker[],
  reason: Error,
): Promise<void> {
  for (const worker of workers) worker.end(reason);
  const ends = workers.map(({ process }) => process.end(STOP_TIMEOUT));
  const waited = new AbortController();
  await Promise.race([
    Promise.all(ends),
    pause(STOP_TIMEOUT + KILL_TIMEOUT, waited.signal).catch(() => {}),
  ]);
  waited.abort();
}

/** Ends a worker that isn't needed any more. */
export function endUnneeded(worker: SupervisedWorker): void {
  worker.end(new Error(`The ${worker.process.name} isn't needed any more`));
  worker.process.end(STOP_TIMEOUT);
}
