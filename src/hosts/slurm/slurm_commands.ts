import { HostError } from "../../errors/host_error.ts";
import {
  type CommandOptions,
  type CommandOutcome,
  runCommand,
} from "../launch/run_command.ts";

/** Runs the commands of Slurm for a host. */
export class SlurmCommands {
  readonly #host: string;

  /**
   * Constructs an object that does nothing yet.
   *
   * @param host The name of the host in messages.
   */
  constructor(host: string) {
    this.#host = host;
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
   */
  async run(
    args: readonly string[],
    options?: CommandOptions,
  ): Promise<string> {
    const outcome = await this.try(args, options);
    if (outcome.code !== 0) throw this.failed(args, outcome.stderr);
    return outcome.stdout;
  }

  /** Makes the error of a command that has failed. */
  failed(args: readonly string[], stderr: string): HostError {
    const reason = stderr === "" ? "it gives no reason" : stderr;
    const command = args.join(" ");
    return this.#error(
      `${args[0]} failed: ${reason}\nThe command was: ${command}`,
    );
  }

  /** Makes the error of a command that can't be run. */
  notRun(args: readonly string[], cause: unknown): HostError {
    const [program] = args;
    const reason = cause instanceof Deno.errors.NotFound
      ? `there is no program '${program}' in the PATH: run this program where Slurm's commands are installed, such as on a login node of the cluster`
      : `the program '${program}' can't be run (${cause})`;
    return this.#error(reason, { cause });
  }

  #error(reason: string, options?: ErrorOptions): HostError {
    const message = `Can't use the host ${this.#host}: ${reason}`;
    return new HostError(this.#host, "launcher", message, options);
  }
}
