import type { ProgressListener } from "../options/map_options.ts";
import type { MapProgress } from "../options/map_progress.ts";
import { isPromiseLike } from "../util/is_promise_like.ts";

/** The shortest time between two reports, in milliseconds. */
const INTERVAL = 100;

/**
 * After how many milliseconds without a change a report follows nevertheless,
 * because rates and times have changed.
 */
const LONGEST_INTERVAL = 1_000;

/** The map that a {@linkcode ProgressWatch} watches. */
export interface WatchedMap {
  /** How far it has come. */
  readonly progress: MapProgress;
  /** Whether somebody waits for its next result. */
  readonly isAwaited: boolean;
}

/**
 * Reports the progress of a map while it runs, at most ten times a second, and
 * once when it has ended.
 */
export class ProgressWatch {
  readonly #map: WatchedMap;
  readonly #listeners: ProgressListener[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;
  #last: MapProgress | undefined;
  #hasEnded = false;

  /** Constructs a watch of a map that hasn't started. */
  constructor(map: WatchedMap) {
    this.#map = map;
  }

  /** Adds a function that gets the reports. */
  add(listener: ProgressListener): void {
    this.#listeners.push(listener);
  }

  /** Handles that results are requested. */
  requested(): void {
    if (this.#timer === undefined && !this.#hasEnded) this.#wait();
  }

  /** Handles the end of the map. */
  ended(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    clearTimeout(this.#timer);
    this.#report(this.#map.progress);
  }

  /** Waits until the next report may follow, without keeping the program alive. */
  #wait(): void {
    this.#timer = setTimeout(() => this.#tick(), INTERVAL);
    Deno.unrefTimer(this.#timer);
  }

  #tick(): void {
    this.#timer = undefined;
    const { progress } = this.#map;
    const hasChanged = this.#hasChanged(progress);
    if (hasChanged || this.#isDue(progress)) this.#report(progress);
    // If nobody reads the map, nothing will change until results are requested.
    const isLive = hasChanged || progress.running > 0 || this.#map.isAwaited;
    if (isLive && !this.#hasEnded) this.#wait();
  }

  #hasChanged({ phase, total, done, failed, running }: MapProgress): boolean {
    const last = this.#last;
    return last === undefined || phase !== last.phase ||
      total !== last.total || done !== last.done || failed !== last.failed ||
      running !== last.running;
  }

  #isDue({ elapsed, running }: MapProgress): boolean {
    return running > 0 && elapsed - this.#last!.elapsed >= LONGEST_INTERVAL;
  }

  #report(progress: MapProgress): void {
    this.#last = progress;
    for (const listener of [...this.#listeners]) {
      this.#call(listener, progress);
      // It may have ended the map, which was reported to all of them.
      if (this.#last !== progress) return;
    }
  }

  #call(listener: ProgressListener, progress: MapProgress): void {
    const failed = (error: unknown) => {
      const index = this.#listeners.indexOf(listener);
      if (index < 0) return;
      this.#listeners.splice(index, 1);
      console.error(
        `[distex] 'onProgress' of a map of the task '${progress.task}' threw, and isn't called again`,
        error,
      );
    };
    try {
      const returned = listener(progress);
      if (isPromiseLike(returned)) returned.then(undefined, failed);
    } catch (error) {
      failed(error);
    }
  }
}
