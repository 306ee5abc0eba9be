/**
 * Creates a pool with the options in its first argument, as JSON. The second
 * argument selects what it does.
 */

import { Pool, type PoolOptions } from "../../mod.ts";
import { say } from "./ssh_tasks.ts";

// Exits when the test that started it ends.
new Response(Deno.stdin.readable).bytes().finally(() => Deno.exit(1));

const [options, mode, port] = Deno.args;
const pool = new Pool(JSON.parse(options!) as PoolOptions);

switch (mode) {
  case "start":
    await pool.ready;
    break;
  case "say":
    console.log("the program itself");
    await pool.run(say, "one\ntwo\n", "careful");
    break;
  case "interrupt": {
    const interrupted = Promise.withResolvers<void>();
    Deno.addSignalListener("SIGINT", () => interrupted.resolve());
    const pid = await pool.run(() => Deno.pid);
    console.log("ready");
    await interrupted.promise;
    console.log(await pool.run(() => Deno.pid) === pid);
    break;
  }
  case "busy":
    await pool.run(async (port: number) => {
      const connection = await Deno.connect({ hostname: "127.0.0.1", port });
      while (connection !== null);
    }, Number(port));
}
await pool.shutdown();
// The signal listener and stdin would keep the program alive.
Deno.exit();
