/**
 * The method that all measurements share: repetitions, their summary, and the
 * comparison with a limit.
 *
 * @module
 */

/** The amount of work in a run. */
export interface Effort {
  /** How often each measurement is repeated after a warm-up. */
  readonly repetitions: number;
  /** The work in one repetition, as a fraction of the full amount. */
  readonly scale: number;
}

/** For figures that are published. */
export const FULL: Effort = { repetitions: 5, scale: 1 };

/** About a tenth of that, to see that the measurements work. */
export const QUICK: Effort = { repetitions: 2, scale: 0.25 };

/** A summary of the repetitions of one measurement. */
export interface Spread {
  /** The median, which a few disturbed repetitions don't change. */
  readonly median: number;
  /** The lowest value. */
  readonly min: number;
  /** The highest value. */
  readonly max: number;
  /** The value of each repetition, in the order in which they ran. */
  readonly samples: readonly number[];
}

/** A line of the table. */
export interface Row {
  /** The name, by which `--only` selects it. */
  readonly name: string;
  /** The unit of its figures. */
  readonly unit: string;
  /** The figures; `null` if the system doesn't report them. */
  readonly value: Spread | null;
  /** The value divided by each limit, by the limit's name. */
  readonly ratios: Readonly<Record<string, Spread>>;
}

/** Rows that are measured together because they share processes or a limit. */
export interface Section {
  /** The heading above its rows. */
  readonly title: string;
  /** The names of all its rows. */
  readonly names: readonly string[];
  /**
   * Measures rows.
   *
   * @param wanted The names of the rows to measure. Others may be measured too,
   * such as their limits.
   */
  run(wanted: ReadonlySet<string>, effort: Effort): Promise<Row[]>;
}

/** Something that can be measured repeatedly. */
export interface Candidate {
  /** The name of its row. */
  readonly name: string;
  /** Does the work once, and returns the figure. */
  readonly measure: () => Promise<number>;
}

/** Scales an amount of work by the effort. */
export function scaled(count: number, effort: Effort): number {
  return Math.max(1, Math.round(count * effort.scale));
}

/** Summarizes repetitions. */
export function spread(samples: readonly number[]): Spread {
  const sorted = samples.toSorted((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)]!;
  const lower = sorted[Math.floor((sorted.length - 1) / 2)]!;
  return {
    median: (lower + upper) / 2,
    min: sorted[0]!,
    max: sorted.at(-1)!,
    samples,
  };
}

/** Returns the smallest sample such that a fraction `p` of all doesn't exceed it. */
export function percentile(sorted: readonly number[], p: number): number {
  return sorted[Math.max(0, Math.ceil(sorted.length * p) - 1)]!;
}

/** Returns the seconds that something takes. */
export async function seconds(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1_000;
}

/** Runs `depth` loops at the same time, which share `count` turns. */
export async function inLoops(
  depth: number,
  count: number,
  turn: (index: number) => Promise<unknown>,
): Promise<void> {
  let next = 0;
  await Promise.all(Array.from({ length: depth }, async () => {
    while (next < count) await turn(next++);
  }));
}

/**
 * Measures candidates, and their limits before and after each of them. So other
 * load and changes of the clock rate affect both figures, and mostly cancel out
 * in the ratio.
 *
 * @returns A row for each limit, then for each candidate.
 */
export async function compare(
  limits: readonly Candidate[],
  candidates: readonly Candidate[],
  unit: string,
  effort: Effort,
): Promise<Row[]> {
  for (const { measure } of [...limits, ...candidates]) await measure();
  const values = new Samples();
  const ratios = new Samples();
  const sample = async ({ name, measure }: Candidate) => {
    const value = await measure();
    values.add(name, value);
    return value;
  };
  const sampleLimits = async () => {
    const samples: number[] = [];
    for (const limit of limits) samples.push(await sample(limit));
    return samples;
  };
  for (let turn = 0; turn < effort.repetitions; turn++) {
    let before = await sampleLimits();
    for (const candidate of candidates) {
      const value = await sample(candidate);
      const after = await sampleLimits();
      limits.forEach((limit, index) => {
        const mean = (before[index]! + after[index]!) / 2;
        ratios.add(ratioName(candidate, limit), value / mean);
      });
      before = after;
    }
  }
  return [
    ...limits.map(({ name }) => row(name, unit, values.of(name))),
    ...candidates.map((candidate) => ({
      ...row(candidate.name, unit, values.of(candidate.name)),
      ratios: Object.fromEntries(limits.map((limit) => [
        limit.name,
        spread(ratios.of(ratioName(candidate, limit))),
      ])),
    })),
  ];
}

function ratioName(candidate: Candidate, limit: Candidate): string {
  return `${candidate.name} ${limit.name}`;
}

/** Makes a row without a limit. */
export function row(
  name: string,
  unit: string,
  samples: readonly number[],
): Row {
  return { name, unit, value: spread(samples), ratios: {} };
}

/** Figures by name. */
export class Samples {
  readonly #samples = new Map<string, number[]>();

  /** Adds a figure. */
  add(name: string, value: number): void {
    const samples = this.#samples.get(name);
    if (samples === undefined) this.#samples.set(name, [value]);
    else samples.push(value);
  }

  /** Returns all figures with that name. */
  of(name: string): readonly number[] {
    return this.#samples.get(name) ?? [];
  }
}
