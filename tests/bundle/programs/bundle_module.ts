/** Bundles the module given, and writes why it can't be. @module */

import { denoBundle } from "../../../src/bundle/deno_bundle.ts";

try {
  await denoBundle(Deno.args[0]!, undefined);
} catch (error) {
  console.log((error as Error).message);
}
