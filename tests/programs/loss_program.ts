/**
 * Creates a pool without shutting it down, loses its worker, and prints the
 * lost workers. Then it exits before a replacement is ready: during the delay,
 * or while the replacement starts (when stdin closes). Or it waits for a map to
 * run on the replacement.
 */

import { Pool } from "../../mod.ts";
import { look, lossOf } from "./loss_fixture.ts";

const [when, folder] = Deno.args;
const preload = `${folder}/preload.js`;
Deno.writeTextFileSync(preload, "");
const pool = new Pool({
  workers: 1,
  denoArgs: ["--preload", preload],
  stdio: "inherit",
});
const workers: { pid: number; address: string }[] = [];
const losses = when === "start" ? 1 : 4;
for (let count = 1; count <= losses; count++) {
  workers.push(await pool.run(look));
  if (when === "start") {
    Deno.copyFileSync(`${folder}/waiting.js`, preload);
  }
  await lossOf(pool.run(() => Deno.exit(1)));
}
console.log(JSON.stringify(workers));
if (when === "map") {
  // Only the map keeps the program alive.
  pool.map((x: number) => x * 2, [1, 2, 3]).toArray().then(([first]) =>
    Deno.exit(first)
  );
} else await end();

async function end(): Promise<never> {
  if (when === "start") await new Response(Deno.stdin.readable).text();
  return Deno.exit(0);
}
