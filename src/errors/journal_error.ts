/** What a {@linkcode JournalError} knows besides its message. */
export interface JournalErrorOptions extends ErrorOptions {
  /** The index of the item that differs from the journal's. */
  readonly index?: number;
}

/**
 * Thrown by a map whose journal can't be used: it is the journal of another
 * task or of other items, another program uses it, the file isn't a journal, or
 * it can't be written. The message says how it differs, and what to do.
 *
 * @example Usage
 * ```ts
 * import { JournalError, Pool } from "@distex/pool";
 * import { assertEquals, assertRejects } from "@std/assert";
 *
 * const journal = await Deno.makeTempFile({ suffix: ".db" });
 * await using pool = new Pool(1);
 * const double = (x: number) => x * 2;
 * await pool.map(double, [1, 2], { journal }).toArray();
 * const error = await assertRejects(
 *   () => pool.map(double, [1, 3], { journal }).toArray(),
 *   JournalError,
 * );
 * assertEquals(error.index, 1);
 * await Deno.remove(journal);
 * ```
 */
export class JournalError extends Error {
  /** The path of the journal. */
  readonly path: string;
  /** The index of the item that differs from the journal's, if one does. */
  readonly index: number | undefined;

  /** Constructs the error. */
  constructor(
    path: string,
    message: string,
    options: JournalErrorOptions = {},
  ) {
    const { index, ...rest } = options;
    super(message, rest);
    this.name = "JournalError";
    this.path = path;
    this.index = index;
  }
}
