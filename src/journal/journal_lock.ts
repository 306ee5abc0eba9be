import { JournalError } from "../errors/journal_error.ts";
import { unusableFile } from "./unusable_file.ts";

/**
 * Keeps other programs, and other maps of this one, from using a journal. The
 * operating system gives the lock up when the process ends, however it ends.
 *
 * The lock is on a file of its own: closing any handle of a database file would
 * drop the locks that SQLite has on it.
 */
export class JournalLock implements Disposable {
  readonly #path: string;
  readonly #file: Deno.FsFile;

  private constructor(path: string, file: Deno.FsFile) {
    this.#path = path;
    this.#file = file;
  }

  /**
   * Locks a journal.
   *
   * @throws {JournalError} If it is in use, or the lock's file can't be written.
   */
  static take(journal: string): JournalLock {
    const path = `${journal}-lock`;
    for (;;) {
      const file = openFile(journal, path);
      try {
        if (!file.tryLockSync(true)) throw inUse(journal, path);
        if (isAt(file, path)) {
          writeOwner(file);
          return new JournalLock(path, file);
        }
      } catch (error) {
        file.close();
        throw error;
      }
      // Its owner has removed it since it was opened.
      file.close();
    }
  }

  /** Gives the lock up. */
  [Symbol.dispose](): void {
    try {
      Deno.removeSync(this.#path);
    } catch {
      // A file without a lock does no harm.
    }
    this.#file.close();
  }
}

function openFile(journal: string, path: string): Deno.FsFile {
  try {
    return Deno.openSync(path, { read: true, write: true, create: true });
  } catch (error) {
    throw unusableFile(journal, error);
  }
}

/** Returns whether a path still leads to an open file. */
function isAt(file: Deno.FsFile, path: string): boolean {
  try {
    return Deno.statSync(path).ino === file.statSync().ino;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

function writeOwner(file: Deno.FsFile): void {
  file.truncateSync();
  file.writeSync(new TextEncoder().encode(`${Deno.pid}\n`));
}

function inUse(journal: string, path: string): JournalError {
  const pid = readOwner(path);
  const user = pid === undefined
    ? "another program"
    : pid === Deno.pid
    ? "another map of this program"
    : `the process ${pid}`;
  return new JournalError(
    journal,
    `The journal '${journal}' is in use by ${user}: wait until that has ended, or choose another file`,
  );
}

/** Returns the process that has the lock, if that can be read. */
function readOwner(path: string): number | undefined {
  try {
    const pid = Number(Deno.readTextFileSync(path));
    return pid > 0 ? pid : undefined;
  } catch {
    return undefined;
  }
}
