/**
 * Maps events in a pool: with RxJS, and with Web Streams.
 *
 * Run it with `deno run -A examples/pool_map.ts`.
 *
 * @module
 */

import { Pool } from "@distex/pool";
import { poolMap } from "@distex/pool/rx";
import { fromEvent, lastValueFrom, map, take, toArray } from "rxjs";

const root = (x: number) => {
  if (x < 0) throw new RangeError(`${x} has no root`);
  return Math.sqrt(x);
};

const options = { chunkSize: 1, ordered: true, timeout: 60_000 };

await using pool = new Pool(2);

// An operator appends a map to a source of events.
const sensor = new EventTarget();
const roots = lastValueFrom(
  fromEvent<CustomEvent<number>>(sensor, "measured").pipe(
    take(3),
    map((event) => event.detail),
    poolMap(pool, root, options),
    toArray(),
  ),
);
for (const detail of [1, 4, 9]) {
  sensor.dispatchEvent(new CustomEvent("measured", { detail }));
}
console.log("RxJS:", await roots);

// A transform stream is between a source and a reader.
const stream = ReadableStream.from([16, 25, 36])
  .pipeThrough(pool.transform(root, options));
console.log("Web Streams:", await Array.fromAsync(stream));

// An error ends both, after the results before it.
const failing = ReadableStream.from([49, -1, 64])
  .pipeThrough(pool.transform(root, options));
try {
  for await (const value of failing) console.log("before the error:", value);
} catch (error) {
  console.log("error:", String(error));
}
