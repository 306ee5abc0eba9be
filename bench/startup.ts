import { Pool, type PoolOptions } from "../mod.ts";
import {
  type Effort,
  type Row,
  row,
  Samples,
  seconds,
  type Section,
} from "./measure.ts";
import { storeBundle } from "./store_bundle.ts";

const SIZES = [1, 2, 8];

/** Measures the start and the shutdown of pools. */
export const startup: Section = {
  title: "Start until ready, and shutdown",
  names: SIZES.flatMap((workers) => [`start/${workers}`, `stop/${workers}`]),
  run,
};

async function run(
  wanted: ReadonlySet<string>,
  { repetitions }: Effort,
): Promise<Row[]> {
  const sizes = SIZES.filter((workers) =>
    wanted.has(`start/${workers}`) || wanted.has(`stop/${workers}`)
  );
  await storeBundle();
  await startAndStop({ workers: 1 });
  const values = new Samples();
  for (let turn = 0; turn < repetitions; turn++) {
    for (const workers of sizes) {
      const { start, stop } = await startAndStop({ workers });
      values.add(`start/${workers}`, start);
      values.add(`stop/${workers}`, stop);
    }
  }
  return sizes.flatMap((workers) =>
    [`start/${workers}`, `stop/${workers}`].map((name) =>
      row(name, "ms", values.of(name))
    )
  );
}

/** Starts and shuts down a pool; returns the milliseconds of each. */
export async function startAndStop(
  options: PoolOptions,
): Promise<{ start: number; stop: number }> {
  let pool: Pool | undefined;
  try {
    const start = await seconds(async () => {
      pool = new Pool(options);
      await pool.ready;
    });
    const stop = await seconds(async () => await pool?.shutdown());
    return { start: start * 1_000, stop: stop * 1_000 };
  } finally {
    await pool?.shutdown();
  }
}
