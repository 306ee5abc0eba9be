/**
 * Bundles the module in the first argument, and prints the error if that fails.
 * The other arguments, such as `DENO_DIR=folder`, set environment variables.
 *
 * @module
 */

import { denoBundle } from "../../src/bundle/deno_bundle.ts";

const [module, ...variables] = Deno.args;
for (const variable of variables) {
  const [name, value] = variable.split("=");
  Deno.env.set(name!, value!);
}
try {
  await denoBundle(module!, undefined);
} catch (error) {
  console.log((error as Error).message);
}
