import { assertEquals, assertThrows } from "@std/assert";
import { bind, Pool } from "../../mod.ts";
import { realDeadline } from "../helpers/real_timers.ts";
import { runProgram } from "../helpers/run_program.ts";
import { gone, isAlive, killNow, until } from "../helpers/processes.ts";

/** How a straggler hangs the first time that it runs. */
type Hang = "async" | "sync" | "stopped";

/** Tasks that note where they begin; one hangs the first time that it runs. */
class Stragglers implements AsyncDisposable {
  readonly folder = Deno.makeTempDirSync({ prefix: "test-straggler-" });

  /** Returns a task for a number, which hangs for one of them. */
  task(straggler: number, hang: Hang) {
    return bind(beginOrHang, this.folder, straggler, hang);
  }

  /** The numbers and process ids of the tasks that have begun. */
  get begun(): number[][] {
    return Deno.readTextFileSync(`${this.folder}/begun`).trim().split("\n")
      .map((line) => line.split(" ").map(Number));
  }

  /** Where a task has begun, in order. */
  pidsOf(x: number): number[] {
    return this.begun.filter(([other]) => other === x).map(([, pid]) => pid!);
  }

  /** Lets the straggler end. */
  release(): void {
    Deno.writeTextFileSync(`${this.folder}/released`, "");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.folder, { recursive: true });
  }
}

