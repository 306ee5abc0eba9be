/**
 * Shows how far the gzip example has come.
 *
 * @module
 */

import type { Survey } from "./gzip_files.ts";

/** The least time between two updates of a terminal, in milliseconds. */
const TERMINAL_INTERVAL = 50;

/** How much is packed between two lines that go elsewhere, in percent. */
const PIPE_STEP = 10;

/**
 * Shows progress on standard output: on a terminal as one line that is
 * rewritten in place, otherwise as a plain line for each tenth of the bytes.
 */
export class Progress implements Disposable {
  readonly #label: string;
  readonly #total: Survey;
  readonly #start = performance.now();
  readonly #isTerminal = Deno.stdout.isTerminal();
  #nextTime = 0;
  #nextPercent = PIPE_STEP;
  #shownLength = 0;

  /** Begins to measure the time; `total` is what there is to do. */
  constructor(label: string, total: Survey) {
    this.#label = label;
    this.#total = total;
  }

  /** How long it has taken until now. */
  get seconds(): number {
    return (performance.now() - this.#start) / 1000;
  }

  /** Shows what was done until now, if it's time to. */
  update(files: number, bytes: number): void {
    const percent = Math.floor(100 * bytes / Math.max(1, this.#total.bytes));
    if (this.#isTerminal) {
      const now = performance.now();
      if (now < this.#nextTime) return;
      this.#nextTime = now + TERMINAL_INTERVAL;
      this.#rewrite(this.#line(percent, files, bytes));
    } else if (percent >= this.#nextPercent) {
      this.#nextPercent = percent - percent % PIPE_STEP + PIPE_STEP;
      console.log(this.#line(percent, files, bytes));
    }
  }

  /** Leaves no trace on a terminal. */
  [Symbol.dispose](): void {
    if (this.#shownLength > 0) this.#rewrite("");
  }

  #line(percent: number, files: number, bytes: number): string {
    return [
      `${this.#label}: ${percent} %`,
      `${files} of ${this.#total.files} files`,
      `${formatBytes(bytes)} of ${formatBytes(this.#total.bytes)}`,
      formatRate(bytes, this.seconds),
    ].join(", ");
  }

  #rewrite(line: string): void {
    // In a line that wraps, \r leads back to its last part only. A terminal
    // that doesn't know its width gives 0.
    const text = line.slice(0, (Deno.consoleSize().columns || 80) - 1);
    const rest = " ".repeat(Math.max(0, this.#shownLength - text.length));
    const shown = Deno.noColor ? text : `\x1b[36m${text}\x1b[0m`;
    Deno.stdout.writeSync(new TextEncoder().encode(`\r${shown}${rest}\r`));
    this.#shownLength = text.length;
  }
}

/** Formats a size: `"1.5 MB"`. */
export function formatBytes(bytes: number): string {
  if (bytes < 1e3) return `${bytes} B`;
  if (bytes < 1e6) return `${(bytes / 1e3).toFixed(1)} kB`;
  if (bytes < 1e9) return `${(bytes / 1e6).toFixed(1)} MB`;
  return `${(bytes / 1e9).toFixed(2)} GB`;
}

/** Formats a speed: `"12.3 MB/s"`. */
export function formatRate(bytes: number, seconds: number): string {
  return `${(bytes / 1e6 / seconds).toFixed(1)} MB/s`;
}
