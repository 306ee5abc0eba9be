/**
 * Shows how far a map has come: as a bar on a terminal, in lines in a pipe, and
 * as a display in a Jupyter notebook.
 *
 * @example Usage
 * ```ts
 * import { Pool } from "@distex/pool";
 * import { showProgress } from "@distex/pool/progress";
 * import { assertEquals } from "@std/assert";
 *
 * await using pool = new Pool(2);
 * const squares = pool.map((x: number) => x * x, [1, 2, 3]);
 * assertEquals(await showProgress(squares).toArray(), [1, 4, 9]);
 * ```
 *
 * @module
 */

export {
  type ProgressOptions,
  showProgress,
} from "./src/progress/show_progress.ts";
