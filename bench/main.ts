/**
 * Measures the pool: `deno task bench`, see README.md.
 *
 * @module
 */

import { besideMap } from "./beside_map.ts";
import { elastic } from "./elastic.ts";
import { fairness } from "./fairness.ts";
import { gc } from "./gc.ts";
import { journal } from "./journal.ts";
import { latency } from "./latency.ts";
import type { Section } from "./measure.ts";
import { memory } from "./memory.ts";
import { payload } from "./payload.ts";
import { runProgram } from "./program.ts";
import { remote } from "./remote.ts";
import { scale } from "./scale.ts";
import { sharing } from "./sharing.ts";
import { sharingMixes } from "./sharing_mixes.ts";
import { spawnerStartup } from "./spawner_startup.ts";
import { sshStartup } from "./ssh_startup.ts";
import { stall } from "./stall.ts";
import { startup } from "./startup.ts";
import { startMany } from "./start_many.ts";
import { stragglers } from "./stragglers.ts";
import { streams } from "./streams.ts";
import { throughput } from "./throughput.ts";
import { transform } from "./transform.ts";

/** All sections, in the order in which they run. */
export const SECTIONS: readonly Section[] = [
  throughput,
  transform,
  latency,
  besideMap,
  payload,
  stall,
  streams,
  sharing,
  sharingMixes,
  stragglers,
  journal,
  fairness,
  remote,
  startup,
  startMany,
  sshStartup,
  spawnerStartup,
  elastic,
  scale,
  memory,
  gc,
];

if (import.meta.main) {
  await runProgram({
    help: "Measures the throughput, latency and memory of a pool.",
    task: "bench",
    sections: SECTIONS,
  });
}
