/**
 * Starts a task that never yields, and ends the program. The argument selects
 * how.
 *
 * @module
 */

import { Pool } from "../../mod.ts";

const [ending] = Deno.args;
const endless = () => {
  while (true);
};

/** Creates a pool, and starts the endless task on its worker. */
async function busyPool(awaited: boolean): Promise<Pool> {
  const pool = new Pool({ workers: 1, cancelGrace: 100 });
  await pool.ready;
  const call = pool.run(endless);
  if (awaited) call.catch(() => {});
  return pool;
}

/** Does the same on all workers, and once more behind that. */
async function busyOnAll(): Promise<Pool> {
  const pool = new Pool({ workers: 2, cancelGrace: 100 });
  pool.runOnAll(endless);
  pool.runOnAll(endless);
  while (pool.stats().running < 2) {
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  return pool;
}

switch (ending) {
  case "throw": {
    await using _pool = await busyPool(false);
    throw new RangeError("the program's own error");
  }
  case "block": {
    await using _pool = await busyPool(false);
    break;
  }
  case "no wait": {
    const pool = await busyPool(false);
    await pool.shutdown({ wait: false });
    break;
  }
  case "timeout, no wait": {
    const pool = await busyPool(false);
    pool.with({ timeout: 600_000 }).submit(endless);
    await pool.shutdown({ wait: false });
    break;
  }
  case "cancel, no wait": {
    const pool = await busyPool(true);
    await pool.shutdown({ wait: false, cancelFutures: true });
    break;
  }
  case "awaited, no wait": {
    const pool = new Pool({ workers: 1, cancelGrace: 1 });
    const call = pool.run((x: number) => x + 1, 1);
    await pool.shutdown({ wait: false });
    console.log(await call);
    break;
  }
  case "on all, block": {
    await using _pool = await busyOnAll();
    break;
  }
  case "on all, no wait": {
    const pool = await busyOnAll();
    await pool.shutdown({ wait: false });
    break;
  }
  case "later on all, no wait": {
    const pool = new Pool(2);
    const call = pool.run((x: number) => x + 1, 1);
    pool.runOnAll(endless);
    await pool.shutdown({ wait: false });
    console.log(await call);
    break;
  }
  case "on all, terminate": {
    const pool = await busyOnAll();
    await pool.terminate();
    break;
  }
  case "terminate": {
    const pool = await busyPool(false);
    await pool.terminate();
    break;
  }
  default:
    throw new TypeError(`Unknown ending '${ending}'`);
}
console.log("end");
