/**
 * Checks whether a pool can use hosts, step by step, and how fast they are:
 * `deno run -A jsr:@distex/pool/doctor --token-file token ssh://maxi/8 mini/2`
 *
 * Where a step fails it says why and what may help. With `--help` it tells how
 * it is used.
 *
 * @module
 */

import { runDoctor } from "./src/doctor/run_doctor.ts";

if (import.meta.main) Deno.exit(await runDoctor(Deno.args));
