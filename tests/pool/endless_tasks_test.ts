import { assert, assertEquals, assertRejects } from "@std/assert";
import { type Outcome, runProgram } from "../helpers/run_program.ts";
import { Pool, PoolClosedError } from "../../mod.ts";
import { flowingTime } from "../helpers/flowing_time.ts";
import { Gate, passGate } from "../helpers/gate.ts";
import { gone } from "../helpers/processes.ts";

const GRACE = 60_001;

/** A task that enters the gate, and then never yields. */
async function endless(port: number): Promise<void> {
  using _connection = await Deno.connect({ hostname: "127.0.0.1", port });
  while (true);
}

/** Returns a pool whose only worker runs a task that never yields. */
async function busyPool(cancelGrace = 50) {
  await using gate = new Gate();
  const pool = new Pool({ workers: 1, cancelGrace });
  const pid = await pool.run(() => Deno.pid);
  const call = pool.run(endless, gate.port);
  call.catch(() => {});
  await gate.entered();
  return { pool, pid, call };
}

/** Runs a program that ends while its pool runs an endless task. */
function end(ending: string): Promise<Outcome> {
  const program = new URL("../programs/end_busy.ts", import.meta.url).href;
  return runProgram(Deno.execPath(), ["run", "-A", program, ending]);
}

Deno.test("Pool.shutdown() with cancelFutures ends a task that never yields", async () => {
  const { pool, pid, call } = await busyPool();
  await pool.shutdown({ cancelFutures: true });
  const { name, message } = await assertRejects(() => call, DOMException);
  assertEquals([name, message], ["AbortError", "The pool was shut down"]);
  await gone(pid);
});

Deno.test("Pool.shutdown() with cancelFutures resolves calls that end within cancelGrace", async () => {
  await using gate = new Gate();
  const pool = new Pool({ workers: 1, cancelGrace: 60_000 });
  const running = pool.run(passGate, gate.port, "done");
  await gate.entered();
  const shutdown = pool.shutdown({ cancelFutures: true });
  gate.open();
  assertEquals(await running, "done");
  await shutdown;
});

Deno.test("Pool.terminate() ends running, queued and later calls", async () => {
  const { pool, pid, call } = await busyPool(60_000);
  const queued = pool.run(() => 1);
  const onAll = pool.runOnAll(() => 1);
  const results = pool.map((x: number) => x, [1, 2, 3]).toArray();
  const failures = [call, queued, onAll].map(async (pending) => {
    const { name, message } = await assertRejects(() => pending, DOMException);
    assertEquals([name, message], ["AbortError", "The pool was terminated"]);
  });
  const mapFailure = assertRejects(() => results, PoolClosedError);
  await pool.terminate();
  await Promise.all([...failures, mapFailure]);
  await assertRejects(() => pool.run(() => 1), PoolClosedError);
  await gone(pid);
});

Deno.test("Pool.terminate() ends a pool whose initializer never yields", async () => {
  await using gate = new Gate();
  const pool = new Pool({
    workers: 1,
    initializer: endless,
    initializerArgs: [gate.port],
  });
  await gate.entered();
  const call = assertRejects(() => pool.run(() => 1), DOMException);
  await pool.terminate();
  await call;
});

Deno.test("Pool.terminate() ends a shutdown that waits for a task", async () => {
  const { pool, call } = await busyPool(60_000);
  const shutdown = pool.shutdown();
  await pool.terminate();
  await shutdown;
  await assertRejects(() => call, DOMException, "terminated");
});

Deno.test("Pool.terminate() can be called again, and before the pool starts", async () => {
  const pool = new Pool({ workers: 1, lazy: true });
  await Promise.all([pool.terminate(), pool.terminate()]);
  await assertRejects(() => pool.run(() => 1), PoolClosedError);
});

Deno.test("Pool[Symbol.asyncDispose]() waits for a call that is awaited", async () => {
  using time = flowingTime();
  await using gate = new Gate();
  const pool = new Pool({ workers: 1, cancelGrace: GRACE });
  const result = pool.run(passGate, gate.port, "done");
  await gate.entered();
  const awaited = result.then((value) => value + "!");
  const disposed = pool[Symbol.asyncDispose]();
  time.tick(GRACE);
  gate.open();
  assertEquals(await awaited, "done!");
  await disposed;
});

Deno.test("Pool[Symbol.asyncDispose]() cancels a future that nobody awaits", async () => {
  await using gate = new Gate();
  const pool = new Pool({ workers: 1, cancelGrace: 50 });
  const pid = await pool.run(() => Deno.pid);
  const running = pool.submit(endless, gate.port);
  const queued = pool.submit(() => 1);
  await gate.entered();
  await pool[Symbol.asyncDispose]();
  for (const future of [running, queued]) {
    assert(future.done());
    await assertRejects(() => future, DOMException, "nobody awaited");
  }
  await gone(pid);
});

Deno.test("Pool[Symbol.asyncDispose]() after an error doesn't wait for a task that nobody awaits", async () => {
  const { code, stderr } = await end("throw");
  assertEquals(code, 1);
  assert(stderr.includes("RangeError: the program's own error"), stderr);
  assert(stderr.includes("Cancelled 1 pending call that"), stderr);
});

for (
  const [ending, output] of [
    ["block", "end\n"],
    ["no wait", "end\n"],
    ["timeout, no wait", "end\n"],
    ["cancel, no wait", "end\n"],
    ["awaited, no wait", "2\nend\n"],
    ["terminate", "end\n"],
    ["on all, block", "end\n"],
    ["on all, no wait", "end\n"],
    ["later on all, no wait", "2\nend\n"],
    ["on all, terminate", "end\n"],
  ] as const
) {
  Deno.test(`Pool lets a program end by '${ending}' while a task never yields`, async () => {
    const { code, stdout, stderr } = await end(ending);
    assertEquals([code, stdout], [0, output], stderr);
  });
}
