import { assertEquals, assertRejects } from "@std/assert";
import { Pool, WorkerLostError } from "../../mod.ts";
import { HeldTasks } from "../helpers/held_tasks.ts";

/** More bytes than a connection holds. */
const LARGE = new Uint8Array(50_000_000).fill(7);

const sum = (bytes: Uint8Array) => bytes.reduce((sum, byte) => sum + byte, 0);

Deno.test("Pool runs small calls while the argument of a large one arrives", async () => {
  await using pool = new Pool(1);
  await pool.ready;
  const order: string[] = [];
  const record = (name: string) => () => order.push(name);
  await Promise.all([
    pool.run(sum, LARGE).then(record("large")),
    pool.run((x) => x, "a").then(record("a")),
    pool.run(sum, LARGE.subarray(0, 1_000)).then(record("b")),
  ]);
  assertEquals(order.at(-1), "large");
});

Deno.test("Pool reruns only calls that can't have begun when a worker ends while an argument arrives", async () => {
  await using pool = new Pool({ workers: 1, prefetch: 9 });
  await pool.ready;
  const large = pool.run(sum, LARGE);
  const fatal = pool.run(() => Deno.exit(3));
  const behind = pool.run((x) => x, "behind");
  await Promise.all([
    // The worker may have begun it: the pool can't know which of them came first.
    assertRejects(() => large, WorkerLostError),
    assertRejects(() => fatal, WorkerLostError),
  ]);
  assertEquals(await behind, "behind");
});

Deno.test("Pool reruns a call whose argument was on its way when it ends a stuck worker", async () => {
  await using tasks = new HeldTasks([0], "sync");
  await using pool = new Pool({ workers: 1, prefetch: 9, cancelGrace: 1 });
  await pool.ready;
  const large = pool.run((bytes: Uint8Array) => bytes.length, LARGE);
  const controller = new AbortController();
  const stuck = pool.with({ signal: controller.signal }).run(tasks.task, 0);
  stuck.catch(() => {});
  await tasks.held(0);
  controller.abort();
  await assertRejects(() => stuck, DOMException);
  assertEquals(await large, LARGE.length);
});

Deno.test("Pool cancels a call while its argument arrives", async () => {
  await using pool = new Pool(1);
  await pool.ready;
  const controller = new AbortController();
  const large = pool.with({ signal: controller.signal }).run(
    sum,
    LARGE,
  );
  await pool.run(() => {});
  controller.abort();
  await assertRejects(() => large, DOMException);
  // This argument arrives after that of the cancelled call.
  assertEquals(await pool.run((bytes: Uint8Array) => bytes.length, LARGE), 5e7);
});
