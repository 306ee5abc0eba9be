/**
 * Creates a pool without shutting it down, and prints its workers. The argument
 * selects how the program ends, or which task runs until it is killed.
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
