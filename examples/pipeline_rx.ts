/**
 * Packs a thousand values of 1 MB in the pool, and averages their packed sizes,
 * with RxJS: first the same value again and again, then a thousand different
 * ones.
 *
 * Run it with `deno run -A examples/pipeline_rx.ts`.
 *
 * @module
 */

import { Pool } from "@distex/pool";
import { poolMap } from "@distex/pool/rx";
import {
  lastValueFrom,
  map,
  mergeMap,
  of,
  type OperatorFunction,
  range,
  repeat,
  scan,
} from "rxjs";

const VALUES = 1_000;
const BYTES = 1_000_000;

/** Runs in the workers. */
async function pack(bytes: Uint8Array): Promise<Uint8Array> {
  const { gzipSync } = await import("node:zlib");
  return gzipSync(bytes);
}

/** Emits the mean of the values so far. */
function mean(): OperatorFunction<number, number> {
  return scan(
    (mean, value, index) => mean + (value - mean) / (index + 1),
    0,
  );
}

await using pool = new Pool();

// All values wait in the queue of `poolMap`, but they are one array.
const same = of(new Uint8Array(BYTES).fill(65)).pipe(
  repeat(VALUES),
  poolMap(pool, pack),
  map((packed) => packed.length),
  mean(),
);
console.log("The same value:", await lastValueFrom(same));

// A thousand arrays would need 1 GB there. `mergeMap` makes a new one only when
// an earlier one is done, so a few are in memory at a time.
const different = range(0, VALUES).pipe(
  mergeMap(
    (n) => of(new Uint8Array(BYTES).fill(n)).pipe(poolMap(pool, pack)),
    4 * navigator.hardwareConcurrency,
  ),
  map((packed) => packed.length),
  mean(),
);
console.log("Different values:", await lastValueFrom(different));
