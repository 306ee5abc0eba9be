/**
 * Returns the arguments with which `scancel` ends tasks of arrays of jobs, and
 * which stay short for many tasks: `12_[0-3,5]` means `12_0` to `12_3` and
 * `12_5`.
 *
 * @param ids The ids of jobs, such as `12`, and of tasks, such as `12_3`.
 */
export function formatTasks(ids: Iterable<string>): string[] {
  const tasks = new Map<string, number[]>();
  for (const id of ids) {
    const [job = "", task] = id.split("_");
    const numbers = tasks.get(job) ?? [];
    tasks.set(job, numbers);
    if (task !== undefined) numbers.push(Number(task));
  }
  return [...tasks].map(([job, numbers]) =>
    numbers.length === 0 ? job : `${job}_[${formatRanges(numbers)}]`
  );
}

function formatRanges(numbers: number[]): string {
  const ranges: [first: number, last: number][] = [];
  for (const number of numbers.toSorted((one, other) => one - other)) {
    const range = ranges.at(-1);
    if (range !== undefined && number <= range[1] + 1) range[1] = number;
    else ranges.push([number, number]);
  }
  return ranges.map(([first, last]) =>
    first === last ? `${first}` : `${first}-${last}`
  ).join();
}
