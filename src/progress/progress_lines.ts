import type { MapProgress } from "../options/map_progress.ts";
import type { ProgressDisplay } from "./progress_display.ts";
import { percentage, progressText } from "./progress_text.ts";

/** Into how many steps the items are divided, with a line after each. */
const STEPS = 10;

/** The shortest time between two lines, in milliseconds. */
const MIN_PAUSE = 1_000;

/** The longest time between two lines, in milliseconds. */
const MAX_PAUSE = 30_000;

/**
 * Shows the progress of a map in lines: one for each tenth of the items, but at
 * most one per second and, while items run, at least one in 30 seconds, and one at
 * the end.
 */
export class ProgressLines implements ProgressDisplay {
  readonly #label: string;
  readonly #clear: boolean;
  readonly #print: (line: string) => void;
  /** How long the map had taken when the last line was printed. */
  #lastTime = 0;
  /** How many steps had ended then. */
  #lastStep = 0;

  /**
   * Constructs it without lines.
   *
   * @param clear Whether there is no line at the end.
   * @param print Prints a line.
   */
  constructor(
    label: string,
    clear: boolean,
    print: (line: string) => void = printError,
  ) {
    this.#label = label;
    this.#clear = clear;
    this.#print = print;
  }

  show(progress: MapProgress): void {
    const { phase, total = Infinity, done, failed, elapsed } = progress;
    const step = Math.floor(STEPS * (done + failed) / total);
    if (phase === "ended") {
      if (!this.#clear) this.#printLine(progress);
      return;
    }
    const pause = elapsed - this.#lastTime;
    if (pause < MIN_PAUSE) return;
    if (step === this.#lastStep && pause < MAX_PAUSE) return;
    this.#lastTime = elapsed;
    this.#lastStep = step;
    this.#printLine(progress);
  }

  #printLine(progress: MapProgress): void {
    const share = percentage(progress).trimStart();
    const text = progressText(progress);
    const parts = share === "" ? [text] : [share, text];
    this.#print(`[distex] ${this.#label}: ${parts.join(", ")}`);
  }
}

function printError(line: string): void {
  const bytes = new TextEncoder().encode(`${line}\n`);
  try {
    for (let written = 0; written < bytes.length;) {
      written += Deno.stderr.writeSync(bytes.subarray(written));
    }
  } catch {
    // Nobody reads the stream any more. The program works without it.
  }
}
