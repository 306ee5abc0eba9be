/**
 * Stands in for `@std/cli/unstable-progress-bar`, which the npm package that
 * `deps.ts` uses doesn't have. It behaves as the original does.
 *
 * @module
 */

/** What a formatter gets. */
export interface ProgressBarFormatter {
  styledTime: string;
  styledData: string;
  progressBar: string;
  time: number;
  previousTime: number;
  value: number;
  previousValue: number;
  max: number;
}

/** The options of a {@linkcode ProgressBar}. */
export interface ProgressBarOptions {
  writable?: WritableStream<Uint8Array>;
  value?: number;
  max: number;
  barLength?: number;
  fillChar?: string;
  emptyChar?: string;
  clear?: boolean;
  formatter?: (formatter: ProgressBarFormatter) => string;
  keepOpen?: boolean;
  interval?: number;
}

type Style = Required<
  Pick<
    ProgressBarOptions,
    "barLength" | "fillChar" | "emptyChar" | "clear" | "formatter"
  >
>;

const CLEAR_LINE = "\r\u001b[K";

const UNITS = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "ZiB", "YiB"];

/** Prints how far something has come, and again at intervals. */
export class ProgressBar {
  value: number;
  max: number;
  readonly #style: Style;
  readonly #writer: WritableStreamDefaultWriter<string>;
  readonly #piped: Promise<void>;
  readonly #timer: ReturnType<typeof setInterval>;
  readonly #start = Date.now();
  #previousTime = 0;
  #previousValue: number;

  /** Constructs a bar and prints it. */
  constructor(options: ProgressBarOptions) {
    const {
      writable = Deno.stderr.writable,
      value = 0,
      max,
      barLength = 50,
      fillChar = "#",
      emptyChar = "-",
      clear = false,
      formatter = ({ styledTime, progressBar, styledData }) =>
        `[${styledTime}] [${progressBar}] [${styledData}]`,
      keepOpen = true,
      interval = 1_000,
    } = options;
    this.value = value;
    this.max = max;
    this.#previousValue = value;
    this.#style = { barLength, fillChar, emptyChar, clear, formatter };
    const { readable, writable: texts } = new TextEncoderStream();
    this.#piped = readable.pipeTo(writable, { preventClose: keepOpen })
      .catch(() => clearInterval(this.#timer));
    this.#writer = texts.getWriter();
    this.#timer = setInterval(() => this.#print(), interval);
    this.#print();
  }

  /** Prints the bar for the last time, or clears it. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    try {
      if (this.#style.clear) {
        await this.#writer.write(CLEAR_LINE);
      } else {
        await this.#print();
        await this.#writer.write("\n");
      }
      await this.#writer.close();
      await this.#piped;
    } catch {
      // Nobody reads the stream any more.
    }
  }

  async #print(): Promise<void> {
    const state = this.#state();
    const text = this.#style.formatter(state);
    try {
      await this.#writer.write(CLEAR_LINE + text);
    } catch {
      // Nobody reads the stream any more.
    }
    this.#previousTime = state.time;
    this.#previousValue = state.value;
  }

  #state(): ProgressBarFormatter {
    const { value, max } = this;
    const { barLength, fillChar, emptyChar } = this.#style;
    const time = Date.now() - this.#start;
    const share = Math.min(Math.max(value / max, 0), 1);
    const filled = Math.trunc(share * barLength);
    return {
      styledTime: `${twoDigits(time / 60_000)}:${twoDigits(time / 1_000 % 60)}`,
      styledData: styledData(value, max),
      progressBar: fillChar.repeat(filled) +
        emptyChar.repeat(barLength - filled),
      time,
      previousTime: this.#previousTime,
      value,
      previousValue: this.#previousValue,
      max,
    };
  }
}

function twoDigits(number: number): string {
  return String(Math.trunc(number)).padStart(2, "0");
}

function styledData(value: number, max: number): string {
  const index = UNITS.findLastIndex((_, index) =>
    2 ** (10 * (index + 1)) <= max
  );
  const power = Math.max(index, 0);
  const rate = 2 ** (10 * (power + 1));
  const text = (bytes: number) => (bytes / rate).toFixed(2);
  return `${text(value)}/${text(max)} ${UNITS[power]}`;
}
