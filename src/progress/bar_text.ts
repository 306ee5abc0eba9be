import { ProgressBar } from "@std/cli/unstable-progress-bar";
import type { MapProgress } from "../options/map_progress.ts";
import { fitted, widthOf } from "./fitted.ts";
import { percentage, progressText } from "./progress_text.ts";

/** The most columns that a label takes. */
const MAX_LABEL = 30;

/** The fewest and the most columns that a bar takes. */
const MIN_BAR = 8;
const MAX_BAR = 40;

/**
 * Draws a line with a bar.
 *
 * @param label What the bar is about.
 * @param columns The width of the terminal.
 * @returns The line, which is shorter than that.
 */
export function barText(
  label: string,
  progress: MapProgress,
  columns: number,
): string {
  const { total, done, failed } = progress;
  const name = fitted(label, Math.min(MAX_LABEL, Math.floor(columns / 3)));
  const text = progressText(progress);
  if (total === undefined) return fitted(`${name} ${text}`, columns - 1);
  const before = `${name} ${percentage(progress)}`;
  const used = widthOf(before) + text.length + " [] ".length;
  const room = columns - 1 - used;
  if (room < MIN_BAR) return fitted(`${before} ${text}`, columns - 1);
  const bar = drawBar(done + failed, total, Math.min(room, MAX_BAR));
  return `${before} [${bar}] ${text}`;
}

/**
 * Draws a bar.
 *
 * A bar of `@std/cli` has a timer, which would keep a program alive that doesn't
 * read its map to the end, and prints later than it is told to, so other output
 * could come in between. Therefore each bar here prints nowhere and is stopped
 * at once: only what its formatter gets is used.
 */
function drawBar(value: number, max: number, barLength: number): string {
  let drawn = "";
  const bar = new ProgressBar({
    value: max === 0 ? 1 : value,
    max: max === 0 ? 1 : max,
    barLength,
    writable: new WritableStream(),
    clear: true,
    formatter: ({ progressBar }) => drawn = progressBar,
  });
  // This never rejects.
  bar.stop();
  return drawn;
}
