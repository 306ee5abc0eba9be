/**
 * Shows the progress of a map and prints lines meanwhile, in several ways. The
 * argument is how the program ends.
 */

import { Pool } from "../../mod.ts";
import { showProgress } from "../../progress.ts";

const [end] = Deno.args;
const shown = Promise.withResolvers<string>();

function print(x: number): number {
  console.log(`task ${x} prints a line`);
  return x;
}

const pool = new Pool(2);
const map = pool.map(print, Array.from({ length: 20 }, (_, n) => n), {
  onProgress: ({ phase }) => {
    if (phase !== "ended") shown.resolve("log");
  },
});
const bytes = (text: string) => new TextEncoder().encode(text);
const results = showProgress(map, { clear: end === "clear" });

/** Ways to end after five results. */
const ENDS: Record<string, () => unknown> = {
  exit: () => Deno.exit(3),
  throw: () => {
    // Nobody handles this error, and the map still runs.
    queueMicrotask(() => {
      throw new Error("no more");
    });
    return new Promise<never>(() => {});
  },
  reject: () => {
    Promise.reject(new Error("no more"));
    return new Promise<never>(() => {});
  },
  return: () => results.return!(),
  wait: () => {
    console.log("waiting");
    return new Promise<never>((_, reject) => setTimeout(reject, 600_000));
  },
};

/** Leaves the loop without ending the map. */
function abandon(): AsyncIterable<number> {
  return { [Symbol.asyncIterator]: () => ({ next: () => results.next() }) };
}

for await (const x of end === "abandon" ? abandon() : results) {
  // The function is looked up before the bar is drawn, and called afterwards.
  console.log(`${x}: console.%s`, await shown.promise);
  console.error(`${x}: console.error`);
  Deno.stdout.writeSync(bytes(`${x}: write`));
  Deno.stdout.writeSync(bytes("Sync\n"));
  await Deno.stderr.write(bytes(`${x}: write\n`));
  if (x < 4) continue;
  if (end === "abandon") break;
  if (x === 4) await ENDS[end!]?.();
}
if (end !== "abandon") await pool.shutdown();
console.log("the end");
