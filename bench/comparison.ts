import { leastP, mannWhitney } from "./mann_whitney.ts";
import { type Row, type Spread, spread } from "./measure.ts";
import { isBusy, type Report } from "./program.ts";

/** A change is beyond noise if chance alone gives it more rarely than this. */
export const LEVEL = 0.01;

/** A change of the median by less than this is called the same. */
export const LEAST_CHANGE = 0.02;

/** What a comparison says about a figure. */
export type Verdict =
  /** It changed beyond noise, for the better. */
  | "better"
  /** It changed beyond noise, for the worse. */
  | "worse"
  /** It changed within noise, or not at all. */
  | "same"
  /** No difference of so few samples is beyond noise. */
  | "too few samples"
  /** Only the first side has it. */
  | "gone"
  /** Only the second side has it. */
  | "new";

/** The comparison of one figure: a row's, or its ratio to a limit. */
export interface Change {
  /** The name of the row. */
  readonly name: string;
  /** The name of the limit; `null` for the row's own figure. */
  readonly limit: string | null;
  /** The unit of the medians; `×` for a ratio. */
  readonly unit: string;
  /** The median on the first side; `null` if it has none. */
  readonly a: number | null;
  /** The median on the second side; `null` if it has none. */
  readonly b: number | null;
  /** The second median divided by the first; `null` if one is missing. */
  readonly ratio: number | null;
  /** How probable so great a difference is by chance; see `mannWhitney()`. */
  readonly p: number | null;
  /** What that means. */
  readonly verdict: Verdict;
}

interface Figure {
  readonly name: string;
  readonly limit: string | null;
  /** The unit of the row, which decides whether more is better. */
  readonly rowUnit: string;
  readonly samples: readonly number[];
}

/**
 * Compares the figures of two sides.
 *
 * If each side is one run, the samples are its repetitions. If one is several,
 * the median of each run is one sample, so differences between runs of the same
 * code count as noise.
 */
export function compareReports(
  a: readonly Report[],
  b: readonly Report[],
): Change[] {
  const single = a.length === 1 && b.length === 1;
  const [first, second] = [figuresOf(a, single), figuresOf(b, single)];
  const keys = new Set([...first.keys(), ...second.keys()]);
  return [...keys].map((key) =>
    compareFigures(first.get(key), second.get(key))
  );
}

/** Returns how the sides differ in more than the code that they measured. */
export function differences(
  a: readonly Report[],
  b: readonly Report[],
): string[] {
  const reports = [...a, ...b];
  const found: string[] = [];
  for (const key of ["deno", "cpu", "cores", "os"] as const) {
    const values = new Set(reports.map(({ machine }) => machine[key]));
    if (values.size > 1) {
      found.push(`the runs differ in ${key}: ${[...values].join(", ")}`);
    }
  }
  if (reports.some(({ quick }) => quick)) {
    found.push("some runs are quick ones, whose figures mean little");
  }
  if (reports.some(({ machine }) => isBusy(machine))) {
    found.push("some runs were disturbed by other programs");
  }
  return found;
}

/** Returns all figures of a side by row and limit. */
function figuresOf(
  reports: readonly Report[],
  single: boolean,
): Map<string, Figure> {
  const spreads = new Map<string, Spread[]>();
  const figures = new Map<string, Omit<Figure, "samples">>();
  const add = (row: Row, limit: string | null, value: Spread | null) => {
    if (value === null) return;
    const key = JSON.stringify([row.name, limit]);
    figures.set(key, { name: row.name, limit, rowUnit: row.unit });
    spreads.set(key, [...spreads.get(key) ?? [], value]);
  };
  for (const row of reports.flatMap(({ rows }) => rows)) {
    add(row, null, row.value);
    for (const [limit, value] of Object.entries(row.ratios)) {
      add(row, limit, value);
    }
  }
  return new Map([...figures].map(([key, figure]) => {
    const runs = spreads.get(key)!;
    const samples = single
      ? runs[0]!.samples
      : runs.map(({ median }) => median);
    return [key, { ...figure, samples }];
  }));
}

function compareFigures(a: Figure | undefined, b: Figure | undefined): Change {
  const { name, limit, rowUnit } = (a ?? b)!;
  const [medianA, medianB] = [a, b].map((figure) =>
    figure === undefined ? null : spread(figure.samples).median
  ) as [number | null, number | null];
  const both = a !== undefined && b !== undefined;
  const ratio = both ? medianB! / medianA! : null;
  const p = both ? mannWhitney(a.samples, b.samples) : null;
  return {
    name,
    limit,
    unit: limit === null ? rowUnit : "×",
    a: medianA,
    b: medianB,
    ratio,
    p,
    verdict: both ? judge(a, b, ratio!, p!) : a === undefined ? "new" : "gone",
  };
}

function judge(a: Figure, b: Figure, ratio: number, p: number): Verdict {
  if (leastP(a.samples.length, b.samples.length) > LEVEL) {
    return "too few samples";
  }
  if (p > LEVEL || Math.abs(ratio - 1) < LEAST_CHANGE) return "same";
  return ratio > 1 === isMoreBetter(a.rowUnit) ? "better" : "worse";
}

/** Rates and factors should be high; times and sizes low. */
function isMoreBetter(unit: string): boolean {
  return unit.endsWith("/s") || unit === "×";
}
