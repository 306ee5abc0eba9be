import { assert, assertEquals } from "@std/assert";
import {
  count,
  lastValueFrom,
  map,
  mergeMap,
  type Observable,
  of,
  range,
  repeat,
  scan,
  tap,
} from "rxjs";
import { gzipSync } from "node:zlib";
import { Pool } from "../../mod.ts";
import { poolMap } from "../../rx.ts";

const VALUES = 1_000;
const BYTES = 1_000_000;

/**
 * How much the process may grow, in bytes. The values take 1 GB in total.
 *
 * Garbage that V8 hasn't collected yet counts, so this is far more than the
 * values that are in use.
 */
const MAX_GROWTH = 500_000_000;

async function pack(bytes: Uint8Array): Promise<Uint8Array> {
  const { gzipSync } = await import("node:zlib");
  return gzipSync(bytes);
}

function makeValue(n: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(BYTES).fill(n);
}

/** Measures how much the process grows while a pipeline runs, in bytes. */
async function growthOf(pipeline: Observable<unknown>): Promise<number> {
  const start = Deno.memoryUsage().rss;
  let most = start;
  await lastValueFrom(pipeline.pipe(
    tap(() => most = Math.max(most, Deno.memoryUsage().rss)),
    count(),
  ));
  return most - start;
}

const mean = scan(
  (mean: number, value: number, index: number) =>
    mean + (value - mean) / (index + 1),
  0,
);

Deno.test("poolMap() packs one value a thousand times in little memory", async () => {
  await using pool = new Pool(2);
  let last = 0;
  const pipeline = of(makeValue(65)).pipe(
    repeat(VALUES),
    poolMap(pool, pack),
    map((packed) => packed.length),
    mean,
    tap((value) => last = value),
  );
  const growth = await growthOf(pipeline);
  assertEquals(Math.round(last), gzipSync(makeValue(65)).length);
  assert(growth < MAX_GROWTH, `The process grew by ${growth} bytes`);
});

Deno.test("poolMap() in mergeMap packs a thousand values in little memory", async () => {
  await using pool = new Pool(2);
  let sum = 0;
  const pipeline = range(0, VALUES).pipe(
    mergeMap((n) => of(makeValue(n)).pipe(poolMap(pool, pack)), 8),
    tap((packed) => sum += packed.length),
  );
  const growth = await growthOf(pipeline);
  const sizes = Array.from(
    { length: 256 },
    (_, n) => gzipSync(makeValue(n)).length,
  );
  let expected = 0;
  for (let n = 0; n < VALUES; n++) expected += sizes[n % 256]!;
  assertEquals(sum, expected);
  assert(growth < MAX_GROWTH, `The process grew by ${growth} bytes`);
});
