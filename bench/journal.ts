import { Pool } from "../mod.ts";
import {
  type Effort,
  type Row,
  row,
  scaled,
  type Section,
  spread,
} from "./measure.ts";

const ITEMS = 30_000;

/** Measures maps of items of about 200 µs, with and without a journal. */
export const journal: Section = {
  title: "A map with a journal, compared with one without",
  names: ["plain-map", "journal"],
  run,
};

/** Takes about 200 µs of a processor, whatever else runs. */
function work(x: number): number {
  let sum = x;
  for (let step = 0; step < 160_000; step++) {
    sum = (Math.imul(sum, 0x9e37_79b1) ^ step) >>> 0;
  }
  return sum;
}

async function run(
  _wanted: ReadonlySet<string>,
  effort: Effort,
): Promise<Row[]> {
  const items = Array.from(
    { length: scaled(ITEMS, effort) },
    (_, index) => index,
  );
  const folder = await Deno.makeTempDir({ prefix: "bench-journal-" });
  try {
    await using pool = new Pool();
    await pool.map(work, items.slice(0, 2_000)).toArray();
    const plain: number[] = [];
    const recorded: number[] = [];
    for (let run = 0; run < effort.repetitions; run++) {
      plain.push(await rate(pool, items));
      recorded.push(await rate(pool, items, `${folder}/${run}.db`));
    }
    const ratios = recorded.map((rate, run) => rate / plain[run]!);
    return [
      row("plain-map", "/s", plain),
      {
        ...row("journal", "/s", recorded),
        ratios: { "plain-map": spread(ratios) },
      },
    ];
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Maps items one after another, and returns how many there are in a second. */
async function rate(
  pool: Pool,
  items: readonly number[],
  path?: string,
): Promise<number> {
  const options = path === undefined ? {} : { journal: path };
  const begin = performance.now();
  for await (const _ of pool.map(work, items, options));
  return items.length / (performance.now() - begin) * 1_000;
}
