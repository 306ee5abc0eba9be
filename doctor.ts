/**
 * Checks whether a pool can use hosts, step by step, and measures them:
 * `deno run -A jsr:@distex/pool/doctor --token-file token ssh://maxi/8 mini/2`
 *
 * If a step fails, it prints the reason and suggests what to do. `--help`
 * prints all options.
 *
 * @module
 */

import { runDoctor } from "./src/doctor/run_doctor.ts";

if (import.meta.main) Deno.exit(await runDoctor(Deno.args));
