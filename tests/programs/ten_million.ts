/** Maps 10 million integers, and prints the peak memory usage. */

import { Pool } from "../../mod.ts";

const COUNT = 10_000_000;

function* integers(): Generator<number> {
  for (let n = 0; n < COUNT; n++) yield n;
}

/** Returns the peak memory usage of this process. */
function peakMegabytes(): number {
  const status = Deno.readTextFileSync("/proc/self/status");
  return Number(status.match(/VmHWM:\s*(\d+)/)![1]) / 1_000;
}

await using pool = new Pool(2);
let sum = 0;
let halfway = 0;
for await (const y of pool.map((x: number) => x + 1, integers())) {
  sum += y;
  if (y === COUNT / 2) halfway = peakMegabytes();
}
console.log(JSON.stringify({ sum, halfway, megabytes: peakMegabytes() }));
