import { hookOutput, type OutputListener } from "./output_hooks.ts";

/** Clears the line of the cursor, and moves to its start. */
const CLEAR_LINE = "\r\u001b[K";

/** Moves to the line above. */
const LINE_UP = "\u001b[A";

/** The bottom of a terminal. */
export interface Terminal {
  /** Writes a text at the cursor. */
  write(text: string): void;
  /**
   * Listens to what else is printed there.
   *
   * @returns A function that ends that.
   */
  listen(listener: OutputListener): () => void;
}

/**
 * Lines at the bottom of a terminal, which stay there: what the program prints
 * meanwhile appears above them. It neither hides the cursor nor changes how the
 * terminal works, so nothing must be restored if the program is killed.
 */
export class BottomLines implements OutputListener {
  readonly #terminal: Terminal;
  /** The lines, by their owners; `""` for those that have none yet. */
  readonly #lines = new Map<object, string>();
  /** How many lines are on the terminal. */
  #drawn = 0;
  /** How many functions print at the moment. */
  #printing = 0;
  /** Whether something was printed that isn't a whole line yet. */
  #isMidLine = false;
  #unlisten: (() => void) | undefined;

  /** Constructs it without lines. */
  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  /**
   * Adds an owner without a line. The terminal is listened to from now on: a
   * function that prints may be looked up long before it is called.
   */
  add(owner: object): void {
    this.#lines.set(owner, "");
    this.#unlisten ??= this.#terminal.listen(this);
  }

  /** Sets the line of an owner. */
  set(owner: object, line: string): void {
    this.#lines.set(owner, line);
    this.#update();
  }

  /**
   * Removes an owner and its line.
   *
   * @param last A line to print in its place, above those that stay.
   */
  remove(owner: object, last?: string): void {
    this.#lines.delete(owner);
    const start = this.#isMidLine ? "\r\n" : "";
    this.#update(last === undefined ? "" : `${start}${last}\r\n`);
    if (this.#lines.size === 0) this.#end();
  }

  before(): void {
    if (this.#printing++ === 0) this.#update();
  }

  after(endsLine: boolean): void {
    this.#isMidLine = !endsLine;
    if (--this.#printing === 0) this.#update();
  }

  /** Leaves the lines where they are, because the program ends. */
  leave(): void {
    if (this.#drawn > 0) this.#terminal.write("\r\n");
    this.#drawn = 0;
    this.#lines.clear();
    this.#end();
  }

  /** Clears the lines, for a message about an error that nobody has caught. */
  clear(): void {
    if (this.#drawn > 0) this.#terminal.write(this.#erase());
  }

  /** Clears the lines, prints a text and draws the lines, if they may appear. */
  #update(text = ""): void {
    const erased = this.#erase();
    if (text !== "") this.#isMidLine = false;
    const output = erased + text + this.#draw();
    if (output !== "") this.#terminal.write(output);
  }

  #erase(): string {
    if (this.#drawn === 0) return "";
    const above = `${LINE_UP}${CLEAR_LINE}`.repeat(this.#drawn - 1);
    this.#drawn = 0;
    return CLEAR_LINE + above;
  }

  #draw(): string {
    if (this.#printing > 0 || this.#isMidLine) return "";
    const lines = [...this.#lines.values()].filter((line) => line !== "");
    this.#drawn = lines.length;
    return lines.join("\r\n");
  }

  #end(): void {
    this.#unlisten?.();
    this.#unlisten = undefined;
    this.#isMidLine = false;
  }
}

/** The lines at the bottom of the terminal that this program's stderr is. */
export const bottomLines: BottomLines = new BottomLines({
  write(text) {
    try {
      writeAll(new TextEncoder().encode(text));
    } catch {
      // The terminal was closed. The program works without it.
    }
  },
  listen(listener) {
    const unhook = hookOutput(listener);
    // Deno prints errors that nobody has caught without these functions.
    const clear = () => bottomLines.clear();
    const leave = () => bottomLines.leave();
    addEventListener("error", clear);
    addEventListener("unhandledrejection", clear);
    addEventListener("unload", leave);
    return () => {
      unhook();
      removeEventListener("error", clear);
      removeEventListener("unhandledrejection", clear);
      removeEventListener("unload", leave);
    };
  },
});

/** The method that isn't replaced while lines are shown. */
const { writeSync } = Object.getPrototypeOf(Deno.stderr) as typeof Deno.stderr;

function writeAll(bytes: Uint8Array): void {
  for (let written = 0; written < bytes.length;) {
    written += writeSync.call(Deno.stderr, bytes.subarray(written));
  }
}
