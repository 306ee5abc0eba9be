import { readStderrTail } from "../../spawner/stderr_tail.ts";

/** How much of a file is read, in bytes. */
const TAIL_LENGTH = 4_096;

/**
 * Reads the end of the output of an agent or a job.
 *
 * @returns The text; empty if there is no such file.
 */
export async function readOutput(path: string): Promise<string> {
  try {
    using file = await Deno.open(path);
    const { size } = await file.stat();
    const tail = new Uint8Array(Math.min(size, TAIL_LENGTH));
    await file.seek(-tail.length, Deno.SeekMode.End);
    const length = await file.read(tail) ?? 0;
    return await readStderrTail(tail.subarray(0, length));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "";
    throw error;
  }
}
