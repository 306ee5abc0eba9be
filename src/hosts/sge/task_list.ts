import { numberRanges } from "../launch/number_ranges.ts";

/**
 * Returns the arguments with which `qdel` deletes tasks of array jobs, and which
 * stay short for many tasks: `12.1-4` means `12.1` to `12.4`.
 *
 * @param ids The ids of tasks, such as `12.3`.
 */
export function formatTasks(ids: Iterable<string>): string[] {
  const jobs = new Map<string, number[]>();
  for (const id of ids) {
    const [job = "", task] = id.split(".");
    const tasks = jobs.get(job) ?? [];
    tasks.push(Number(task));
    jobs.set(job, tasks);
  }
  return [...jobs].flatMap(([job, tasks]) =>
    numberRanges(tasks).map(([first, last]) =>
      first === last ? `${job}.${first}` : `${job}.${first}-${last}`
    )
  );
}
