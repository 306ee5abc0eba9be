import { bind, Pool } from "../mod.ts";
import { makePayload, PAYLOAD_BYTES } from "./bare_worker.ts";
import {
  type Candidate,
  compare,
  type Effort,
  inLoops,
  type Row,
  scaled,
  seconds,
  type Section,
} from "./measure.ts";

/** Tiny values in a repetition. */
const VALUES = 1_000_000;

/** Payloads in a repetition. */
const PAYLOADS = 512;

/** Calls in flight of the row that payloads are compared with. */
const DEPTH = 16;

const SMALL = ["values/map", "values/stream", "values/stream-async"];
const FLAT = ["values/flatten-one", "values/flatten-pairs", "values/argument"];
const LARGE = ["bytes/run", "bytes/stream", "bytes/argument"];

/** Measures values that travel one by one, beside a map and beside calls. */
export const streams: Section = {
  title: "Streams, 2 workers",
  names: [...SMALL, ...FLAT, ...LARGE],
  run,
};

async function run(
  wanted: ReadonlySet<string>,
  effort: Effort,
): Promise<Row[]> {
  await using pool = new Pool(2);
  await pool.ready;
  const [map, ...small] = smallValues(pool, scaled(VALUES, effort));
  const [call, ...large] = payloads(pool, scaled(PAYLOADS, effort));
  const rows: Row[] = [];
  for (
    const { limit, candidates, unit } of [
      { limit: map!, candidates: small, unit: "/s" },
      { limit: call!, candidates: large, unit: "GB/s" },
    ]
  ) {
    const chosen = candidates.filter(({ name }) => wanted.has(name));
    if (chosen.length === 0 && !wanted.has(limit.name)) continue;
    rows.push(...await compare([limit], chosen, unit, effort));
  }
  return rows;
}

function* range(end: number): Generator<number> {
  for (let value = 0; value < end; value++) yield value;
}

async function* asyncRange(end: number): AsyncGenerator<number> {
  for (let value = 0; value < end; value++) yield value;
}

function* pair(value: number): Generator<number> {
  yield value;
  yield value;
}

async function count(values: ReadableStream<number>): Promise<number> {
  let count = 0;
  for await (const _ of values) count++;
  return count;
}

/** Returns how many values are read per second; the first one is the map. */
function smallValues(pool: Pool, values: number): Candidate[] {
  const candidate = (name: string, read: () => AsyncIterable<unknown>) => ({
    name,
    measure: async () => values / await seconds(() => readAll(read())),
  });
  return [
    candidate(
      "values/map",
      () => pool.map((value: number) => value, range(values)),
    ),
    candidate("values/stream", () => pool.stream(range, values)),
    candidate("values/stream-async", () => pool.stream(asyncRange, values)),
    candidate("values/flatten-one", () => pool.map(range, [values])),
    candidate("values/flatten-pairs", () => pool.map(pair, range(values / 2))),
    {
      name: "values/argument",
      measure: async () =>
        values / await seconds(() => pool.run(count, asyncRange(values))),
    },
  ];
}

/** Returns how many gigabytes move per second; the first one is by calls. */
function payloads(pool: Pool, count: number): Candidate[] {
  const payload = makePayload();
  const give = bind((bytes: Uint8Array<ArrayBuffer>) => bytes, payload);
  const giveMany = bind(repeat, payload);
  const candidate = (name: string, work: () => Promise<unknown>) => ({
    name,
    measure: async () => count * PAYLOAD_BYTES / 1e9 / await seconds(work),
  });
  return [
    candidate(
      "bytes/run",
      () => inLoops(DEPTH, count, () => pool.run(give)),
    ),
    candidate("bytes/stream", () => readAll(pool.stream(giveMany, count))),
    candidate("bytes/argument", () =>
      pool.run(
        async (values: ReadableStream<Uint8Array>) => {
          let bytes = 0;
          for await (const value of values) bytes += value.length;
          return bytes;
        },
        ReadableStream.from(repeat(payload, count)),
      )),
  ];
}

function* repeat<Value>(value: Value, times: number): Generator<Value> {
  for (let time = 0; time < times; time++) yield value;
}

async function readAll(values: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of values);
}
