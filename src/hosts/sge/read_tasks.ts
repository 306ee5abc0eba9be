/** A task of an array job. */
export interface TaskState {
  /** Its state in Grid Engine's letters, such as `qw` or `Rr`. */
  readonly letters: string;
  /** Whether it waits for its turn. */
  readonly isPending: boolean;
  /** Whether it can't be started, and won't be. */
  readonly hasFailed: boolean;
  /** Whether it is being deleted. */
  readonly isDeleted: boolean;
}

/** The arguments of `qstat` for {@linkcode readTasks}; it expands `$user`. */
export const LIST_TASKS = ["qstat", "-u", "$user", "-g", "d", "-xml"] as const;

/**
 * Reads the states of tasks from the output of {@linkcode LIST_TASKS}.
 *
 * @returns The tasks by their id, such as `12.3`.
 * @see {@link https://gridscheduler.sourceforge.net/htmlman/htmlman1/qstat.html}
 */
export function readTasks(xml: string): Map<string, TaskState> {
  const tasks = new Map<string, TaskState>();
  for (const element of xml.split("<job_list ").slice(1)) {
    const job = element.match(/<JB_job_number>(\d+)</)?.[1];
    const task = element.match(/<tasks>(\d+)</)?.[1];
    const letters = element.match(/<state>(\w+)</)?.[1] ?? "";
    if (job === undefined || task === undefined) continue;
    tasks.set(`${job}.${task}`, {
      letters,
      // For example qw, hqw, Rq and Eqw.
      isPending: letters.includes("q"),
      hasFailed: letters.includes("E"),
      isDeleted: letters.includes("d"),
    });
  }
  return tasks;
}
