import type { MapProgress } from "../options/map_progress.ts";
import { barText } from "./bar_text.ts";
import type { BottomLines } from "./bottom_lines.ts";
import type { ProgressDisplay } from "./progress_display.ts";

/** The width of a terminal that doesn't report it. */
const USUAL_COLUMNS = 80;

/** Shows the progress of a map as a bar at the bottom of a terminal. */
export class TerminalBar implements ProgressDisplay {
  readonly #label: string;
  readonly #clear: boolean;
  readonly #lines: BottomLines;
  readonly #columns: () => number;

  /**
   * Constructs a bar that isn't shown yet.
   *
   * @param clear Whether it disappears at the end.
   * @param columns Returns the width of the terminal.
   */
  constructor(
    label: string,
    clear: boolean,
    lines: BottomLines,
    columns: () => number = terminalColumns,
  ) {
    this.#label = label;
    this.#clear = clear;
    this.#lines = lines;
    this.#columns = columns;
    lines.add(this);
  }

  show(progress: MapProgress): void {
    const hasEnded = progress.phase === "ended";
    if (hasEnded && this.#clear) return this.#lines.remove(this);
    const text = barText(this.#label, progress, this.#columns());
    if (hasEnded) this.#lines.remove(this, text);
    else this.#lines.set(this, text);
  }
}

function terminalColumns(): number {
  try {
    return Deno.consoleSize().columns || USUAL_COLUMNS;
  } catch {
    // The terminal was closed.
    return USUAL_COLUMNS;
  }
}
