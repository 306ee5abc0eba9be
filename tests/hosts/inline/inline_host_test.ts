import { assert, assertEquals, assertRejects } from "@std/assert";
import { importTasks, Pool } from "../../../mod.ts";
import * as module from "../../programs/inline_tasks.ts";
import { startSpawnerServer } from "../../helpers/spawner_server.ts";
import { until } from "../../helpers/processes.ts";
import { readAllMessages } from "../../../src/util/timers.ts";

const tasks = importTasks<typeof module>(
  import.meta.resolve("../../programs/inline_tasks.ts"),
);

function takeSeen(): typeof module.seen {
  const { begun, aborted } = module.seen;
  return { begun: begun.splice(0), aborted: aborted.splice(0) };
}

Deno.test("Pool with workers 'inline' needs no permissions and starts no process", async () => {
  const program = import.meta.resolve("../../programs/inline_map.ts");
  const { code, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", "--quiet", program],
  }).output();
  assertEquals([code, new TextDecoder().decode(stdout)], [0, "2,4\n"]);
});

Deno.test("Pool with workers 'inline' runs tasks in the program, and shows that", async () => {
  await using pool = new Pool({ workers: "inline" });
  assertEquals(await pool.run(() => Deno.pid), Deno.pid);
  await pool.run(tasks.begin, "here");
  assertEquals(takeSeen().begun, ["here"]);
  assertEquals(pool.totalWorkers, 1);
  const [host] = pool.stats().hosts;
  assertEquals([host!.name, host!.kind, host!.done], ["local", "inline", 2]);
  const [plan] = await pool.dryRun();
  assertEquals([plan!.kind, plan!.commands], ["inline", []]);
  assertEquals(await pool.with({ host: "local" }).run(() => 1), 1);
});

Deno.test('new Pool() takes "inline" as the number of workers', async () => {
  await using pool = new Pool("inline");
  assertEquals(await pool.run(() => Deno.pid), Deno.pid);
});

Deno.test("Pool with workers 'inline' copies arguments and results", async () => {
  await using pool = new Pool({ workers: "inline" });
  const list = [1, 2, 3];
  const changed = await pool.run(tasks.change, list);
  assertEquals([list, changed], [[1, 2, 3], [1, 2, 3, 4]]);
  assert(changed !== list);
});

Deno.test("Pool with workers 'inline' leaves the program's own built-ins and variables alone", async () => {
  const before = Array.prototype.at;
  const own = function (this: unknown[], index: number) {
    return before.call(this, index);
  };
  Deno.env.delete("CUDA_VISIBLE_DEVICES");
  try {
    await using pool = new Pool({ workers: "inline", resources: { gpu: 2 } });
    await pool.run(() => 1);
    Array.prototype.at = own;
    const runner = pool.with({ resources: { gpu: 1 } });
    assertEquals(await runner.run(() => [1, 2].at(-1)), 2);
    assert(Array.prototype.at === own);
    assertEquals(Deno.env.get("CUDA_VISIBLE_DEVICES"), undefined);
  } finally {
    Array.prototype.at = before;
  }
});

Deno.test("Pool with workers 'inline' aborts the signal of a task that times out", async () => {
  await using pool = new Pool({ workers: "inline" });
  const call = pool.with({ timeout: 20 }).run(tasks.waitLong, "a");
  await assertRejects(() => call, DOMException, "20 ms");
  await until(() => module.seen.aborted.length > 0);
  assertEquals(takeSeen(), { begun: ["a"], aborted: ["a"] });
  assertEquals(await pool.run(() => 1), 1);
});

Deno.test("Pool with workers 'inline' replaces the worker of a task that ignores its timeout", async () => {
  await using pool = new Pool({ workers: "inline", cancelGrace: 10 });
  const call = pool.with({ timeout: 10 }).run(tasks.ignoreSignal);
  const others = ["b", "c"].map((name) => pool.run(tasks.begin, name));
  await assertRejects(() => call, DOMException, "10 ms");
  assertEquals(await Promise.all(others), ["b", "c"]);
  // Each of them has begun only once, at the new worker.
  assertEquals(takeSeen().begun, ["b", "c"]);
  assertEquals(pool.stats().hosts[0]!.lost, 1);
  module.release.resolve();
  assertEquals(await pool.run(() => 1), 1);
});

Deno.test("Pool.terminate() aborts the tasks of an inline worker", async () => {
  const pool = new Pool({ workers: "inline" });
  const call = pool.run(tasks.waitLong, "d");
  await until(() => module.seen.begun.length > 0);
  const rejected = assertRejects(() => call, DOMException, "terminated");
  await pool.terminate();
  await rejected;
  assertEquals(takeSeen(), { begun: ["d"], aborted: ["d"] });
});

Deno.test("Pool.terminate() begins no task whose call is on its way to an inline worker", async () => {
  const pool = new Pool({ workers: "inline" });
  // The task is loaded.
  await pool.run(tasks.begin, "e");
  const call = pool.run(tasks.begin, "f");
  const rejected = assertRejects(() => call, DOMException, "terminated");
  // Meanwhile, the call is sent, but no event is handled.
  for (let turn = 0; turn < 100; turn++) await Promise.resolve();
  await pool.terminate();
  await rejected;
  await readAllMessages();
  assertEquals(takeSeen().begun, ["e"]);
});

Deno.test("Pool with workers 'inline' lets timers run between the tasks of a map", async () => {
  await using pool = new Pool({ workers: "inline" });
  let ticks = 0;
  const timer = setInterval(() => ticks++, 1);
  function* items() {
    while (ticks < 3) yield 1;
  }
  await pool.map((x: number) => x, items()).forEach(() => {});
  clearInterval(timer);
  assert(ticks >= 3);
});

Deno.test("Pool with workers 'inline' runs tasks on other hosts too", async () => {
  await using server = await startSpawnerServer();
  await using pool = new Pool({ workers: "inline", hosts: server.spec(1) });
  const pids = await pool.runOnAll(() => Deno.pid);
  assertEquals(pids.length, 2);
  assertEquals(pids.filter((pid) => pid === Deno.pid).length, 1);
  const here = pool.with({ host: "local" });
  assertEquals(await here.run(() => Deno.pid), Deno.pid);
});

Deno.test("Pool with workers 'inline' runs in a task of another pool", async () => {
  await using pool = new Pool(1);
  assertEquals(await pool.run(tasks.nest), [8, false]);
  await using outer = new Pool({ workers: "inline" });
  assertEquals(await outer.run(tasks.nest), [8, false]);
});
