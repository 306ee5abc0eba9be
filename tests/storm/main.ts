/**
 * Makes a storm and tells what has become of it; with exit code 1 if something
 * was wrong.
 *
 * Usage: deno task test:storm [--seed n] [--tasks n | --minutes m] [--pause n]
 *
 * With `--minutes` hosts are cut off too, where that can be done. `--pause` is
 * how many tasks finish between two disturbances, on average.
 *
 * @module
 */

import { parseArgs } from "@std/cli/parse-args";
import { networkProblem } from "../helpers/network.ts";
import { sshdProblem } from "../helpers/ssh_server.ts";
import { StormSite } from "./site.ts";
import { storm, type StormOptions } from "./storm.ts";

const TASKS = 200_000;

/** How many tasks finish between two disturbances, on average. */
const PAUSE = 1_500;

function readOptions(args: string[]): StormOptions & { network: boolean } {
  const flags = parseArgs(args, {
    string: ["seed", "tasks", "minutes", "pause"],
    boolean: ["tied"],
    unknown: (arg) => {
      throw new TypeError(`There is no option '${arg}'`);
    },
  });
  if (flags.tied) endWithInput();
  const random = crypto.getRandomValues(new Uint32Array(1))[0]!;
  const minutes = flags.minutes === undefined ? undefined : +flags.minutes;
  const isLong = minutes !== undefined;
  return {
    seed: Number(flags.seed ?? random),
    tasks: Number(flags.tasks ?? (isLong ? Infinity : TASKS)),
    duration: isLong ? minutes * 60_000 : Infinity,
    pause: Number(flags.pause ?? PAUSE),
    network: isLong,
  };
}

/** Ends the storm when the one who has begun it is gone. */
async function endWithInput(): Promise<never> {
  for await (const _ of Deno.stdin.readable);
  Deno.exit(2);
}

const { network, ...options } = readOptions(Deno.args);
console.log(`seed ${options.seed}`);
if (sshdProblem !== undefined) console.log(`without ssh: ${sshdProblem}`);
if (network && networkProblem !== undefined) {
  console.log(`without network: ${networkProblem}`);
}

let failed: boolean;
{
  await using site = await StormSite.start(
    network && networkProblem === undefined,
  );
  const { faults, events, ...report } = await storm(site, options);
  console.log(JSON.stringify(report, undefined, 2));
  failed = faults.length > 0;
  if (failed) {
    console.log(`The last events:\n${events.join("\n")}`);
    console.log(`${faults.length} faults:\n${faults.slice(0, 50).join("\n")}`);
    console.log(`To try again: deno task test:storm --seed ${options.seed}`);
  }
}
// What has hung would keep the program from ending.
Deno.exit(failed ? 1 : 0);
