/**
 * The options of a map's journal.
 *
 * @example Usage
 * ```ts
 * import { type JournalOptions, Pool } from "@distex/pool";
 * import { assertEquals } from "@std/assert";
 *
 * const journal: JournalOptions = {
 *   path: await Deno.makeTempFile({ suffix: ".db" }),
 *   failed: "keep",
 *   task: "square",
 * };
 * await using pool = new Pool(1);
 * const squares = pool.map((x: number) => x * x, [2, 3], { journal });
 * assertEquals(await squares.toArray(), [4, 9]);
 * await Deno.remove(journal.path);
 * ```
 */
export interface JournalOptions {
  /** The path of the file, or its `file:` URL. It is made if it doesn't exist. */
  readonly path: string | URL;
  /**
   * What happens to items whose task has thrown in an earlier run: they run
   * again, or their error is kept and thrown again. Items whose worker was lost,
   * or that were cancelled, run again in any case.
   *
   * @default {"retry"}
   */
  readonly failed?: "retry" | "keep";
  /**
   * A name for the task. The journal then belongs to the task of this name,
   * whatever its source, its module and its bound arguments are, so a function
   * that was fixed can go on. By default, it is the name that errors show, and
   * the source of an inline function, the URL of a module and bound arguments
   * must be the same in each run.
   */
  readonly task?: string;
}
