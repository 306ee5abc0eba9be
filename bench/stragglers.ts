import { bind, Pool } from "../mod.ts";
import {
  type Effort,
  type Row,
  row,
  seconds,
  type Section,
  spread,
} from "./measure.ts";
import { idealSeconds } from "./sharing.ts";
import { straggle } from "./wait.ts";

const WORKERS = 4;

/** How long an item takes, in milliseconds. */
const LENGTH = 100;

/** How many times as long a straggler takes. */
const FACTOR = 10;

const ROWS = { "straggler": false, "straggler/speculate": true };

/** Measures maps of equal items, of which the last takes long the first time. */
export const stragglers: Section = {
  title: "A map with one straggler, compared with equal shares",
  names: Object.keys(ROWS),
  run,
};

async function run(
  wanted: ReadonlySet<string>,
  { repetitions, scale }: Effort,
): Promise<Row[]> {
  const items = Array.from(
    { length: Math.round(80 * scale) },
    (_, index) => index,
  );
  const lengths = new Array<number>(items.length).fill(LENGTH);
  const ideal = idealSeconds(lengths, WORKERS);
  await using pool = new Pool(WORKERS);
  await pool.ready;
  const rows: Row[] = [];
  for (const [name, speculate] of Object.entries(ROWS)) {
    if (!wanted.has(name)) continue;
    const runner = pool.with({ speculate });
    const times: number[] = [];
    while (times.length < repetitions) {
      const path = await Deno.makeTempFile({ prefix: "bench-straggler-" });
      const task = bind(straggle, path, items.length - 1, LENGTH, FACTOR);
      // In order, the last item begins last.
      const map = () => Array.fromAsync(runner.map(task, items));
      times.push(await seconds(map));
      // Otherwise, the first run goes on beside the next map.
      await pool.runOnAll(() => {});
      await Deno.remove(path).catch(() => {});
    }
    const ratios = { ideal: spread(times.map((time) => time / ideal)) };
    rows.push({ ...row(name, "s", times), ratios });
  }
  return rows;
}
