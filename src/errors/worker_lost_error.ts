import { renamedMembers } from "../util/renamed_members.ts";

/** What is known of a worker that was lost. */
export interface WorkerLoss {
  /** What the worker was called. */
  readonly worker: string;
  /** How its process ended: an exit code or a signal, in words. */
  readonly exitStatus: string;
  /** The last that it wrote to stderr, if that is known. */
  readonly stderrTail: string;
}

/**
 * Thrown by a call whose worker ended before it returned, at the last of the
 * times that it was tried. Whether the task had an effect can't be known.
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
  /** What the worker was called that was lost last. */
  readonly worker: string;
  /** How its process ended: an exit code or a signal, in words. */
  readonly exitStatus: string;
  /** The last that it wrote to stderr, if that is known. */
  readonly stderrTail: string;

  /**
   * Constructs the error.
   *
   * @param task The name of the task.
   * @param tries How often the task may have begun.
   */
  constructor(
    readonly task: string,
    readonly tries: number,
    { worker, exitStatus, stderrTail }: WorkerLoss,
    options?: ErrorOptions,
  ) {
    const times = tries === 1
      ? ""
      : `, the last of ${tries} times it was tried`;
    const words = stderrTail === ""
      ? ""
      : `; the last it wrote to stderr:\n${stderrTail}`;
    super(
      `The ${worker} ended (${exitStatus}) before the task '${task}' returned, which may or may not have run${times}${words}`,
      options,
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
