/**
 * Makes a pool with the options in its first argument, as JSON, and runs an inline
 * task until a debugger changes what it returns.
 */

import { Pool, type PoolOptions } from "../../mod.ts";

interface Square {
  y: number;
}

await using pool = new Pool(JSON.parse(Deno.args[0]!) as PoolOptions);
let y: number;
do {
  y = await pool.run((x: number): number => {
    // Its type doesn't arrive at the worker.
    const square: Square = { y: x * x };

    return square.y;
  }, 7);
} while (y === 49);
console.log(y);
