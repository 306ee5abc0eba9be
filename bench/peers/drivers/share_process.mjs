/**
 * Runs a task for each item of a share; one message asks for it, and one
 * carries the results.
 *
 * @module
 */

import process from "node:process";
import * as tasks from "./js_tasks.mjs";

process.on("message", ({ task, xs }) => {
  process.send(xs.map((x) => tasks[task](x)));
});
