/**
 * Feeds the protocol a million random inputs.
 *
 * `deno run -A bench/fuzz.ts [--seed <number>] [--inputs <number>]`
 *
 * @module
 */

import { parseArgs } from "@std/cli/parse-args";
import { fuzz, type Trial } from "../tests/fuzz/fuzz.ts";
import {
  tryAgentSession,
  tryRemoteAgent,
} from "../tests/fuzz/agents_target.ts";
import { tryDecoder, tryReader } from "../tests/fuzz/frames_target.ts";
import { tryGraphs, tryV8Data } from "../tests/fuzz/graphs_target.ts";
import {
  recordHandshakes,
  tryMiddle,
  tryReplay,
} from "../tests/fuzz/handshakes_target.ts";
import {
  tryExecutor,
  tryWorkerHandle,
} from "../tests/fuzz/endpoints_target.ts";

const recordings = await recordHandshakes();

/** The trials, and how many of a thousand inputs each gets. */
const TRIALS: readonly [name: string, share: number, trial: Trial][] = [
  ["decoder", 580, tryDecoder],
  ["graphs", 50, tryGraphs],
  ["data of V8's serializer", 150, tryV8Data],
  ["frame reader", 100, tryReader],
  ["handshake, replayed", 80, (random) => tryReplay(random, recordings)],
  ["handshake, changed on the way", 20, tryMiddle],
  ["worker handle", 8, tryWorkerHandle],
  ["executor", 2, tryExecutor],
  ["pool's end of an agent", 5, tryRemoteAgent],
  ["agent's session", 5, tryAgentSession],
];

const flags = parseArgs(Deno.args, { string: ["seed", "inputs"] });
const seed = Number(flags.seed ?? crypto.getRandomValues(new Uint32Array(1)));
const inputs = Number(flags.inputs ?? 1_000_000);
const begin = performance.now();
console.log(`seed ${seed}`);
for (const [name, share, trial] of TRIALS) {
  const count = Math.ceil(inputs * share / 1_000);
  const before = performance.now();
  await fuzz(name, count, trial, seed);
  const rate = count / (performance.now() - before) * 1_000;
  console.log(`${name}: ${count} inputs, ${rate.toFixed(0)} in a second`);
}
const seconds = (performance.now() - begin) / 1_000;
const { rss } = Deno.memoryUsage();
console.log(
  `${inputs} inputs in ${seconds.toFixed(1)} s, ${
    (inputs / seconds).toFixed(0)
  } in a second, ${(rss / 2 ** 20).toFixed(0)} MiB in use: nothing found`,
);
