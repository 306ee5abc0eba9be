import {
  assert,
  assertEquals,
  assertMatch,
  assertNotEquals,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { bind, importTasks, Pool, WorkerLostError } from "../../mod.ts";
import { Gate, passGate } from "../helpers/gate.ts";
import { isAlive, until } from "../helpers/processes.ts";
import { complete, lossOf } from "../programs/loss_fixture.ts";

const isUnix = Deno.build.os !== "windows";

const tasks = importTasks<typeof import("../helpers/tasks.ts")>(
  import.meta.resolve("../helpers/tasks.ts"),
);

/** A task that waits at a gate. */
const wait = bind(passGate<string>);

interface Death {
  /** The cause of the worker's death. */
  readonly by: string;
  readonly task: () => unknown;
  readonly exitStatus: RegExp;
  readonly stderrTail: RegExp;
}

const DEATHS: Death[] = [
  {
    by: "Deno.exit()",
    task: function leave() {
      console.error("so long");
      Deno.exit(7);
    },
    exitStatus: /^exit code 7$/,
    stderrTail: /so long$/,
  },
  {
    by: "SIGKILL from inside",
    task: function killItself() {
      console.error("so long");
      Deno.kill(Deno.pid, "SIGKILL");
    },
    exitStatus: /^signal SIGKILL$/,
    stderrTail: /so long$/,
  },
  {
    by: "a segmentation fault",
    task: function readNowhere() {
      console.error("so long");
      const nowhere = Deno.UnsafePointer.create(8n)!;
      return new Deno.UnsafePointerView(nowhere).getUint32();
    },
    exitStatus: /^signal SIGSEGV$/,
    stderrTail: /so long/,
  },
  {
    by: "abort()",
    task: async function abort() {
      const { default: process } = await import("node:process");
      console.error("so long");
      process.abort();
    },
    exitStatus: /^signal SIGABRT$/,
    stderrTail: /so long/,
  },
];

for (const { by, task, exitStatus, stderrTail } of DEATHS) {
  Deno.test({
    name: `Pool reports and replaces a worker that dies by ${by}`,
    ignore: !isUnix,
    async fn() {
      await using pool = new Pool({ workers: 2, stdio: "null" });
      const error = await lossOf(pool.run(task));
      assertEquals([error.task, error.tries], [task.name, 1]);
      assertMatch(error.worker, /^local worker [12]$/);
      assertMatch(error.exitStatus, exitStatus);
      assertMatch(error.stderrTail, stderrTail);
      const { worker, stderrTail: words } = error;
      for (
        const part of [`'${task.name}'`, worker, `(${error.exitStatus})`, words]
      ) {
        assertStringIncludes(error.message, part);
      }
      await complete(pool);
      const doubled = pool.map((x: number) => x * 2, [1, 2, 3, 4]);
      assertEquals(await doubled.toArray(), [2, 4, 6, 8]);
      const { workers, hosts } = pool.stats();
      assertEquals([workers, hosts[0]!.lost, hosts[0]!.error], [
        2,
        1,
        undefined,
      ]);
    },
  });
}

Deno.test("Pool immediately replaces a worker that another program kills", async () => {
  await using gate = new Gate();
  await using pool = new Pool(2);
  const [victim, survivor] = await pool.runOnAll(() => Deno.pid);
  const tasks = [1, 2].map(() =>
    pool.run(async (port: number) => {
      using connection = await Deno.connect({ port });
      await connection.write(new TextEncoder().encode(String(Deno.pid)));
      await connection.read(new Uint8Array(1));
      return Deno.pid;
    }, gate.port)
  );
  await gate.entered();
  await gate.entered();
  Deno.kill(victim!, "SIGKILL");
  const error = await lossOf(Promise.race(tasks));
  assertEquals(error.exitStatus, "signal SIGKILL");
  await complete(pool);
  gate.open();
  const outcomes = await Promise.allSettled(tasks);
  const returned = outcomes.filter(({ status }) => status === "fulfilled");
  assertEquals(returned, [{ status: "fulfilled", value: survivor! }]);
  const pids = await pool.runOnAll(() => Deno.pid);
  assertEquals(pids.length, 2);
  assert(pids.includes(survivor!) && !pids.includes(victim!));
});

Deno.test("Pool moves the queued calls of a lost worker to others", async () => {
  await using gate = new Gate();
  await using pool = new Pool({ workers: 2, prefetch: 49 });
  const [victim] = await pool.runOnAll(() => Deno.pid);
  const blocked = [pool.run(wait, gate.port, "through")];
  await gate.entered();
  blocked.push(pool.run(wait, gate.port, "through"));
  await gate.entered();
  const queued = Array.from(
    { length: 60 },
    (_, n) => pool.run((n: number) => n * 2, n),
  );
  await until(() => pool.stats().running === 62);
  Deno.kill(victim!, "SIGKILL");
  await lossOf(Promise.race(blocked));
  gate.open();
  assertEquals(await Promise.all(queued), queued.map((_, n) => n * 2));
  const outcomes = await Promise.allSettled(blocked);
  assertEquals(outcomes.map(({ status }) => status).sort(), [
    "fulfilled",
    "rejected",
  ]);
});

Deno.test("Pool with one worker runs queued calls on its replacement", async () => {
  await using pool = new Pool({ workers: 1, prefetch: 99 });
  const pid = await pool.run(() => Deno.pid);
  const lost = lossOf(pool.run(() => Deno.exit(1)));
  const calls = Array.from({ length: 50 }, () => pool.run(() => Deno.pid));
  await lost;
  const pids = new Set(await Promise.all(calls));
  assertEquals(pids.size, 1);
  assertNotEquals([...pids], [pid]);
});

Deno.test("Pool runs bound tasks and module tasks on a replacement", async () => {
  await using pool = new Pool(1);
  const lookUp = bind(
    (table: Map<string, number>, key: string) => table.get(key),
    new Map([["answer", 42]]),
  );
  for (let count = 0; count < 3; count++) {
    assertEquals(await pool.run(lookUp, "answer"), 42);
    assertEquals(await pool.run(tasks.greet, "you"), "Hello, you");
    await lossOf(pool.run(() => Deno.exit(1)));
  }
});

Deno.test("Pool.runOnAll() rejects when a worker is lost, and runs on all workers next time", async () => {
  await using pool = new Pool(2);
  const [victim] = await pool.runOnAll(() => Deno.pid);
  const results = pool.runOnAll(function leave(victim: number) {
    if (Deno.pid === victim) Deno.exit(2);
    return Deno.pid;
  }, victim!);
  const error = await assertRejects(() => results, WorkerLostError);
  assertEquals([error.task, error.exitStatus], ["leave", "exit code 2"]);
  await complete(pool);
  const pids = await pool.runOnAll(() => Deno.pid);
  assertEquals(new Set(pids).size, 2);
  assert(!pids.includes(victim!));
});

Deno.test({
  name: "Pool waits for a stopped worker and loses no call",
  ignore: !isUnix,
  async fn() {
    await using pool = new Pool(2);
    const [stopped] = await pool.runOnAll(() => Deno.pid);
    Deno.kill(stopped!, "SIGSTOP");
    try {
      const calls = Array.from(
        { length: 1_000 },
        (_, n) => pool.run((n: number) => n * 2, n),
      );
      await until(() => pool.stats().done > 900);
      assertEquals(pool.stats().workers, 2);
      Deno.kill(stopped!, "SIGCONT");
      assertEquals(await Promise.all(calls), calls.map((_, n) => n * 2));
    } finally {
      Deno.kill(stopped!, "SIGCONT");
    }
    assert(isAlive(stopped!));
    assertEquals(pool.stats().hosts[0]!.lost, 0);
  },
});

Deno.test({
  name: "Pool kills and replaces a worker that closes its connection",
  ignore: Deno.build.os !== "linux",
  async fn() {
    await using pool = new Pool({ workers: 1, stdio: "null" });
    const pid = await pool.run(() => Deno.pid);
    const lost = pool.run(async function hangUp() {
      const { symbols } = Deno.dlopen("libc.so.6", {
        shutdown: { parameters: ["i32", "i32"], result: "i32" },
      });
      for (let file = 3; file < 256; file++) symbols.shutdown(file, 2);
      await new Promise(() => {});
    });
    await lossOf(lost);
    assert(!isAlive(pid));
    assertNotEquals(await pool.run(() => Deno.pid), pid);
  },
});

Deno.test("Pool kills and replaces a worker that stops answering", async () => {
  await using pool = new Pool({ workers: 1, cancelGrace: 100 });
  const pid = await pool.run(() => Deno.pid);
  const impatient = pool.with({ timeout: 200 });
  await assertRejects(
    () =>
      impatient.run(() => {
        for (;;);
      }),
    DOMException,
    "200 ms",
  );
  assertNotEquals(await pool.run(() => Deno.pid), pid);
  assert(!isAlive(pid));
});

Deno.test({
  name: "Pool notices the end of a worker whose child holds its stderr",
  ignore: !isUnix,
  async fn() {
    await using pool = new Pool(1);
    const child = await pool.run(() =>
      new Deno.Command("sleep", {
        args: ["1000"],
        stdin: "null",
        stdout: "inherit",
        stderr: "inherit",
      }).spawn().pid
    );
    try {
      const error = await lossOf(pool.run(() => {
        console.error("so long");
        Deno.exit(4);
      }));
      assertEquals([error.exitStatus, error.stderrTail], [
        "exit code 4",
        "so long",
      ]);
      assertEquals(await pool.run((x: number) => x + 1, 1), 2);
    } finally {
      Deno.kill(child, "SIGKILL");
    }
  },
});
