/** Bundles the given module, and prints why that fails. @module */

import { denoBundle } from "../../../src/bundle/deno_bundle.ts";

try {
  await denoBundle(Deno.args[0]!, undefined);
} catch (error) {
  console.log((error as Error).message);
}
