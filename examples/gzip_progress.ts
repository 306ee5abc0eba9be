/**
 * Shows the progress of the gzip example.
 *
 * @module
 */

/** The shortest time between two updates of a terminal, in milliseconds. */
const TERMINAL_INTERVAL = 50;

/** The percentage of bytes between two lines in a pipe. */
const PIPE_STEP = 10;

/** The width of the bar on a terminal, in characters. */
const BAR_WIDTH = 30;

/** The width of the label before the bar, in characters. */
const LABEL_WIDTH = 12;

const CYAN = "\x1b[36m";
const RESET = "\x1b[39m";

/**
 * Shows progress on standard output: on a terminal as a bar that is redrawn in
 * place, in a pipe or a file as a plain line for each tenth of the bytes.
 */
export class Progress implements Disposable {
  readonly #label: string;
  readonly #total: number;
  readonly #start = performance.now();
  readonly #isTerminal = Deno.stdout.isTerminal();
  #nextTime = 0;
  #nextPercent = PIPE_STEP;
  #drawnWidth = 0;

  /** Starts the clock; `total` is the number of bytes to pack. */
  constructor(label: string, total: number) {
    this.#label = label;
    this.#total = total;
  }

  /** The seconds since the start. */
  get seconds(): number {
    return (performance.now() - this.#start) / 1000;
  }

  /** Shows that so many bytes have been packed, if it is time to. */
  update(bytes: number): void {
    const percent = Math.floor(100 * bytes / Math.max(1, this.#total));
    const rest = `${`${percent} %`.padStart(5)}, ${
      formatRate(bytes, this.seconds)
    }`;
    if (this.#isTerminal) {
      const now = performance.now();
      if (now < this.#nextTime) return;
      this.#nextTime = now + TERMINAL_INTERVAL;
      this.#draw(percent, rest);
    } else if (percent >= this.#nextPercent) {
      this.#nextPercent = percent - percent % PIPE_STEP + PIPE_STEP;
      console.log(`${this.#label}: ${rest.trimStart()}`);
    }
  }

  /** Clears the line on a terminal. */
  [Symbol.dispose](): void {
    if (this.#drawnWidth > 0) write(`\r${" ".repeat(this.#drawnWidth)}\r`);
  }

  #draw(percent: number, rest: string): void {
    // A terminal that doesn't know its width reports 0.
    const columns = (Deno.consoleSize().columns || 80) - 1;
    const label = this.#label.padEnd(LABEL_WIDTH);
    const room = columns - label.length - rest.length - 1;
    const width = Math.max(0, Math.min(BAR_WIDTH, room));
    const filled = Math.min(width, Math.round(width * percent / 100));
    const bar = "█".repeat(filled) + "░".repeat(width - filled);
    const [before, after] = Deno.noColor ? ["", ""] : [CYAN, RESET];
    const text = `${label}${before}${bar}${after} ${rest}`;
    // A line that is too long would wrap, and couldn't be redrawn.
    const drawn = room < 0 ? rest.slice(0, columns) : text;
    const drawnWidth = room < 0
      ? drawn.length
      : label.length + width + 1 + rest.length;
    write(
      `\r${drawn}${" ".repeat(Math.max(0, this.#drawnWidth - drawnWidth))}`,
    );
    this.#drawnWidth = drawnWidth;
  }
}

function write(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(text));
}

/** Formats a size: `"1.5 MB"`. */
export function formatBytes(bytes: number): string {
  if (bytes < 1e3) return `${bytes} B`;
  if (bytes < 1e6) return `${(bytes / 1e3).toFixed(1)} kB`;
  if (bytes < 1e9) return `${(bytes / 1e6).toFixed(1)} MB`;
  return `${(bytes / 1e9).toFixed(2)} GB`;
}

/** Formats a rate: `"12.3 MB/s"`. */
export function formatRate(bytes: number, seconds: number): string {
  return `${(bytes / 1e6 / seconds).toFixed(1)} MB/s`;
}
