import type { DatabaseSync, StatementSync } from "node:sqlite";
import { JournalError } from "../errors/journal_error.ts";
import { type JournalHeader, PACKAGE } from "./journal_header.ts";
import { JournalLock } from "./journal_lock.ts";
import { unusableFile } from "./unusable_file.ts";

/** Marks SQLite files that are journals: "dstx". */
const APPLICATION_ID = 0x64737478;

/** The version of the tables. */
const FORMAT = 1;

/** How an SQLite file begins. */
const MAGIC = "SQLite format 3\0";

/** How many rows are inserted at once, which is faster than one by one. */
const ROWS_AT_ONCE = 16;

/** How long to wait for another program that writes, in milliseconds. */
const BUSY_TIMEOUT = 5_000;

/** What identifies an item: its index, or its key. */
export type ItemId = number | string;

/** A finished item to write. */
export interface NewRow {
  readonly id: ItemId;
  /** The digest of the item, unless it has a key. */
  readonly digest: Uint8Array | undefined;
  /** The error in short, if the item has failed. */
  readonly error: string | null;
  /** The encoded result or error. */
  readonly value: Uint8Array;
}

/** A finished item that was read. */
export interface Row {
  readonly digest: Uint8Array | undefined;
  readonly error: string | null;
  readonly value: Uint8Array<ArrayBuffer>;
}

/** The SQLite file of a journal, which nobody else writes. */
export class JournalFile implements Disposable {
  /** The header of the journal before it was opened; `undefined` if it is new. */
  readonly kept: JournalHeader | undefined;
  /** The path, without symbolic links. */
  readonly path: string;
  readonly #lock: JournalLock;
  readonly #database: DatabaseSync;
  /** Whether items are known by keys. */
  readonly #hasKeys: boolean;
  readonly #insert: StatementSync;
  readonly #insertMany: StatementSync;
  readonly #find: StatementSync;

  private constructor(
    path: string,
    lock: JournalLock,
    database: DatabaseSync,
    header: JournalHeader,
  ) {
    this.path = path;
    this.#lock = lock;
    this.#database = database;
    this.kept = readHeader(path, database);
    // Only now it is known that the file is no other program's.
    database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL");
    if (this.kept === undefined) makeTables(database, header);
    this.#hasKeys = (this.kept ?? header).items === "key";
    const columns = this.#hasKeys ? ["key"] : ["item", "digest"];
    const all = [...columns, "error", "value"];
    this.#insert = database.prepare(insertion(all, 1));
    this.#insertMany = database.prepare(insertion(all, ROWS_AT_ONCE));
    this.#find = database.prepare(
      `SELECT ${all.slice(1).join(", ")} FROM items WHERE ${columns[0]} = ?`,
    );
  }

  /**
   * Opens a journal; makes it if the file doesn't exist or is empty.
   *
   * @param path An absolute path.
   * @param header What a new journal keeps.
   * @throws {JournalError} If it is in use, isn't a journal, or can't be used.
   */
  static async open(path: string, header: JournalHeader): Promise<JournalFile> {
    path = resolveLinks(path);
    const lock = JournalLock.take(path);
    let database: DatabaseSync | undefined;
    try {
      checkMagic(path);
      // Only programs with a journal pay for loading it.
      const { DatabaseSync } = await import("node:sqlite");
      database = new DatabaseSync(path, { timeout: BUSY_TIMEOUT });
      return new JournalFile(path, lock, database, header);
    } catch (error) {
      database?.close();
      lock[Symbol.dispose]();
      throw error instanceof JournalError ? error : unusableFile(path, error);
    }
  }

  /**
   * The greatest index of an item; if items have keys, `Infinity`. -1 if there
   * are none.
   *
   * @throws {JournalError} If the file is damaged.
   */
  get last(): number {
    try {
      const { last } = this.#database.prepare(
        this.#hasKeys
          ? "SELECT 9e999 AS last FROM items LIMIT 1"
          : "SELECT max(item) AS last FROM items",
      ).get() as { last: number | null } | undefined ?? { last: null };
      return last ?? -1;
    } catch (error) {
      throw unusableFile(this.path, error);
    }
  }

  /** Replaces the header. */
  setHeader(header: JournalHeader): void {
    this.#transact(() => writeHeader(this.#database, header));
  }

  /** Returns the row of an item, if there is one. */
  find(id: ItemId): Row | undefined {
    try {
      return this.#find.get(id) as Row | undefined;
    } catch (error) {
      throw unusableFile(this.path, error);
    }
  }

  /**
   * Writes rows in one transaction; each replaces an earlier one of its item.
   *
   * @throws {JournalError} If they can't be written, such as on a full disk.
   * Then none of them is.
   */
  write(rows: readonly NewRow[]): void {
    this.#transact(() => {
      let at = 0;
      for (; at + ROWS_AT_ONCE <= rows.length; at += ROWS_AT_ONCE) {
        this.#insertMany.run(...parametersOf(rows, at, at + ROWS_AT_ONCE));
      }
      for (; at < rows.length; at++) {
        this.#insert.run(...parametersOf(rows, at, at + 1));
      }
    });
  }

  /** Makes the disk keep what was written, even if the machine loses power. */
  sync(): void {
    try {
      this.#database.exec("PRAGMA wal_checkpoint(PASSIVE)");
    } catch (error) {
      throw unusableFile(this.path, error);
    }
  }

  /** Closes the file. */
  [Symbol.dispose](): void {
    this.#database.close();
    this.#lock[Symbol.dispose]();
  }

  #transact(action: () => void): void {
    const database = this.#database;
    try {
      database.exec("BEGIN IMMEDIATE");
      try {
        action();
        database.exec("COMMIT");
      } catch (error) {
        // SQLite itself has rolled back after some errors.
        if (database.isTransaction) database.exec("ROLLBACK");
        throw error;
      }
    } catch (error) {
      throw unusableFile(this.path, error);
    }
  }
}