/** Notes that a task begins, and hangs if it is a straggler's first run. */
async function beginOrHang(
  folder: string,
  straggler: number,
  hang: Hang,
  x: number,
): Promise<number> {
  const options = { append: true };
  Deno.writeTextFileSync(`${folder}/begun`, `${x} ${Deno.pid}\n`, options);
  const mayContinue = () => {
    try {
      return Deno.statSync(`${folder}/released`).isFile;
    } catch {
      // The test may have ended.
      return !Deno.statSync(folder).isDirectory;
    }
  };
  if (x === straggler) {
    try {
      Deno.openSync(`${folder}/first`, { write: true, createNew: true })
        .close();
    } catch {
      return x;
    }
    if (hang === "stopped") Deno.kill(Deno.pid, "SIGSTOP");
    const cell = new Int32Array(new SharedArrayBuffer(4));
    while (hang === "sync" && !mayContinue()) Atomics.wait(cell, 0, 0, 2);
    while (hang === "async" && !mayContinue()) {
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  }
  return x;
}

const ITEMS = Array.from({ length: 40 }, (_, index) => index);

const HANGS: Hang[] = Deno.build.os === "windows"
  ? ["async", "sync"]
  : ["async", "sync", "stopped"];

const CASES: Record<string, { straggler: number; chunkSize: number | "auto" }> =
  {
    "the last of single items": { straggler: 39, chunkSize: 1 },
    "one of single items": { straggler: 12, chunkSize: 1 },
    "one in a chunk": { straggler: 17, chunkSize: 5 },
    "one in an automatic chunk": { straggler: 30, chunkSize: "auto" },
  };

for (const hang of HANGS) {
  for (const [what, { straggler, chunkSize }] of Object.entries(CASES)) {
    for (const ordered of [true, false]) {
      const order = ordered ? "ordered" : "unordered";
      Deno.test(`Pool.map() runs a straggler again with 'speculate' (${hang}, ${what}, ${order})`, async () => {
        await using stragglers = new Stragglers();
        await using pool = new Pool({ workers: 3, cancelGrace: 50 });
        const task = stragglers.task(straggler, hang);
        const results = await pool.with({ speculate: true })
          .map(task, ITEMS, { chunkSize, ordered }).toArray();
        assertEquals(results.toSorted((a, b) => a - b), ITEMS);
        if (ordered) assertEquals(results, ITEMS);
        const pids = stragglers.pidsOf(straggler);
        assertEquals([pids.length, new Set(pids).size], [2, 2]);
        for (const x of ITEMS) {
          const times = stragglers.pidsOf(x).length;
          assertEquals([x, times === 1 || times === 2], [x, true]);
        }
      });
    }
  }
}

Deno.test("Pool keeps the worker of a run that another one has outrun", async () => {
  await using stragglers = new Stragglers();
  await using pool = new Pool({ workers: 2, cancelGrace: 60_000 });
  const task = stragglers.task(39, "sync");
  const options = { chunkSize: 1 };
  await pool.with({ speculate: true }).map(task, ITEMS, options).toArray();
  const [pid] = stragglers.pidsOf(39);
  stragglers.release();
  // The worker runs further tasks.
  const pids = new Set<number>();
  while (!pids.has(pid!)) {
    for (const other of await pool.runOnAll(() => Deno.pid)) pids.add(other);
  }
  assertEquals(pool.stats().hosts[0]!.lost, 0);
});

Deno.test("Pool.shutdown() ends a run that another one has outrun", async () => {
  await using stragglers = new Stragglers();
  const pool = new Pool({ workers: 2, cancelGrace: 50 });
  const task = stragglers.task(39, "sync");
  const options = { chunkSize: 1 };
  await pool.with({ speculate: true }).map(task, ITEMS, options).toArray();
  await pool.shutdown();
  await Promise.all(stragglers.begun.map(([, pid]) => gone(pid!)));
});

Deno.test("Pool lets its program end while a run goes on that another one has outrun", async () => {
  await using stragglers = new Stragglers();
  const program = import.meta.resolve("../programs/outrun_straggler.ts");
  const file = `${stragglers.folder}/program`;
  const { code, stdout } = await realDeadline(
    runProgram(Deno.execPath(), ["run", "-A", program, file]),
    60_000,
  );
  assertEquals([code, stdout], [0, "40\n"]);
});

Deno.test("Pool.runOnAll() ends a run that another one has outrun", async () => {
  await using stragglers = new Stragglers();
  await using pool = new Pool({ workers: 2, cancelGrace: 50 });
  const task = stragglers.task(39, "sync");
  const options = { chunkSize: 1 };
  await pool.with({ speculate: true }).map(task, ITEMS, options).toArray();
  await pool.runOnAll(() => Deno.pid);
  assertEquals(isAlive(stragglers.pidsOf(39)[0]!), false);
});

Deno.test("Pool.map() ends both runs of a straggler when the loop is left", async () => {
  await using stragglers = new Stragglers();
  await using pool = new Pool({ workers: 2, cancelGrace: 50 });
  const task = bind(hangAlways, stragglers.folder);
  const results = pool.with({ speculate: true }).map(task, ITEMS, {
    chunkSize: 1,
    ordered: false,
  });
  let count = 0;
  for await (const _ of results) {
    if (++count < 39) continue;
    await until(() => stragglers.pidsOf(39).length === 2);
    break;
  }
  await pool.shutdown();
  for (const pid of stragglers.pidsOf(39)) await gone(pid);
});

Deno.test("Pool.map() counts the other run if the worker of a straggler is lost", async () => {
  await using stragglers = new Stragglers();
  await using pool = new Pool({ workers: 2, cancelGrace: 50 });
  const task = bind(hangAlways, stragglers.folder);
  const results = pool.with({ speculate: true }).map(task, ITEMS, {
    chunkSize: 1,
  }).toArray();
  await until(() => {
    try {
      return stragglers.pidsOf(39).length === 2;
    } catch {
      return false;
    }
  });
  killNow(stragglers.pidsOf(39)[0]!);
  await until(() => pool.stats().hosts[0]!.lost === 1);
  stragglers.release();
  assertEquals(await results, ITEMS);
  assertEquals(stragglers.pidsOf(39).length, 2);
});

/** Notes that a task begins; the last one hangs until it is released. */
async function hangAlways(folder: string, x: number): Promise<number> {
  const options = { append: true };
  Deno.writeTextFileSync(`${folder}/begun`, `${x} ${Deno.pid}\n`, options);
  const exists = (path: string) => {
    try {
      return Deno.statSync(path).isFile || true;
    } catch {
      return false;
    }
  };
  while (x === 39 && exists(folder) && !exists(`${folder}/released`)) {
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  return x;
}

Deno.test("Pool.transform() runs a straggler again with 'speculate'", async () => {
  await using stragglers = new Stragglers();
  await using pool = new Pool({ workers: 2, cancelGrace: 50 });
  const task = stragglers.task(39, "async");
  const results = ReadableStream.from(ITEMS)
    .pipeThrough(pool.with({ speculate: true }).transform(task));
  assertEquals(await Array.fromAsync(results), ITEMS);
});

Deno.test("Pool.map() refuses 'speculate' with 'onMessage'", async () => {
  await using pool = new Pool({ workers: 1, lazy: true });
  const runner = pool.with({ speculate: true, onMessage() {} });
  const map = () => runner.map((x: number) => x, [1]);
  assertThrows(map, RangeError, "'speculate' must be false");
});
