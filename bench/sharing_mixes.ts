import { Pool } from "../mod.ts";
import { Random } from "../tests/helpers/random.ts";
import {
  type Effort,
  inLoops,
  type Row,
  row,
  Samples,
  scaled,
  seconds,
  type Section,
  spread,
} from "./measure.ts";
import { idealSeconds, shuffled } from "./sharing.ts";
import { wait } from "./wait.ts";

const WORKERS = 4;

/** The number of mixes. */
const MIXES = 100;

/** How many mixes run at the same time, each in a pool of its own. */
const LANES = 4;

/** The shortest and the longest task, in milliseconds. */
const SHORTEST = 0.01;
const LONGEST = 1_000;

/** The least work in a mix, in milliseconds. */
const TOTAL = 10_000;

/** The exponents that decide how many tasks of a mix are short. */
const SKEWS = [1, 4, 16];

/** The most tasks of similar lengths that follow each other in blocks. */
const MAX_BLOCK = 64;

const ORDERS = {
  sorted: (lengths: number[]) => lengths.toSorted((a, b) => a - b),
  reversed: (lengths: number[]) => lengths.toSorted((a, b) => b - a),
  shuffled: (lengths: number[]) => lengths,
  blocks,
};

type Order = keyof typeof ORDERS;

const ORDER_NAMES = Object.keys(ORDERS) as Order[];

/** The kinds of mixes, which take turns. */
const KINDS = [true, false].flatMap((ordered) =>
  SKEWS.flatMap((skew) =>
    ORDER_NAMES.map((order) => ({ ordered, skew, order }))
  )
);

/** The row of all mixes together. */
const ALL = "mixes";

/** Measures maps of tasks of random lengths. */
export const sharingMixes: Section = {
  title: "Random mixes of 10 µs to 1 s, compared with equal shares",
  names: [ALL, ...ORDER_NAMES.map((order) => `${ALL}/${order}`)]
    .map((name) => `sharing/${name}`),
  run,
};

async function run(
  wanted: ReadonlySet<string>,
  effort: Effort,
): Promise<Row[]> {
  const names = sharingMixes.names.filter((name) => wanted.has(name));
  const values = new Samples();
  const inOrder = new Samples();
  const mixes = scaled(MIXES, { ...effort, scale: effort.scale ** 2 });
  const pools = Array.from({ length: LANES }, () => new Pool(WORKERS));
  await Promise.all(pools.map((pool) => pool.ready));
  await inLoops(LANES, mixes, async (seed) => {
    const pool = pools.pop()!;
    const { order, skew, ordered } = KINDS[seed % KINDS.length]!;
    const random = new Random(seed);
    const lengths = makeLengths(random, skew, TOTAL * effort.scale);
    const mix = ORDERS[order](lengths, random);
    const time = await seconds(() =>
      pool.map(wait, mix, { ordered }).toArray()
    );
    const ratio = time / idealSeconds(mix, WORKERS);
    const ratioInOrder = time / secondsInOrder(mix, WORKERS);
    for (const name of [ALL, `${ALL}/${order}`]) {
      values.add(`sharing/${name}`, ratio);
      inOrder.add(`sharing/${name}`, ratioInOrder);
    }
    pools.push(pool);
  });
  await Promise.all(pools.map((pool) => pool.shutdown()));
  return names.map((name) => ({
    ...row(name, "×", values.of(name)),
    ratios: { "in order": spread(inOrder.of(name)) },
  }));
}

/** Returns random lengths of tasks with this total, in milliseconds. */
function makeLengths(random: Random, skew: number, total: number): number[] {
  const lengths: number[] = [];
  for (let sum = 0; sum < total;) {
    const exponent = random.fraction() ** skew;
    const length = SHORTEST * (LONGEST / SHORTEST) ** exponent;
    lengths.push(length);
    sum += length;
  }
  return lengths;
}

/** Puts tasks of similar lengths next to each other, here and there. */
function blocks(lengths: number[], random: Random): number[] {
  const rest = lengths.toSorted((a, b) => a - b);
  const parts: number[][] = [];
  while (rest.length > 0) {
    parts.push(rest.splice(0, 1 + random.below(MAX_BLOCK)));
  }
  return shuffled(parts, random).flat();
}

/**
 * Returns the seconds that the tasks take if each free worker begins the next
 * one. Without knowing the lengths, nothing can be better in that order.
 */
function secondsInOrder(lengths: readonly number[], workers: number): number {
  const ends = new Array<number>(workers).fill(0);
  for (const length of lengths) {
    const first = ends.indexOf(Math.min(...ends));
    ends[first]! += length;
  }
  return Math.max(...ends) / 1_000;
}
