/** A job, or one of an array of jobs. */
export interface JobState {
  /** The letter of its state, such as `Q` or `R`. */
  readonly letter: string;
  /** The words of the scheduler, such as why it waits. */
  readonly comment: string | undefined;
  /** The exit status, once it has ended. */
  readonly exitStatus: string | undefined;
}

const JOB = /^Job Id:\s*(\d+(?:\[\d*\])?)/;

/** An attribute; Slurm's `qstat` begins it with a tab, all others with spaces. */
const ATTRIBUTE = /^\s+([A-Za-z][\w.]*) = (.*)$/;

/**
 * Reads jobs from the output of `qstat -f`.
 *
 * @returns The jobs by their id without the name of the server: `12`, `12[3]`,
 * or `12[]` for an array.
 */
export function readJobs(output: string): Map<string, JobState> {
  const jobs = new Map<string, JobState>();
  for (const lines of jobLines(output.replaceAll("\r\n", "\n"))) {
    const [, id] = lines[0]!.match(JOB)!;
    const attributes = new Map<string, string>();
    let last = "";
    for (const line of lines.slice(1)) {
      const [, name, value] = line.match(ATTRIBUTE) ?? [];
      if (name !== undefined) {
        last = name.toLowerCase();
        attributes.set(last, value!);
      } else if (line.startsWith("\t")) {
        // A long line goes on in the next one.
        attributes.set(last, `${attributes.get(last) ?? ""}${line.slice(1)}`);
      }
    }
    jobs.set(id!, {
      letter: attributes.get("job_state")?.trim() ?? "",
      comment: attributes.get("comment")?.trim(),
      exitStatus: attributes.get("exit_status")?.trim(),
    });
  }
  return jobs;
}

/** Returns the lines of each job. */
function jobLines(output: string): string[][] {
  const jobs: string[][] = [];
  for (const line of output.split("\n")) {
    if (JOB.test(line)) jobs.push([line]);
    else jobs.at(-1)?.push(line);
  }
  return jobs;
}
