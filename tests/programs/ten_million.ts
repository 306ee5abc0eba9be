/** Maps 10 million integers and says how much memory that took at the most. */

import { Pool } from "../../mod.ts";

function* integers(count: number): Generator<number> {
  for (let n = 0; n < count; n++) yield n;
}

await using pool = new Pool(2);
let sum = 0;
for await (const y of pool.map((x: number) => x + 1, integers(10_000_000))) {
  sum += y;
}
const status = Deno.readTextFileSync("/proc/self/status");
const kilobytes = Number(status.match(/VmHWM:\s*(\d+)/)![1]);
console.log(JSON.stringify({ sum, megabytes: kilobytes / 1_000 }));
