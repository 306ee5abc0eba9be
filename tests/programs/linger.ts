/**
 * Makes a pool that is never shut down, says on stdout which workers there
 * are, and ends as its argument says, or is ended while a task runs.
 */

import { Pool } from "../../mod.ts";
import { passGate } from "../helpers/gate.ts";

const [ending, port] = Deno.args;
const pool = new Pool(2);
const workers = await pool.runOnAll(() => ({
  pid: Deno.pid,
  address: Deno.args[1]!,
}));
console.log(JSON.stringify(workers));

switch (ending) {
  case "idle":
    break;
  case "throw":
    throw new Error("on purpose");
  case "exit":
    Deno.exit(7);
    break;
  case "async":
    await pool.run(passGate<number>, Number(port), 1);
    break;
  case "sync":
    await pool.run(async (port: number) => {
      const connection = await Deno.connect({ hostname: "127.0.0.1", port });
      while (connection !== null);
    }, Number(port));
}
