/**
 * Bundles the module that is the first argument, and prints why that fails. The
 * other arguments, such as `DENO_DIR=folder`, set variables for the bundler.
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
