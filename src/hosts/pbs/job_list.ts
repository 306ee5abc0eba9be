import type { PbsDialect } from "../../options/pbs_options.ts";
import { numberRanges } from "../launch/number_ranges.ts";

/** The id of one of an array of jobs. */
const ARRAY_JOB = /^(\d+)\[(\d+)\]$/;

/** Returns the jobs that `qstat` is asked for: arrays instead of their jobs. */
export function parentsOf(ids: readonly string[]): string[] {
  return [...new Set(ids.map(parentOf))];
}

/** Returns the id of the array of a job, or that of the job if it is in none. */
export function parentOf(id: string): string {
  return id.replace(ARRAY_JOB, "$1[]");
}

/**
 * Returns the arguments with which `qdel` deletes jobs. They stay short for many
 * jobs of an array if the dialect allows it.
 */
export function formatJobs(
  dialect: PbsDialect,
  ids: readonly string[],
): string[] {
  if (dialect !== "openpbs") return [...ids];
  const arrays = new Map<string, number[]>();
  const others: string[] = [];
  for (const id of ids) {
    const [, array, index] = id.match(ARRAY_JOB) ?? [];
    if (array === undefined) others.push(id);
    else arrays.set(array, [...arrays.get(array) ?? [], Number(index)]);
  }
  const ranges = [...arrays].flatMap(([array, indices]) =>
    numberRanges(indices).map(([first, last]) =>
      first === last ? `${array}[${first}]` : `${array}[${first}-${last}]`
    )
  );
  return [...ranges, ...others];
}
