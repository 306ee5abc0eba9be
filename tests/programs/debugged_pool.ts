/**
 * Makes a pool with the options in its first argument, as JSON, and runs a task
 * until a debugger changes what it returns.
 */

import { importTasks, Pool } from "../../mod.ts";

const tasks = importTasks<typeof import("./debugged_tasks.ts")>(
  import.meta.resolve("./debugged_tasks.ts"),
);

await using pool = new Pool(JSON.parse(Deno.args[0]!));
let result: number;
do result = await pool.run(tasks.square, 7); while (result === 49);
console.log(result);