/** Returns a statement that inserts rows. */
function insertion(columns: readonly string[], rows: number): string {
  const row = `(${columns.map(() => "?").join(", ")})`;
  const values = new Array<string>(rows).fill(row).join(", ");
  return `INSERT OR REPLACE INTO items (${
    columns.join(", ")
  }) VALUES ${values}`;
}

/** Returns the values of rows, one row after the other. */
function parametersOf(
  rows: readonly NewRow[],
  start: number,
  end: number,
): (ItemId | Uint8Array | null)[] {
  const parameters: (ItemId | Uint8Array | null)[] = [];
  for (let at = start; at < end; at++) {
    const { id, digest, error, value } = rows[at]!;
    parameters.push(id);
    if (digest !== undefined) parameters.push(digest);
    parameters.push(error, value);
  }
  return parameters;
}

/** Returns the file that a path leads to: its lock must be beside it. */
function resolveLinks(path: string): string {
  try {
    return Deno.realPathSync(path);
  } catch {
    // It doesn't exist, or opening it will fail.
    return path;
  }
}

/** Checks that a file is one of SQLite's, is empty, or doesn't exist. */
function checkMagic(path: string): void {
  const start = new Uint8Array(MAGIC.length);
  let length: number | null;
  try {
    using file = Deno.openSync(path);
    length = file.readSync(start);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return;
    throw error;
  }
  if (length === null || length === 0) return;
  if (new TextDecoder().decode(start) !== MAGIC) {
    throw foreign(path, "is no SQLite database");
  }
}

/**
 * Reads the header of a journal.
 *
 * @returns The header; `undefined` if the file is empty.
 * @throws {JournalError} If the file is another program's, or too new.
 */
function readHeader(
  path: string,
  database: DatabaseSync,
): JournalHeader | undefined {
  const id = readPragma(database, "application_id");
  if (id !== APPLICATION_ID) {
    const { tables } = database
      .prepare("SELECT count(*) AS tables FROM sqlite_schema").get() as {
        tables: number;
      };
    if (id !== 0 || tables > 0) {
      throw foreign(path, "is the SQLite database of another program");
    }
    return undefined;
  }
  const format = readPragma(database, "user_version");
  if (format !== FORMAT) {
    throw new JournalError(
      path,
      `The journal '${path}' has format ${format}, but this version of ${PACKAGE} knows only format ${FORMAT}: use the version that made it, or choose another file`,
    );
  }
  const rows = database.prepare("SELECT name, value FROM journal").all() as {
    name: string;
    value: string;
  }[];
  const entries = rows.map(({ name, value }) => [name, JSON.parse(value)]);
  return Object.fromEntries(entries) as JournalHeader;
}

function foreign(path: string, problem: string): JournalError {
  return new JournalError(
    path,
    `The file '${path}' ${problem}, not a journal: choose another file`,
  );
}

function readPragma(database: DatabaseSync, name: string): number {
  const row = database.prepare(`PRAGMA ${name}`).get() as Record<
    string,
    number
  >;
  return row[name]!;
}

function makeTables(database: DatabaseSync, header: JournalHeader): void {
  const columns = header.items === "key"
    ? "key TEXT PRIMARY KEY NOT NULL"
    : "item INTEGER PRIMARY KEY, digest BLOB NOT NULL";
  database.exec("BEGIN IMMEDIATE");
  database.exec(`
    PRAGMA application_id = ${APPLICATION_ID};
    PRAGMA user_version = ${FORMAT};
    CREATE TABLE journal (name TEXT PRIMARY KEY, value TEXT NOT NULL);
    CREATE TABLE items (${columns}, error TEXT, value BLOB NOT NULL);
  `);
  writeHeader(database, header);
  database.exec("COMMIT");
}

function writeHeader(database: DatabaseSync, header: JournalHeader): void {
  const insert = database.prepare(
    "INSERT OR REPLACE INTO journal (name, value) VALUES (?, ?)",
  );
  for (const [name, value] of Object.entries(header)) {
    insert.run(name, JSON.stringify(value));
  }
}
