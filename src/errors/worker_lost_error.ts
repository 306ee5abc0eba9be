import { renamedMembers } from "../util/renamed_members.ts";

/** How a worker was lost. */
export interface WorkerLoss {
  /** The worker's name. */
  readonly worker: string;
  /** How its process ended, such as `"exit code 3"` or `"signal SIGKILL"`. */
  readonly exitStatus: string;
  /** The end of its output on stderr, if known. */
  readonly stderrTail: string;
}

/**
 * Thrown by a call whose worker ended before the task returned, if no `retries`
 * are left. The task may or may not have run.
 *
 * @example Usage
 * ```ts
 * import { Pool, WorkerLostError } from "@distex/pool";
 * import { assertEquals, assertRejects } from "@std/assert";
 *
 * await using pool = new Pool(1);
 * const error = await assertRejects(
 *   () => pool.run(() => Deno.exit(3)),
 *   WorkerLostError,
 * );
 * assertEquals([error.exitStatus, error.tries], ["exit code 3", 1]);
 * ```
 */
export class WorkerLostError extends Error {
  /** The name of the worker that was lost, in the last try. */
  readonly worker: string;
  /** How its process ended, such as `"exit code 3"` or `"signal SIGKILL"`. */
  readonly exitStatus: string;
  /** The end of its output on stderr, if known. */
  readonly stderrTail: string;

  /**
   * Constructs the error.
   *
   * @param task The name of the task.
   * @param tries How many times the task may have begun.
   * @param options The `cause`, and a `message` in place of the usual one.
   */
  constructor(
    readonly task: string,
    readonly tries: number,
    { worker, exitStatus, stderrTail }: WorkerLoss,
    options: ErrorOptions & { message?: string } = {},
  ) {
    const { message, ...rest } = options;
    const attempts = tries === 1 ? "" : ` in the last of ${tries} tries`;
    const tail = stderrTail === ""
      ? ""
      : `; its stderr ended with:\n${stderrTail}`;
    super(
      message ??
        `The ${worker} ended (${exitStatus})${attempts} before the task '${task}' returned; the task may or may not have run${tail}`,
      rest,
    );
    this.name = "WorkerLostError";
    this.worker = worker;
    this.exitStatus = exitStatus;
    this.stderrTail = stderrTail;
  }
}

renamedMembers(WorkerLostError.prototype, {
  how: "WorkerLostError has no 'how': use exitStatus",
  lastWords: "WorkerLostError has no 'lastWords': use stderrTail",
});
