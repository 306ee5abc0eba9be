import { MapIterator } from "../map/map_iterator.ts";
import type { MapResults } from "../map/map_results.ts";
import {
  checkBoolean,
  checkNames,
  checkObject,
  checkString,
  wrongType,
} from "../options/option_checks.ts";
import { getEnv } from "../util/get_env.ts";
import { isNotebook } from "../util/is_notebook.ts";
import { bottomLines } from "./bottom_lines.ts";
import { NotebookDisplay } from "./notebook_display.ts";
import type { ProgressDisplay } from "./progress_display.ts";
import { ProgressLines } from "./progress_lines.ts";
import { TerminalBar } from "./terminal_bar.ts";

/**
 * The options of {@linkcode showProgress}.
 *
 * @example Usage
 * ```ts
 * import { Pool } from "@distex/pool";
 * import { type ProgressOptions, showProgress } from "@distex/pool/progress";
 * import { assertEquals } from "@std/assert";
 *
 * const options: ProgressOptions = { label: "Squares", clear: true };
 * await using pool = new Pool(2);
 * const squares = showProgress(pool.map((x: number) => x * x, [1, 2]), options);
 * assertEquals(await squares.toArray(), [1, 4]);
 * ```
 */
export interface ProgressOptions {
  /**
   * What the progress is about. The default is the name of the map's task.
   */
  readonly label?: string;
  /**
   * Whether the display is removed at the end. In a pipe, there is then no line
   * at the end.
   *
   * @default {false}
   */
  readonly clear?: boolean;
}

/**
 * Shows how far a map has come until it ends: how many of its items have ended,
 * how many of those have failed, how many end per second, and how long the
 * others will take.
 *
 * - If stderr is a terminal, it shows the bar of
 *   [`@std/cli`](https://jsr.io/@std/cli/doc/unstable-progress-bar) in the last
 *   line. What the workers, the pool and the program's `console` print appears
 *   above it.
 * - In a Jupyter notebook, it shows a display below the cell, and updates it.
 * - Otherwise it prints lines on stderr: one for each tenth of the items, but at
 *   most one per second and, while items run, at least one in 30 seconds, and one
 *   at the end.
 *
 * Several maps may be shown at the same time. Nothing is shown before the first
 * result is requested, or in the first tenth of a second.
 *
 * @example Usage
 * ```ts
 * import { Pool } from "@distex/pool";
 * import { showProgress } from "@distex/pool/progress";
 * import { assertEquals } from "@std/assert";
 *
 * await using pool = new Pool(2);
 * let sum = 0;
 * const squares = pool.map((x: number) => x * x, [1, 2, 3]);
 * for await (const square of showProgress(squares)) sum += square;
 * assertEquals(sum, 14);
 * ```
 *
 * @typeParam Results The type of the map.
 * @param map The results of {@linkcode TaskRunner.map}, which may be settled.
 * @param options The options.
 * @returns The same map.
 * @throws {TypeError} If `map` isn't the result of `map()`, or an option doesn't
 * exist or has the wrong type.
 */
export function showProgress<Results extends MapResults<unknown>>(
  map: Results,
  options: ProgressOptions = {},
): Results {
  if (!(map instanceof MapIterator)) {
    throw wrongType("map", map, "the result of map()");
  }
  checkObject("showProgress()", options);
  const { label = map.progress.task, clear = false } = options;
  checkNames("showProgress()", options, { label, clear });
  checkString("label", label);
  checkBoolean("clear", clear);
  const display = makeDisplay(label, clear);
  map.watch((progress) => display.show(progress));
  return map;
}

function makeDisplay(label: string, clear: boolean): ProgressDisplay {
  if (isNotebook) return new NotebookDisplay(label, clear);
  const hasBar = Deno.stderr.isTerminal() && getEnv("TERM") !== "dumb";
  return hasBar
    ? new TerminalBar(label, clear, bottomLines)
    : new ProgressLines(label, clear);
}
