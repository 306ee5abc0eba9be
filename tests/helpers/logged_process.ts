import { Reaper } from "../../src/spawner/reaper.ts";
import { LogFile } from "./log_file.ts";

/** Redirects the output of a program to two files. */
const INTO_FILES = 'out=$1 err=$2; shift 2; exec "$@" >"$out" 2>"$err"';

/** A machine where programs can be started. */
export interface CommandHost {
  /** The address of the machine. */
  readonly address: string;
  /** Returns the command that runs a command there. */
  command(program: string, args: string[]): [string, string[]];
}

/** The end of a program. */
export interface ProgramEnd {
  readonly code: number;
  readonly signal: Deno.Signal | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Options of {@linkcode LoggedProcess}. */
export interface LoggedProcessOptions {
  /** Environment variables besides those of this process. */
  readonly env?: Readonly<Record<string, string>>;
  /** The host of a network to run on. */
  readonly host?: CommandHost | undefined;
}

/**
 * A Deno program that writes its output to files of a folder. The program, what
 * it started and the folder end with the test.
 */
export class LoggedProcess implements AsyncDisposable {
  readonly #name: string;
  readonly #child: Deno.ChildProcess;
  readonly #reaper: Reaper;
  readonly #stdout: LogFile;
  readonly #stderr: LogFile;

  /**
   * Starts a program.
   *
   * @param name Its name in messages.
   */
  constructor(
    name: string,
    program: string,
    args: readonly string[],
    folder: string,
    { env = {}, host }: LoggedProcessOptions = {},
  ) {
    this.#name = name;
    const command = ["run", "-A", program, ...args];
    const [runner, runnerArgs] = host?.command(Deno.execPath(), command) ??
      [Deno.execPath(), command];
    const files = [`${folder}/stdout`, `${folder}/stderr`] as const;
    this.#stdout = new LogFile(files[0]);
    this.#stderr = new LogFile(files[1]);
    this.#reaper = new Reaper(folder);
    this.#child = new Deno.Command("sh", {
      args: ["-c", INTO_FILES, name, ...files, runner, ...runnerArgs],
      stdin: "null",
      env: { ...env },
    }).spawn();
    this.#reaper.watch(this.#child);
  }

  /** Its process id. */
  get pid(): number {
    return this.#child.pid;
  }

  /** Its log so far. */
  logs(): string {
    return this.#stderr.text().trimEnd();
  }

  /** Waits until a line of its log matches, and returns it. */
  async logged(pattern: RegExp): Promise<string> {
    const line = await this.#stderr.until(
      (text) => text.match(/.*\n/g)?.find((line) => pattern.test(line)),
      this.#child.status,
    );
    if (line !== undefined) return line.trimEnd();
    throw new Error(
      `The ${this.#name} didn't log ${pattern}: ${this.logs()}`,
    );
  }

  /** Sends it a signal; fails if it has ended. */
  kill(signal: Deno.Signal): void {
    this.#child.kill(signal);
  }

  /** Waits until it has ended, and the reaper of its workers with it. */
  async ended(): Promise<ProgramEnd> {
    const { code, signal } = await this.#child.status;
    return { code, signal, stdout: this.#stdout.text(), stderr: this.logs() };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // It has ended.
    }
    await this.#child.status;
    await this.#reaper.close();
  }
}
