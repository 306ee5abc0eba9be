/**
 * Finds where the debuggers of workers listen. Deno prints the addresses on
 * stderr, which is the first of the ways that `--inspect-publish-uid` offers,
 * and the only one that other users of a machine can't read. Only this file
 * reads it.
 *
 * @module
 */

import { concatBytes } from "../util/concat_bytes.ts";

/** How Deno announces a debugger. */
const ANNOUNCEMENT = "Debugger listening on ";

/** The lines that may follow, which say nothing about the worker. */
const NOTES: readonly string[] = [
  "Visit chrome://inspect to connect to the debugger.",
  "Deno is waiting for debugger to connect.",
];

const LINE_FEED = 10;

/** Takes the announcements of debuggers out of what workers print. */
export class DebuggerLines {
  /** Workers whose debuggers have been announced, and notes may follow. */
  readonly #noted = new Set<number>();
  /** Workers whose debuggers haven't been announced. */
  readonly #awaited = new Set<number>();

  /** Waits for the announcement of a worker. */
  expect(worker: number): void {
    this.#awaited.add(worker);
  }

  /** Forgets a worker. */
  forget(worker: number): void {
    this.#awaited.delete(worker);
    this.#noted.delete(worker);
  }

  /**
   * Takes whole lines of a worker's stderr.
   *
   * @param onAddress Called with the address of the debugger.
   * @returns The lines that aren't about the debugger.
   */
  take(
    worker: number,
    lines: Uint8Array,
    onAddress: (address: string) => void,
  ): Uint8Array {
    const kept: Uint8Array[] = [];
    let at = 0;
    while (at < lines.length && this.#isOpen(worker)) {
      const end = lines.indexOf(LINE_FEED, at) + 1 || lines.length;
      const bytes = lines.subarray(at, end);
      const line = new TextDecoder().decode(bytes).trimEnd();
      if (!this.#isTaken(worker, line, onAddress)) kept.push(bytes);
      at = end;
    }
    return concatBytes([...kept, lines.subarray(at)]);
  }

  #isOpen(worker: number): boolean {
    return this.#awaited.has(worker) || this.#noted.has(worker);
  }

  #isTaken(
    worker: number,
    line: string,
    onAddress: (address: string) => void,
  ): boolean {
    if (this.#noted.has(worker)) {
      if (NOTES.includes(line)) return true;
      this.#noted.delete(worker);
      return false;
    }
    const address = line.startsWith(ANNOUNCEMENT)
      ? line.slice(ANNOUNCEMENT.length)
      : "";
    if (!URL.canParse(address)) return false;
    this.#awaited.delete(worker);
    this.#noted.add(worker);
    onAddress(address);
    return true;
  }
}
