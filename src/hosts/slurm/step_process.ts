import { Child } from "../../spawner/child.ts";
import { readStderrTail } from "../../spawner/stderr_tail.ts";

/** How much of the messages is kept, in bytes. */
const TAIL_LENGTH = 4_096;

/** How long `srun` may take to end its step, in milliseconds. */
const END_TIMEOUT = 10_000;

/** A process of `srun`, which ends with its step, and ends the step. */
export class StepProcess {
  readonly #child: Child;
  readonly #output: Promise<unknown>;
  #tail = new Uint8Array(0);
  #hasEnded = false;

  /**
   * Starts the process. It gets a process group of its own, as Ctrl-C must not
   * end the step before the pool ends.
   *
   * @param args The program and its arguments.
   * @param env Environment variables, added to the program's own.
   * @throws {Error} If the program can't be run.
   */
  constructor(
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
  ) {
    const [program = "", ...others] = args;
    this.#child = new Child(
      new Deno.Command(program, {
        args: others,
        env: { ...env },
        stdin: "null",
        stdout: "null",
        stderr: "piped",
        detached: true,
      }).spawn(),
    );
    this.#output = this.#child.readOutput({
      stderr: (bytes) => this.#keep(bytes),
    }).then(() => this.#hasEnded = true);
  }

  /** Whether it has ended. */
  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** Returns the last messages of `srun`. */
  async messages(): Promise<string> {
    return await readStderrTail(this.#tail);
  }

  /** Ends the step, and waits until it has ended. */
  async end(): Promise<void> {
    this.#child.ref();
    this.#child.kill("SIGTERM");
    const timer = setTimeout(() => this.#child.kill(), END_TIMEOUT);
    await this.#output;
    clearTimeout(timer);
  }

  #keep(bytes: Uint8Array<ArrayBuffer>): void {
    const all = new Uint8Array(this.#tail.length + bytes.length);
    all.set(this.#tail);
    all.set(bytes, this.#tail.length);
    this.#tail = all.slice(-TAIL_LENGTH);
  }
}
