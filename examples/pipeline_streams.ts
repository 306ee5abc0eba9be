/**
 * Compresses 1,000 values of 1 MB in a pipeline of Web Streams, and prints the
 * mean of the compressed lengths. The pool is one stage of the pipeline. It takes
 * values only as fast as it compresses them, so few are in memory at a time.
 *
 * Run it with `deno run -A examples/pipeline_streams.ts`.
 *
 * @module
 */

import { Pool } from "@distex/pool";

/** The values. */
function* data(): Generator<Uint8Array> {
  for (let count = 0; count < 1_000; count++) {
    yield new Uint8Array(1_000_000).fill(65);
  }
}

/** Runs in the workers. */
async function compress(bytes: Uint8Array): Promise<Uint8Array> {
  const { gzipSync } = await import("node:zlib");
  return gzipSync(bytes);
}

/** A stage that calls a function with each value. */
function map<In, Out>(call: (value: In) => Out): TransformStream<In, Out> {
  return new TransformStream({
    transform: (value, controller) => controller.enqueue(call(value)),
  });
}

/** A stage that yields the mean of all numbers so far. */
function mean(): TransformStream<number, number> {
  let sum = 0;
  let count = 0;
  return map((value) => (sum += value) / ++count);
}

/** Returns the last value. */
async function last<T>(values: AsyncIterable<T>): Promise<T | undefined> {
  let last: T | undefined;
  for await (const value of values) last = value;
  return last;
}

await using pool = new Pool();
const means = ReadableStream.from(data())
  .pipeThrough(pool.transform(compress))
  .pipeThrough(map((compressed) => compressed.length))
  .pipeThrough(mean());
console.log(`On average, 1 MB becomes ${await last(means)} bytes`);
