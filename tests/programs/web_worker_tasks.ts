/** Tasks that require this repository's deno.json to load. @module */

import { equal } from "@std/assert";

export function areEqual(x: number): boolean {
  return equal(x, 1);
}
