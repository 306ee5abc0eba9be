/**
 * Tries the scheduler with random work and workers. The exit code is 1 if
 * anything was wrong.
 *
 * `deno run -A tests/trial/main.ts [--seed <first>] [--count <number>]`
 *
 * @module
 */

import { parseArgs } from "@std/cli/parse-args";
import { trial } from "./trial.ts";

/** How many trials are made if `--count` isn't given. */
const COUNT = 10_000;

const flags = parseArgs(Deno.args, { string: ["seed", "count"] });
const random = crypto.getRandomValues(new Uint32Array(1))[0]!;
const seed = Number(flags.seed ?? random);
const count = Number(flags.count ?? (flags.seed === undefined ? COUNT : 1));
console.log(`${count} trials from seed ${seed}`);
const failed: number[] = [];
for (let next = seed; next < seed + count; next++) {
  // If a trial never ends, the last line has its hundred.
  if (next > seed && next % 100 === 0) console.log(`at seed ${next}`);
  try {
    await trial(next);
  } catch (error) {
    console.log((error as Error).message);
    failed.push(next);
  }
}
console.log(`${failed.length} failed: ${failed.join(", ")}`);
Deno.exit(failed.length > 0 ? 1 : 0);
