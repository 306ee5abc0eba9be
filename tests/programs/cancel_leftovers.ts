/**
 * Runs tasks that leave failing timers and promises behind, then other tasks.
 */

import { Pool } from "../../mod.ts";
import { pid } from "./cancel_tasks.ts";

await using pool = new Pool(1);
const before = await pool.run(pid);
await pool.run(async () => {
  Promise.reject(new Error("a promise"));
  const fail = (what: unknown) => {
    throw what;
  };
  queueMicrotask(() => fail(new Error("a microtask")));
  setTimeout(() => fail("no error"), 0);
  setTimeout(() => fail(new Error("a timer")), 0);
  await new Promise((resolve) => setTimeout(resolve, 20));
});
console.log(await pool.run(pid) === before ? "same worker" : "another worker");
