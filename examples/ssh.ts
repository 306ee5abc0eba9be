/**
 * Squares a hundred numbers in four processes on this machine and eight on
 * another one, which it reaches by ssh.
 *
 * Run it with `deno run -A examples/ssh.ts ssh://maxi/8`. The other machine
 * needs an ssh server that lets you log in without a prompt, and `deno`.
 *
 * @module
 */

import { Pool } from "@distex/pool";

const square = (x: number) => x * x;

const [host = "ssh://maxi/8"] = Deno.args;
await using pool = new Pool(4, host);
for await (const y of pool.map(square, Array(100).keys())) console.log(y);
for (const { name, workers } of pool.stats().hosts) {
  console.log(`${name}: ${workers} workers`);
}
