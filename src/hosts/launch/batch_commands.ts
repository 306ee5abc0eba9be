import { HostError } from "../../errors/host_error.ts";
import { quoteForShell } from "./quote_for_shell.ts";
import {
  type CommandOptions,
  type CommandOutcome,
  runCommand,
} from "./run_command.ts";

/**
 * How long a request may still take once it is cancelled, in milliseconds. If its
 * command is killed, the system may not yet have the job that is to be deleted.
 */
const SUBMIT_TIMEOUT = 2_000;

/** Runs the commands of a batch system for a host. */
export class BatchCommands {
  readonly #host: string;
  readonly #system: string;

  /**
   * Constructs an object that does nothing yet.
   *
   * @param host The name of the host in messages.
   * @param system The name of the batch system in messages.
   */
  constructor(host: string, system: string) {
    this.#host = host;
    this.#system = system;
  }

  /**
   * Runs a command until it ends.
   *
   * @throws {HostError} If it can't be run.
   * @throws {unknown} The reason of the signal, if it is aborted.
   */
  async try(
    args: readonly string[],
    options?: CommandOptions,
  ): Promise<CommandOutcome> {
    try {
      return await runCommand(args, options);
    } catch (cause) {
      options?.signal?.throwIfAborted();
      throw this.notRun(args, cause);
    }
  }

  /**
   * Runs a command that must succeed.
   *
   * @returns Its output.
   * @throws {HostError} If it can't be run or fails.
   * @throws {unknown} The reason of the signal, if it is aborted.
   */
  async run(
    args: readonly string[],
    options?: CommandOptions,
  ): Promise<string> {
    const outcome = await this.try(args, options);
    if (outcome.code !== 0) throw this.failed(args, outcome);
    return outcome.stdout;
  }

  /**
   * Runs a command that submits a job. If it is cancelled, the command may go on
   * for a while.
   *
   * @param input The text for its standard input, if any.
   * @throws {HostError} If it can't be run.
   * @throws {unknown} The reason of the signal, if the command was killed.
   */
  async submit(
    args: readonly string[],
    input: string | undefined,
    signal: AbortSignal,
  ): Promise<CommandOutcome> {
    const late = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const onAbort = () => {
      timer = setTimeout(() => late.abort(signal.reason), SUBMIT_TIMEOUT);
    };
    signal.addEventListener("abort", onAbort);
    try {
      return await this.try(args, {
        ...(input === undefined ? {} : { input }),
        signal: late.signal,
      });
    } finally {
      signal.removeEventListener("abort", onAbort);
      clearTimeout(timer);
    }
  }

  /** Makes the error of a command that has failed. */
  failed(
    args: readonly string[],
    { stdout, stderr }: CommandOutcome,
  ): HostError {
    const reason = stderr || stdout.trim() || "no message";
    return this.#error(
      `${this.#system} refuses a command of the pool: ${reason}\nThe command was: ${
        args.map(quoteForShell).join(" ")
      }`,
    );
  }

  /** Makes the error of a command that can't be run. */
  notRun(args: readonly string[], cause: unknown): HostError {
    const [program] = args;
    const reason = cause instanceof Deno.errors.NotFound
      ? `there is no program '${program}' in the PATH: run this program where the commands of ${this.#system} are installed, such as on a login node of the cluster`
      : `the program '${program}' can't be run (${cause})`;
    return this.#error(reason, { cause });
  }

  #error(reason: string, options?: ErrorOptions): HostError {
    const message = `Can't use the host ${this.#host}: ${reason}`;
    return new HostError(this.#host, "launcher", message, options);
  }
}
