/**
 * What a terminal shows that knows the control characters of progress bars. It
 * is as wide as a line is long.
 */
export class Screen {
  readonly #lines: string[] = [""];
  #row = 0;
  #column = 0;

  /** The lines from the top to the last one that isn't empty. */
  get lines(): string[] {
    const lines = this.#lines.map((line) => line.trimEnd());
    return lines.slice(0, lines.findLastIndex((line) => line !== "") + 1);
  }

  /** Takes the output of a program. */
  write(text: string): void {
    // deno-lint-ignore no-control-regex
    for (const [part, code] of text.matchAll(/\x1b\[(\d*[A-Za-z])|[^]/g)) {
      if (code !== undefined) this.#control(code);
      else if (part === "\r") this.#column = 0;
      else if (part === "\n") this.#feed();
      else this.#put(part);
    }
  }

  #control(code: string): void {
    if (code === "K") {
      this.#line = this.#line.slice(0, this.#column);
    } else if (code === "A") {
      this.#row = Math.max(0, this.#row - 1);
    } else throw new Error(`The control sequence "${code}" isn't known`);
  }

  #feed(): void {
    this.#row++;
    if (this.#row === this.#lines.length) this.#lines.push("");
  }

  #put(character: string): void {
    const line = this.#line.padEnd(this.#column);
    this.#line = line.slice(0, this.#column) + character +
      line.slice(this.#column + 1);
    this.#column++;
  }

  get #line(): string {
    return this.#lines[this.#row]!;
  }

  set #line(line: string) {
    this.#lines[this.#row] = line;
  }
}
