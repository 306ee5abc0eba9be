import { assertEquals, assertInstanceOf, assertRejects } from "@std/assert";
import {
  BrokenPoolError,
  Pool,
  PoolClosedError,
  QueueFullError,
} from "../../mod.ts";
import { HeldTasks } from "../helpers/held_tasks.ts";
import { runProgram } from "../helpers/run_program.ts";

Deno.test("Pool rejects calls of each kind when its queue is full", async () => {
  await using tasks = new HeldTasks([0]);
  await using pool = new Pool({ workers: 1, prefetch: 0, maxQueue: 1 });
  const held = pool.run(tasks.task, 0);
  await tasks.held(0);
  const waiting = pool.submit(tasks.task, 1);
  const { message } = await assertRejects(
    () => pool.run(tasks.task, 2),
    QueueFullError,
  );
  assertEquals(
    message,
    "The pool's queue is full: 'maxQueue' is 1, and as many calls wait for a worker. Await pool.hasRoom() before a call, or raise 'maxQueue'",
  );
  const future = pool.submit(tasks.task, 3);
  assertInstanceOf(await future.exception(), QueueFullError);
  assertEquals([future.done(), future.cancelled()], [true, false]);
  const stream = pool.stream(function* () {
    yield 1;
  });
  await assertRejects(() => Array.fromAsync(stream), QueueFullError);
  const timed = pool.with({ timeout: 60_000 });
  await assertRejects(() => timed.run(tasks.task, 4), QueueFullError);
  const mapped = pool.map((x: number) => x, [5, 6]).toArray();
  const onAll = pool.runOnAll(() => 7);
  tasks.release(0);
  assertEquals([await held, await waiting], [0, 1]);
  assertEquals([await mapped, await onAll], [[5, 6], [7]]);
  assertEquals(tasks.begun, [0, 1]);
});

Deno.test("Pool.hasRoom() limits how many calls a program makes", async () => {
  await using pool = new Pool({ workers: 2, maxQueue: 3 });
  const results: Promise<number>[] = [];
  await Promise.all([0, 1, 2, 3].map(async (caller) => {
    for (let call = 0; call < 250; call++) {
      await pool.hasRoom();
      results.push(pool.run((x: number) => x, caller));
    }
  }));
  const sum = (await Promise.all(results)).reduce((sum, x) => sum + x);
  assertEquals([results.length, sum], [1_000, 1_500]);
});

Deno.test("Pool.hasRoom() lets the pool work if a call for a busy worker is refused again and again", async () => {
  await using pool = new Pool({ workers: 2, maxQueue: 1, prefetch: 0 });
  await pool.ready;
  const keyed = pool.with({ key: "a" });
  const wait = () => new Promise<string>((end) => setTimeout(end, 50, "done"));
  // One runs, and the other waits for its worker, while another worker is free.
  const before = [keyed.run(wait), keyed.run(wait)];
  let refused = 0;
  let result: string | undefined;
  while (result === undefined && refused < 50_000) {
    await pool.hasRoom();
    try {
      result = await keyed.run(wait);
    } catch (error) {
      assertInstanceOf(error, QueueFullError);
      refused++;
    }
  }
  assertEquals(result, "done");
  assertEquals(await Promise.all(before), ["done", "done"]);
});

Deno.test("Pool.hasRoom() resolves at once without maxQueue", async () => {
  await using pool = new Pool({ workers: 1, lazy: true });
  await pool.hasRoom();
  assertEquals(pool.isReady, false);
});

Deno.test("Pool.hasRoom() starts a lazy pool if no call may wait", async () => {
  await using pool = new Pool({ workers: 1, lazy: true, maxQueue: 0 });
  await pool.hasRoom();
  assertEquals(await pool.run((x: number) => x, 1), 1);
});

Deno.test("Pool.hasRoom() starts the first worker of a pool that grows", async () => {
  const workers = { min: 0, max: 2, idle: 600_000 };
  await using pool = new Pool({ workers, maxQueue: 0 });
  await pool.hasRoom();
  assertEquals(await pool.run((x: number) => x, 1), 1);
});

Deno.test("Pool.hasRoom() keeps the program alive", async () => {
  const program = new URL("../programs/room_kept.ts", import.meta.url).href;
  const { code, stdout, stderr } = await runProgram(Deno.execPath(), [
    "run",
    "-A",
    program,
  ]);
  assertEquals([code, stdout], [0, "0\n1\n2\n"], stderr);
});

Deno.test("Pool.hasRoom() rejects when the pool is shut down or broken", async () => {
  await using tasks = new HeldTasks([0]);
  const pool = new Pool({ workers: 1, prefetch: 0, maxQueue: 0 });
  await pool.ready;
  const held = pool.run(tasks.task, 0);
  const refused = assertRejects(() => pool.hasRoom(), PoolClosedError);
  await tasks.held(0);
  const end = pool.shutdown();
  await refused;
  tasks.release(0);
  assertEquals(await held, 0);
  await end;
  await using broken = new Pool({
    workers: 1,
    maxQueue: 0,
    initializer: () => {
      throw new Error("no");
    },
  });
  await assertRejects(() => broken.hasRoom(), BrokenPoolError, "no");
});
