import type { LaunchFile, PlannedFile } from "./launcher.ts";

/** Longer texts are left out of plans: nobody reads the pool's program there. */
const MAX_LENGTH = 4_096;

/**
 * Returns the text of a file as a plan shows it: without secrets and the
 * pool's program.
 */
export function plannedText({ text, isSecret }: LaunchFile): string {
  if (isSecret) return "(secret)";
  return text.length > MAX_LENGTH ? `(${text.length} characters)` : text;
}

/**
 * Returns the files that a pool writes into a folder.
 *
 * @param folder The folder, which the agents' machines share.
 */
export function planFiles(
  folder: string,
  files: readonly LaunchFile[],
): PlannedFile[] {
  return files.map((file) => ({
    path: `${folder}/${file.name}`,
    mode: file.isSecret ? 0o600 : 0o644,
    text: plannedText(file),
  }));
}
