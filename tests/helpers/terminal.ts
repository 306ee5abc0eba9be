/**
 * Programs on a pseudo-terminal, which `script` of util-linux makes.
 *
 * @module
 */

import { Screen } from "./screen.ts";

/** Why this machine can't make a {@linkcode Terminal}, if so. */
const problem = Deno.build.os !== "linux"
  ? "needs Linux"
  : hasScript()
  ? undefined
  : "install the package bsdutils";

function hasScript(): boolean {
  try {
    return new Deno.Command("script", { args: ["--version"], stdout: "null" })
      .outputSync().success;
  } catch {
    return false;
  }
}

/** Declares a test that needs a terminal, like `Deno.test`. */
export function terminalTest(name: string, fn: () => Promise<void>): void {
  if (problem) name += ` (skipped: ${problem})`;
  Deno.test({ name, fn, ignore: problem !== undefined });
}

/** Quotes a word for a shell. */
function quoted(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}

/** What a {@linkcode Terminal} does besides running a program. */
export interface TerminalOptions {
  /** A command for the shell to run before and after it. */
  readonly around?: string;
  /** Environment variables. */
  readonly env?: Readonly<Record<string, string>>;
}

/** A terminal of 80 columns, on which a shell runs a program. */
export class Terminal implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;
  readonly #reading: Promise<void>;
  #changed = Promise.withResolvers<void>();
  #hasEnded = false;
  #output = "";

  /** Runs a program. */
  constructor(
    command: readonly string[],
    { around = ":", env = {} }: TerminalOptions = {},
  ) {
    const lines = [
      "stty cols 80 rows 24",
      // An interrupt ends the program, but not the shell.
      "trap : INT",
      around,
      command.map(quoted).join(" "),
      "code=$?",
      around,
      "exit $code",
    ];
    this.#child = new Deno.Command("script", {
      args: ["-qfec", lines.join("; "), "/dev/null"],
      env: { NO_COLOR: "1", TERM: "xterm", SHELL: "/bin/sh", ...env },
      stdin: "piped",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    this.#input = this.#child.stdin.getWriter();
    this.#reading = this.#read();
  }

  /** What the program has printed, with control characters. */
  get output(): string {
    return this.#output;
  }

  /** The lines on the screen. */
  get lines(): string[] {
    const screen = new Screen();
    screen.write(this.#output);
    return screen.lines;
  }

  /** Waits until the program has printed a text. */
  async printed(text: string): Promise<void> {
    while (!this.#output.includes(text)) {
      if (this.#hasEnded) throw new Error(`It only printed ${this.#output}`);
      await this.#changed.promise;
    }
  }

  /** Presses keys. */
  async type(keys: string): Promise<void> {
    await this.#input.write(new TextEncoder().encode(keys));
  }

  /** Waits until the program ends, and returns its exit code. */
  async end(): Promise<number> {
    const { code } = await this.#child.status;
    await this.#reading;
    return code;
  }

  /** Ends the terminal, which sends SIGHUP to the program. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#input.close().catch(() => {});
    if (!this.#hasEnded) this.#child.kill("SIGTERM");
    await this.end();
  }

  async #read(): Promise<void> {
    const texts = this.#child.stdout.pipeThrough(new TextDecoderStream());
    for await (const text of texts) {
      this.#output += text;
      this.#change();
    }
    this.#hasEnded = true;
    this.#change();
  }

  #change(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }
}
