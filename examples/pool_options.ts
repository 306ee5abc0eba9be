/**
 * Makes a pool that starts with its first task, and whose workers connect over
 * TCP, prepare themselves and queue no tasks.
 *
 * Run it with `deno run -A examples/pool_options.ts`.
 *
 * @module
 */

import { Pool } from "@distex/pool";

declare global {
  var greeting: string;
}

await using pool = new Pool({
  workers: 2,
  lazy: true,
  initializer: (greeting: string, name: string) => {
    globalThis.greeting = `${greeting}, ${name}!`;
  },
  initializerArgs: ["Hello", "worker"],
  transport: "tcp",
  listen: { hostname: "127.0.0.1", port: 0 },
  prefetch: 0,
});
console.log("workers at first:", pool.stats().workers);
console.log(await pool.runOnAll(() => globalThis.greeting));
console.log("workers:", pool.stats().workers);
