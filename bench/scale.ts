import {
  type Effort,
  type Row,
  row,
  Samples,
  scaled,
  type Section,
  spread,
} from "./measure.ts";
import { LOST, type ScaleFigures, type Work } from "./scale_pool.ts";
import type { Transport } from "./simulator/machine.ts";

/** How many processes measure each size. */
const PROCESSES = 2;

/** How often each process does each kind of work. */
const ROUNDS = 4;

/** The size that others are compared with. */
const BASE = 8;

/** The least size at which the memory of a worker can be told from noise. */
const MIN_MEASURABLE = 512;

/** Open files of the pool's process besides the connections of its workers. */
const OTHER_FILES = 256;

/** How workers connect; with `fanout`, those of a machine share a TCP connection. */
type Way = Transport | "fanout";

/** The numbers of workers, by the way in which they connect. */
const SIZES: Readonly<Record<Way, readonly number[]>> = {
  unix: [1, 8, 64, 512, 2_048, 4_096, 16_384],
  tcp: [8, 512, 4_096],
  tls: [8, 512],
  fanout: [8, 64, 512],
};

/** A figure of a pool. */
interface Figure {
  readonly unit: string;
  /** The work during which it is measured; `undefined`: the start. */
  readonly work?: Work;
  /** The least number of workers for which it is measured. */
  readonly least?: number;
  /** Whether it should be the same for each number of workers. */
  readonly isFlat?: boolean;
}

const FIGURES: Readonly<Record<string, Figure>> = {
  "join": { unit: "ms" },
  "join-cpu": { unit: "µs" },
  "bursts": { unit: "/s", work: "bursts", isFlat: true },
  "bursts-cpu": { unit: "µs", work: "bursts", isFlat: true },
  "loops-8": { unit: "/s", work: "loops", isFlat: true },
  "loops-8-cpu": { unit: "µs", work: "loops", isFlat: true },
  "loops-256": { unit: "/s", work: "loops", isFlat: true },
  "loops-256-cpu": { unit: "µs", work: "loops", isFlat: true },
  "p50": { unit: "µs", work: "single", isFlat: true },
  "p99": { unit: "µs", work: "single", isFlat: true },
  "rss": { unit: "KB", work: "memory", least: MIN_MEASURABLE },
  "heap": { unit: "KB", work: "memory", least: MIN_MEASURABLE },
  "lose": { unit: "ms", work: "lose", least: 2 * LOST },
  "lose-pause": { unit: "ms", work: "lose", least: 2 * LOST },
};

/** A pool to measure. */
interface Size {
  readonly transport: Way;
  readonly workers: number;
}

const ALL_SIZES: readonly Size[] = Object.entries(SIZES).flatMap((
  [transport, sizes],
) => sizes.map((workers) => ({ transport: transport as Way, workers })));

/** Measures pools with up to thousands of simulated workers. */
export const scale: Section = {
  title: "Simulated workers; the number is how many",
  names: ALL_SIZES.flatMap(namesOf),
  run,
};

async function run(
  wanted: ReadonlySet<string>,
  effort: Effort,
): Promise<Row[]> {
  const values = new Samples();
  const ratios = new Samples();
  const names = withBases(wanted);
  const sizes = ALL_SIZES.filter((size) =>
    namesOf(size).some((name) => names.has(name))
  );
  const possible = await withoutTooLarge(sizes);
  for (let turn = 0; turn < scaled(PROCESSES, effort); turn++) {
    const figures = new Map<string, number>();
    for (const size of possible) {
      const wantedHere = namesOf(size).filter((name) => names.has(name));
      const measured = await measure(size, wantedHere, effort);
      for (const name of wantedHere) figures.set(name, measured[keyOf(name)]!);
    }
    for (const [name, value] of figures) {
      values.add(name, value);
      const base = figures.get(baseOf(name) ?? "");
      if (base !== undefined) ratios.add(name, value / base);
    }
  }
  return sizes.flatMap(namesOf).filter((name) => names.has(name))
    .map((name) => makeRow(name, values.of(name), ratios.of(name)));
}

function makeRow(
  name: string,
  values: readonly number[],
  ratios: readonly number[],
): Row {
  const { unit } = figureOf(name);
  if (values.length === 0) return { name, unit, value: null, ratios: {} };
  if (ratios.length === 0) return row(name, unit, values);
  return {
    ...row(name, unit, values),
    ratios: { [baseOf(name)!]: spread(ratios) },
  };
}

/** Runs a process that measures a pool. */
async function measure(
  { transport, workers }: Size,
  names: readonly string[],
  effort: Effort,
): Promise<ScaleFigures> {
  const work = new Set(names.flatMap((name) => figureOf(name).work ?? []));
  const program = new URL("./scale_pool.ts", import.meta.url).href;
  const { code, stdout } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "-A", "--quiet", "--v8-flags=--expose-gc", program],
      ...(transport === "fanout"
        ? ["--fanout", "--transport", "tcp"]
        : ["--transport", transport]),
      ...["--workers", String(workers)],
      ...["--rounds", String(scaled(ROUNDS, effort))],
      ...["--scale", String(effort.scale)],
      ...[...work].flatMap((one) => ["--work", one]),
    ],
    stdin: "null",
    stderr: "inherit",
  }).output();
  if (code !== 0) throw new Error(`The pool ended with exit code ${code}`);
  return JSON.parse(new TextDecoder().decode(stdout));
}

/** Leaves out sizes for which this system allows too few open files. */
async function withoutTooLarge(sizes: readonly Size[]): Promise<Size[]> {
  const { stdout } = await new Deno.Command("sh", {
    args: ["-c", "ulimit -n"],
  }).output();
  const text = new TextDecoder().decode(stdout).trim();
  const limit = text === "unlimited" ? Infinity : Number(text);
  return sizes.filter(({ workers }) => {
    if (workers + OTHER_FILES <= limit) return true;
    console.error(
      `Skipping ${workers} workers: a process may open only ${limit} files (ulimit -n)`,
    );
    return false;
  });
}

/** Adds the rows that wanted rows are compared with. */
function withBases(wanted: ReadonlySet<string>): ReadonlySet<string> {
  const own = scale.names.filter((name) => wanted.has(name));
  return new Set([...own, ...own.flatMap((name) => baseOf(name) ?? [])]);
}

function namesOf(size: Size): string[] {
  return Object.entries(FIGURES)
    .filter(([_, { least = 0 }]) => size.workers >= least)
    .map(([figure]) => nameOf(size, figure));
}

function nameOf({ transport, workers }: Size, figure: string): string {
  const prefix = transport === "unix" ? "scale" : `scale-${transport}`;
  return `${prefix}/${workers}/${figure}`;
}

/** Returns the name of a row's figure. */
function keyOf(name: string): string {
  return name.split("/")[2]!;
}

function figureOf(name: string): Figure {
  return FIGURES[keyOf(name)]!;
}

/** The row that a row is compared with, if it is. */
function baseOf(name: string): string | undefined {
  const [prefix, workers, figure] = name.split("/");
  if (!figureOf(name).isFlat || Number(workers) === BASE) return undefined;
  return `${prefix}/${BASE}/${figure}`;
}
