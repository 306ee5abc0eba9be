/**
 * Uses a pool as an executor of PEP 3148: submits tasks, and asks their futures
 * for the outcome.
 *
 * Run it with `deno run -A examples/futures.ts`.
 *
 * @module
 */

import { Pool } from "@distex/pool";

const power = (base: number, exponent: number) => base ** exponent;

const forever = () => new Promise<never>(() => {});

await using pool = new Pool(2);

// A future is a promise that also reports its state.
const future = pool.submit(power, 2, 10);
console.log("done before:", future.done());
future.then((value) => console.log("callback:", value));
console.log("result:", await future);
console.log("done after:", future.done());

// run() submits a task of which only the result matters.
console.log("run:", await pool.run(power, 3, 4));

// An error arrives with its class and message.
const failing = pool.submit((reason: string) => {
  throw new RangeError(reason);
}, "too much");
const error: unknown = await failing.catch((error) => error);
console.log("exception:", error instanceof RangeError, String(error));

// Unlike in Python, a task that runs can be cancelled too.
const cancelled = pool.submit(forever);
console.log("cancel:", cancelled.cancel(), cancelled.cancelled());

// A time limit is an option of the call.
try {
  await pool.with({ timeout: 100 }).run(forever);
} catch (error) {
  const isTimeout = error instanceof DOMException &&
    error.name === "TimeoutError";
  console.log("timeout:", isTimeout);
}
