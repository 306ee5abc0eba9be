import { ReportError } from "./reports.ts";

/**
 * Runs a program. If its options or the files that it reads are wrong, this
 * prints why, and ends the process with exit code 1.
 */
export async function runOrExit(program: () => Promise<void>): Promise<void> {
  try {
    await program();
  } catch (error) {
    if (!(error instanceof TypeError || error instanceof ReportError)) {
      throw error;
    }
    console.error(`error: ${error.message}`);
    Deno.exit(1);
  }
}
