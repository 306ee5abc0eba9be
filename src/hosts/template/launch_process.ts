import { Child } from "../../spawner/child.ts";
import { readStderrTail } from "../../spawner/stderr_tail.ts";

/** How much of the output is kept, in bytes. */
const TAIL_LENGTH = 4_096;

/** How long a process may take to end after SIGTERM, in milliseconds. */
const TERM_TIMEOUT = 5_000;

/** A process that starts an agent, and may run as long as the agent does. */
export class LaunchProcess {
  readonly #child: Child;
  readonly #ended: Promise<unknown>;
  #tail = new Uint8Array(0);
  #status: Deno.CommandStatus | undefined;

  /**
   * Starts the process in a process group of its own, as it may start others.
   *
   * @param args The program and its arguments.
   * @param env Environment variables, added to the program's own.
   * @throws {Error} If the program can't be run.
   */
  constructor(
    args: readonly string[],
    env: Readonly<Record<string, string>>,
  ) {
    const [program = "", ...rest] = args;
    this.#child = new Child(
      new Deno.Command(program, {
        args: rest,
        env: { ...env },
        stdin: "null",
        stdout: "piped",
        stderr: "piped",
        detached: true,
      }).spawn(),
    );
    const keep = (bytes: Uint8Array<ArrayBuffer>) => this.#keep(bytes);
    const output = this.#child.readOutput({ stdout: keep, stderr: keep });
    this.#child.status.then((status) => this.#status = status);
    this.#ended = output;
  }

  /** Its process id, which is that of its group. */
  get pid(): number {
    return this.#child.pid;
  }

  /** How it has ended, if it has. */
  get status(): Deno.CommandStatus | undefined {
    return this.#status;
  }

  /** Returns the end of its output. */
  async output(): Promise<string> {
    // What it wrote last may still be on its way.
    if (this.#status !== undefined) await this.#ended;
    return await readStderrTail(this.#tail);
  }

  /** Ends the process and waits until it has ended; kills it if it must. */
  async end(): Promise<void> {
    this.#child.ref();
    if (this.#status === undefined) {
      this.#child.killGroup("SIGTERM");
      const timer = setTimeout(
        () => this.#child.killGroup("SIGKILL"),
        TERM_TIMEOUT,
      );
      await this.#child.status;
      clearTimeout(timer);
    }
    await this.#ended;
  }

  #keep(bytes: Uint8Array<ArrayBuffer>): void {
    const all = new Uint8Array(this.#tail.length + bytes.length);
    all.set(this.#tail);
    all.set(bytes, this.#tail.length);
    this.#tail = all.slice(-TAIL_LENGTH);
  }
}
