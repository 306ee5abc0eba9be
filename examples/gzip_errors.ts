/**
 * What can go wrong in the gzip example, in words.
 *
 * @module
 */

/** An error that is the user's to mend: told in a line, without a stack. */
export class UserError extends Error {
  override name = "UserError";
}

/** Why files or folders couldn't be read or packed, by their paths. */
export type Failures = Map<string, string>;

/** Says in a few words why a file or folder couldn't be read or written. */
export function reasonOf(error: unknown): string {
  if (error instanceof Deno.errors.NotFound) return "not found";
  if (error instanceof Deno.errors.PermissionDenied) return "permission denied";
  return error instanceof Error ? error.message : String(error);
}

/** Tells of failures on standard error, a line for each. */
export function reportFailures(failures: Failures): void {
  if (failures.size === 0) return;
  console.error(`error: Not packed, ${failures.size} in all:`);
  for (const [path, reason] of failures) {
    // Quoted, as a name can have line breaks and the like.
    console.error(`  ${JSON.stringify(path)}: ${reason}`);
  }
}
