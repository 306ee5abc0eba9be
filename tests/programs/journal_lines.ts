/**
 * Maps numbers with a journal, and prints the results.
 *
 * Arguments: the path of the journal; `"hold"` to keep it open.
 */

import { Pool } from "../../mod.ts";

const [journal, mode] = Deno.args as [string, string | undefined];

await using pool = new Pool(1);
const map = pool.map((x: number) => x * 2, [0, 1, 2], { journal });
if (mode === "hold") {
  await map.next();
  console.error("holds");
  await new Promise(() => setInterval(() => {}, 1_000));
}
console.log((await map.toArray()).join(" "));
