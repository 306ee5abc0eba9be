/**
 * Runs tasks that write in various ways; the argument is the `stdio` option.
 */

import { Pool, type PoolOptions } from "../../mod.ts";

const [stdio, how] = Deno.args as [PoolOptions["stdio"] & string, string];
const pool = new Pool({ workers: 1, stdio });
await pool.run(() => {
  console.log("first\nsecond");
  console.error("wrong");
});
await pool.run(async () => {
  // Writes the bytes of "cé" and a line feed one by one.
  for (const bytes of [[0x63], [0xc3], [0xa9], [0x0a]]) {
    await Deno.stdout.write(new Uint8Array(bytes));
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
});
await pool.run(() => {
  for (let line = 0; line < 5_000; line++) console.log(`line ${line}`);
});
await pool.run(() => {
  const encoder = new TextEncoder();
  Deno.stdout.writeSync(encoder.encode("\nno end"));
  Deno.stderr.writeSync(encoder.encode("no end here"));
});
if (how === "lost") await pool.run(() => Deno.exit(3)).catch(() => {});
else await pool.shutdown();
console.log("\nthe program's own");
await pool.shutdown();
