/**
 * Errors and their messages in the gzip example.
 *
 * @module
 */

/** An error that the user can fix; it is shown without a stack. */
export class UserError extends Error {
  override name = "UserError";
}

/** The reason why each file or folder couldn't be read or packed, by path. */
export type Failures = Map<string, string>;

/** Explains in a few words why a file or folder couldn't be read or written. */
export function reasonOf(error: unknown): string {
  if (error instanceof Deno.errors.NotFound) return "not found";
  if (error instanceof Deno.errors.PermissionDenied) return "permission denied";
  return error instanceof Error ? error.message : String(error);
}

/** Prints failures to standard error, one per line. */
export function reportFailures(failures: Failures): void {
  if (failures.size === 0) return;
  console.error(`error: Could not pack everything; ${failures.size} failed:`);
  for (const [path, reason] of failures) {
    // JSON quotes line breaks and other control characters in names.
    console.error(`  ${JSON.stringify(path)}: ${reason}`);
  }
}
