/**
 * Runs timers in two processes, ten at a time in each.
 *
 * Run it with `deno run -A examples/async_timer.ts`.
 *
 * @module
 */

import { Pool } from "@distex/pool";
import { delay } from "@std/async/delay";

declare global {
  var timersStart: number;
}

/** Runs first in each worker, and sets a global that tasks read. */
const initializer = () => {
  globalThis.timersStart = performance.now();
};

/** Runs in the workers, which run other timers while this one waits. */
const timer = async (name: string) => {
  await new Promise((resolve) => setTimeout(resolve, 500));
  const elapsed = Math.round(performance.now() - globalThis.timersStart);
  return `${name}, done ${elapsed} ms after the start`;
};

/** Runs in this process. Each task begins when its item arrives. */
async function* names(): AsyncGenerator<string> {
  for (let number = 1; number <= 20; number++) {
    await delay(25);
    yield `timer ${number}`;
  }
}

await using pool = new Pool({ workers: 2, concurrency: 10, initializer });
for await (const line of pool.map(timer, names())) console.log(line);
await pool.runOnAll(initializer);
for (const line of await pool.runOnAll(timer, "one more")) {
  console.log("All clocks are reset:", line);
}
