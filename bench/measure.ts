/**
 * What the measurements have in common: how often they are repeated, how the
 * repetitions are summed up, and how a rate is set against its limit.
 *
 * @module
 */

/** How much work a run does. */
export interface Effort {
  /** How often each measurement is repeated after a warm-up. */
  readonly repetitions: number;
  /** Which part of the full amount of work one repetition has. */
  readonly scale: number;
}

/** What figures in a README come from. */
export const FULL: Effort = { repetitions: 5, scale: 1 };

/** About a tenth of it: shows that the measurements work. */
export const QUICK: Effort = { repetitions: 2, scale: 0.25 };

/** The repetitions of one measurement, summed up. */
export interface Spread {
  /** The middle one, which a few disturbed repetitions don't change. */
  readonly median: number;
  /** The lowest. */
  readonly min: number;
  /** The highest. */
  readonly max: number;
}

/** A line of the table. */
export interface Row {
  /** What `--only` selects it by. */
  readonly name: string;
  /** What its figures are of. */
  readonly unit: string;
  /** The figures; `null` if this system can't tell. */
  readonly value: Spread | null;
  /** How many times the value of each limit it is, by the limit's name. */
  readonly ratios: Readonly<Record<string, Spread>>;
}

/** Rows that are measured together, as they share processes or a limit. */
export interface Section {
  /** What its rows are about. */
  readonly title: string;
  /** The names of all its rows. */
  readonly names: readonly string[];
  /**
   * Measures rows.
   *
   * @param wanted The names of those that are asked for; others may come
   * along, such as the limits that their ratios are of.
   */
  run(wanted: ReadonlySet<string>, effort: Effort): Promise<Row[]>;
}

/** Something that can be measured again and again. */
export interface Candidate {
  /** The name of its row. */
  readonly name: string;
  /** Does the work once, and returns the figure. */
  readonly measure: () => Promise<number>;
}

/** An amount of work, reduced as the effort says. */
export function scaled(count: number, effort: Effort): number {
  return Math.max(1, Math.round(count * effort.scale));
}

/** Sums up repetitions. */
export function spread(samples: readonly number[]): Spread {
  const sorted = samples.toSorted((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)]!;
  const lower = sorted[Math.floor((sorted.length - 1) / 2)]!;
  return {
    median: (lower + upper) / 2,
    min: sorted[0]!,
    max: sorted.at(-1)!,
  };
}

/** The smallest of the sorted samples that a part `p` of them doesn't exceed. */
export function percentile(sorted: readonly number[], p: number): number {
  return sorted[Math.max(0, Math.ceil(sorted.length * p) - 1)]!;
}

/** How many seconds something takes. */
export async function seconds(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1_000;
}

/** Runs as many loops at once as a queue is deep, which share `count` turns. */
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
 * Measures candidates, and their limits before and after each of them: what
 * else the machine does, and how fast it runs just then, is in both figures,
 * and mostly cancels out in their ratio.
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

/** A row that isn't set against a limit. */
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

  /** All figures of that name. */
  of(name: string): readonly number[] {
    return this.#samples.get(name) ?? [];
  }
}
