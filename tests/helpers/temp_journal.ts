import { DatabaseSync } from "node:sqlite";

/** A row of a journal's table of items. */
export interface JournalRow {
  readonly item?: number;
  readonly key?: string;
  readonly error: string | null;
}

/** A folder for a journal, which is removed at the end of a block. */
export class TempJournal implements Disposable {
  /** The folder. */
  readonly folder: string = Deno.makeTempDirSync({ prefix: "distex-journal-" });

  /** The path of the journal, which doesn't exist at first. */
  get path(): string {
    return `${this.folder}/run.db`;
  }

  /** Runs statements in the journal, which nobody else uses. */
  exec(sql: string): void {
    using database = new DatabaseSync(this.path);
    database.exec(sql);
  }

  /** The rows of the items. */
  get rows(): JournalRow[] {
    using database = new DatabaseSync(this.path);
    return database.prepare("SELECT * FROM items")
      .all() as unknown as JournalRow[];
  }

  /** The names of the files in the folder. */
  get files(): string[] {
    return [...Deno.readDirSync(this.folder)].map(({ name }) => name).sort();
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.folder, { recursive: true });
  }
}
