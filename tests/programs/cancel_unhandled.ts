/**
 * Starts many calls without awaiting them, and prints which rejected promises
 * nobody handled: only promises that the pool returned to this program count.
 */

import { Pool } from "../../mod.ts";
import { double, ignoreAbort, turn } from "./cancel_tasks.ts";

const unhandled: unknown[] = [];
globalThis.addEventListener("unhandledrejection", (event) => {
  event.preventDefault();
  unhandled.push(event.reason?.name ?? event.reason);
});

function* naturals(): Generator<number> {
  for (let n = 0;; n++) yield n;
}

async function futures(): Promise<void> {
  const pool = new Pool({ workers: 1, cancelGrace: 20, stdio: "null" });
  const never = () => new Promise<never>(() => {});
  const fail = () => Promise.reject(new Error("no"));
  pool.submit(never).cancel();
  pool.submit(fail);
  pool.submit((): unknown => () => {});
  pool.submit((_: unknown) => {}, () => {});
  pool.submit(() => Deno.exit(1));
  pool.with({ timeout: 1 }).submit(never);
  const controller = new AbortController();
  pool.with({ signal: controller.signal }).submit(never);
  pool.with({ signal: AbortSignal.abort("now") }).submit(never);
  controller.abort("reason");
  await pool.run(double, 1);
  await pool.shutdown();
  pool.submit(double, 1);
  pool.shutdown();
}

async function maps(): Promise<void> {
  await using pool = new Pool({ workers: 2, cancelGrace: 20 });
  const never = () => new Promise<never>(() => {});
  pool.map(never, [1]);
  pool.map(never, [1], { signal: AbortSignal.abort("unread") });
  for (const ordered of [true, false]) {
    for await (const x of pool.map(double, naturals(), { ordered })) {
      if (x >= 10) break;
    }
    const fail = (x: number) => {
      if (x > 5) throw new Error("no");
    };
    await pool.map(fail, naturals(), { ordered }).toArray().catch(() => {});
    await pool.map(never, [1, 2, 3], { ordered, timeout: 50 }).toArray()
      .catch(() => {});
  }
}

async function starts(): Promise<void> {
  const broken = new Pool({ workers: 1, denoArgs: ["--no-such-flag"] });
  void broken.ready;
  broken.submit(double, 1);
  broken.shutdown();
  const failing = new Pool({
    workers: 1,
    initializer: () => Promise.reject(new Error("no")),
  });
  void failing.ready;
  failing.shutdown({ wait: false });
  await broken.shutdown();
  await failing.shutdown();
  const lost = new Pool({ workers: 1, maxRestarts: 0 });
  lost.submit(() => Deno.exit(1));
  await lost.submit(double, 1).catch(() => {});
  await lost.shutdown();
}

/** Causes one unhandled rejection for each promise of a call. */
async function own(): Promise<void> {
  const pool = new Pool({ workers: 1, cancelGrace: 20 });
  await pool.ready;
  const port = 1;
  pool.run(() => Promise.reject(new RangeError("1")));
  pool.with({ timeout: 1 }).run(() => new Promise(() => {}));
  pool.with({ signal: AbortSignal.abort("3") }).run(double, 1);
  const controller = new AbortController();
  pool.with({ signal: controller.signal }).run(ignoreAbort, port);
  await pool.run(double, 1);
  pool.with({ signal: controller.signal }).run(() => new Promise(() => {}));
  controller.abort("5");
  pool.with({ timeout: 1 }).runOnAll(() => new Promise(() => {}));
  await pool.run(double, 1);
  await pool.shutdown();
}

for (const scenario of [futures, maps, starts, own]) {
  await scenario();
  await turn();
  await turn();
  console.log(JSON.stringify([scenario.name, unhandled.splice(0).sort()]));
}
