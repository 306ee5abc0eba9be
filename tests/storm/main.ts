/**
 * Runs a storm and prints its report. The exit code is 1 if anything was wrong.
 *
 * Usage: deno task test:storm [--seed n] [--tasks n | --minutes m] [--pause n]
 * [--codec structured] [--clusters]
 *
 * With `--clusters`, workers also join by themselves and run in jobs of the
 * batch systems that are installed, hosts come and go, and the number of local
 * workers changes with the work. With `--minutes` it also cuts hosts off, where that is possible. `--pause` is
 * the average number of finished tasks between two disturbances. With an even
 * seed, workers run four async tasks at a time. If three divides the seed,
 * workers share the connections of their hosts.
 *
 * @module
 */

import { parseArgs } from "@std/cli/parse-args";
import { networkProblem } from "../helpers/network.ts";
import { sshdProblem } from "../helpers/ssh_server.ts";
import { Clusters } from "./clusters.ts";
import type { Disturbed } from "./plan.ts";
import { StormSite } from "./site.ts";
import { storm, type StormOptions } from "./storm.ts";

const TASKS = 200_000;

/** The average number of finished tasks between two disturbances. */
const PAUSE = 1_500;

function readOptions(args: string[]): StormOptions & Disturbed {
  const flags = parseArgs(args, {
    string: ["seed", "tasks", "minutes", "pause", "codec"],
    boolean: ["tied", "clusters"],
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
    codec: (flags.codec ?? "msgpack") as StormOptions["codec"],
    network: isLong,
    clusters: flags.clusters,
  };
}

/** Ends the storm when the process that started it has ended. */
async function endWithInput(): Promise<never> {
  for await (const _ of Deno.stdin.readable);
  Deno.exit(2);
}

const { network, clusters, ...options } = readOptions(Deno.args);
console.log(`seed ${options.seed}`);
if (sshdProblem !== undefined) console.log(`without ssh: ${sshdProblem}`);
if (network && networkProblem !== undefined) {
  console.log(`without network: ${networkProblem}`);
}

for (const problem of clusters ? Clusters.problems : []) {
  console.log(`without a cluster: ${problem}`);
}

let failed: boolean;
{
  await using site = await StormSite.start({
    network: network && networkProblem === undefined,
    clusters,
  });
  const { faults, events, ...report } = await storm(site, options);
  console.log(JSON.stringify(report, undefined, 2));
  failed = faults.length > 0;
  if (failed) {
    console.log(`The last events:\n${events.join("\n")}`);
    console.log(`${faults.length} faults:\n${faults.slice(0, 50).join("\n")}`);
    console.log(`To try again: deno task test:storm --seed ${options.seed}`);
  }
}
// Work that hangs would keep the program alive.
Deno.exit(failed ? 1 : 0);
