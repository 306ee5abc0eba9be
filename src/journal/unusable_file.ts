import { JournalError } from "../errors/journal_error.ts";

/** Makes the error for a file that can't be opened, read or written. */
export function unusableFile(path: string, cause: unknown): JournalError {
  const problem = cause instanceof Error ? cause.message : String(cause);
  return new JournalError(
    path,
    `The journal '${path}' can't be used: ${problem}; ${wayOut(path, cause)}`,
    { cause },
  );
}

function wayOut(path: string, cause: unknown): string {
  if (cause instanceof Deno.errors.NotCapable) {
    const files = `${path},${path}-lock`;
    return `it needs the permissions --allow-read=${files} and --allow-write=${files}`;
  }
  if (cause instanceof Deno.errors.NotFound) return "make its folder first";
  if (isSqliteError(cause)) {
    return "once that is solved, the same map goes on after what was recorded";
  }
  return "choose a file in a folder that this program may write to";
}

function isSqliteError(cause: unknown): boolean {
  return cause instanceof Error && "code" in cause &&
    cause.code === "ERR_SQLITE_ERROR";
}
