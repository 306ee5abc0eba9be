/** Tasks that can be loaded only with this repository's deno.json. @module */

import { equal } from "@std/assert";

export function areEqual(x: number): boolean {
  return equal(x, 1);
}
