import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { JournalOptions } from "./journal_options.ts";
import {
  checkChoice,
  checkNames,
  checkObject,
  checkString,
  wrongType,
  wrongValue,
} from "./option_checks.ts";

/** The options of a journal, checked and with the defaults. */
export interface JournalSettings {
  /** The absolute path of the file. */
  readonly path: string;
  /** See {@linkcode JournalOptions.failed}. */
  readonly failed: "retry" | "keep";
  /** See {@linkcode JournalOptions.task}. */
  readonly task: string | undefined;
}

/**
 * Checks the option `journal` of a map, and fills in the defaults.
 *
 * @throws {TypeError} If it, or an option in it, doesn't exist or has the wrong
 * type.
 * @throws {RangeError} If an option is out of range.
 */
export function journalSettings(
  journal: string | URL | JournalOptions,
): JournalSettings {
  if (typeof journal === "string" || journal instanceof URL) {
    const path = absolutePath("journal", journal);
    return { path, failed: "retry", task: undefined };
  }
  if (typeof journal !== "object" || journal === null) {
    throw wrongType(
      "journal",
      journal,
      "a path, a file: URL or an object with a 'path'",
    );
  }
  checkObject("the journal", journal);
  const { path, failed = "retry", task } = journal;
  checkNames("The journal", journal, { path, failed, task });
  checkChoice("journal.failed", failed, ["retry", "keep"]);
  checkString("journal.task", task);
  return { path: absolutePath("journal.path", path), failed, task };
}

function absolutePath(name: string, path: unknown): string {
  if (path instanceof URL) {
    if (path.protocol !== "file:") {
      throw wrongValue(name, path.href, "a path or a file: URL");
    }
    return fileURLToPath(path);
  }
  if (typeof path !== "string") {
    throw wrongType(name, path, "a path or a file: URL");
  }
  if (path === "") throw wrongValue(name, path, "the path of a file");
  return resolve(path);
}
