/**
 * Squares a hundred numbers in four processes.
 *
 * Run it with `deno run -A examples/squares.ts`.
 *
 * @module
 */

import { Pool } from "@distex/pool";

const square = (x: number) => x * x;

await using pool = new Pool(4);
for await (const y of pool.map(square, Array(100).keys())) console.log(y);
