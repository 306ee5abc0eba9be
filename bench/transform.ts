import { Pool } from "../mod.ts";
import {
  compare,
  type Effort,
  type Row,
  scaled,
  type Section,
} from "./measure.ts";
import {
  checkCount,
  countByLoop,
  increment,
  integers,
  rate,
} from "./throughput.ts";

/** The number of values that the source makes at a time. */
const BATCH = 256;

/** Measures values per second through a transform, beside those of a map. */
export const transform: Section = {
  title: "Transform, 2 workers",
  names: [
    "map/array",
    "map/stream",
    "identity",
    "transform/for-await",
    "transform/pipe-to",
  ],
  run,
};

async function run(
  wanted: ReadonlySet<string>,
  effort: Effort,
): Promise<Row[]> {
  await using pool = new Pool(2);
  await pool.ready;
  const items = integers(scaled(1_000_000, effort));
  const count = items.length;
  const countAll = async (results: AsyncIterable<unknown>) =>
    checkCount(await countByLoop(results), count);
  const transformed = () =>
    stream(items).pipeThrough(pool.transform(increment));
  const limits = [
    rate("map/array", count, () => countAll(pool.map(increment, items))),
    rate(
      "map/stream",
      count,
      () => countAll(pool.map(increment, stream(items))),
    ),
    rate(
      "identity",
      count,
      () => countAll(stream(items).pipeThrough(new TransformStream())),
    ),
  ];
  const candidates = [
    rate("transform/for-await", count, () => countAll(transformed())),
    rate("transform/pipe-to", count, async () => {
      let written = 0;
      await transformed().pipeTo(
        new WritableStream({ write: () => void written++ }),
      );
      checkCount(written, count);
    }),
  ];
  return await compare(
    limits,
    candidates.filter(({ name }) => wanted.has(name)),
    "/s",
    effort,
  );
}

/** Makes a stream of items that costs little itself. */
function stream(items: readonly number[]): ReadableStream<number> {
  let next = 0;
  return new ReadableStream({
    pull(controller) {
      const end = Math.min(next + BATCH, items.length);
      while (next < end) controller.enqueue(items[next++]!);
      if (next === items.length) controller.close();
    },
  }, { highWaterMark: 0 });
}
