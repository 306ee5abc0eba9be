/**
 * Uses a pool as an executor of PEP 3148: submits tasks, and asks their futures
 * for the outcome.
 *
 * Run it with `deno run -A examples/futures.ts`.
 *
 * @module
 */

import { asCompleted, Pool, wait } from "@distex/pool";

const power = (base: number, exponent: number) => base ** exponent;

const forever = () => new Promise<never>(() => {});

await using pool = new Pool(2);

// A future is a promise that also reports its state.
const future = pool.submit(power, 2, 10);
console.log("done before:", future.done());
future.addDoneCallback((done) => console.log("callback:", done.done()));
console.log("result:", await future);
console.log("done after:", future.done());

// run() submits a task of which only the result matters.
console.log("run:", await pool.run(power, 3, 4));

// An error arrives with its class and message.
const failing = pool.submit((reason: string) => {
  throw new RangeError(reason);
}, "too much");
const error = await failing.exception();
console.log("exception:", error instanceof RangeError, String(error));

// Unlike in Python, a task that runs can be cancelled too.
const cancelled = pool.submit(forever);
console.log("cancel:", cancelled.cancel(), cancelled.cancelled());

// Many futures, as they are done, or all of them.
const powers = [1, 2, 3].map((x) => pool.submit(power, x, 2));
let sum = 0;
for await (const done of asCompleted(powers)) sum += await done;
console.log("sum:", sum, "not done:", (await wait(powers)).notDone.size);

// A time limit is an option of the call.
try {
  await pool.with({ timeout: 100 }).run(forever);
} catch (error) {
  const isTimeout = error instanceof DOMException &&
    error.name === "TimeoutError";
  console.log("timeout:", isTimeout);
}
