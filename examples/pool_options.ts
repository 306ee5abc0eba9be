/**
 * Makes a pool that starts with its first task, whose workers connect over TCP,
 * prepare themselves and queue no tasks, and which keeps shared references.
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
  codec: "structured",
});
console.log("workers at first:", pool.stats().workers);
console.log(await pool.runOnAll(() => globalThis.greeting));
console.log("workers:", pool.stats().workers);

const shared = { name: "shared" };
const isShared = ([one, other]: object[]) => one === other;
console.log("one object:", await pool.run(isShared, [shared, shared]));
