import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertLess,
  assertLessOrEqual,
} from "@std/assert";
import {
  bind,
  type MapOptions,
  Pool,
  type PoolOptions,
  type TaskRunner,
  WorkerLostError,
} from "../../mod.ts";
import {
  complete,
  doubleUnless,
  lossOf,
  note,
  TestFolder,
} from "../programs/loss_fixture.ts";

const CALLS = 10_000;
const POISON = 4_321;

/** Returns `length` numbers, starting with 0. */
function range(length: number): number[] {
  return Array.from({ length }, (_, index) => index);
}

/** Yields reproducible pseudo-random numbers from 0 to 1. */
function* randoms(seed: number): Generator<number, never> {
  for (let state = seed;;) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    yield state / 2 ** 32;
  }
}

/** Checks the results, and returns the positions of lost calls. */
function lostOf(outcomes: PromiseSettledResult<unknown>[]): number[] {
  return outcomes.flatMap((outcome, position) => {
    if (outcome.status === "fulfilled") {
      assertEquals(outcome.value, position * 2);
      return [];
    }
    assertInstanceOf(outcome.reason, WorkerLostError);
    return [position];
  });
}

/** Runs a task with many numbers; one of the calls kills its worker. */
function runAll(runner: TaskRunner): Promise<PromiseSettledResult<number>[]> {
  const task = bind(doubleUnless, [POISON]);
  return Promise.allSettled(range(CALLS).map((n) => runner.run(task, n)));
}

/** Checks that only the poisonous call failed, and returns its error. */
function onlyLossOf(outcomes: PromiseSettledResult<unknown>[]) {
  assertEquals(lostOf(outcomes), [POISON]);
  const outcome = outcomes[POISON] as PromiseRejectedResult;
  return outcome.reason as WorkerLostError;
}

Deno.test("Pool.run() with retries fails only the poisonous call", async () => {
  await using pool = new Pool({ workers: 2, retries: 2 });
  const { tries, exitStatus, task } = onlyLossOf(await runAll(pool));
  assertEquals([tries, exitStatus], [3, "exit code 5"]);
  assert(task.includes("doubleUnless"), task);
});

Deno.test("Pool.run() without retries fails at most the calls of one message", async () => {
  await using pool = new Pool({ workers: 2 });
  const outcomes = await runAll(pool);
  const lost = lostOf(outcomes);
  assert(lost.includes(POISON));
  assertEquals(lost, range(lost.length).map((n) => lost[0]! + n));
  assertLess(lost.length, 4_096);
  for (const position of lost) {
    const { reason } = outcomes[position] as PromiseRejectedResult;
    assertEquals(reason.tries, 1);
  }
});

Deno.test("Pool.with() overrides the retries of the pool", async () => {
  await using pool = new Pool({ workers: 2, retries: 5, maxRestarts: 100 });
  const once = pool.with({ retries: 1 });
  assertEquals(onlyLossOf(await runAll(once)).tries, 2);
  const never = pool.with({ retries: 0 });
  const error = await lossOf(never.run(() => Deno.exit(1)));
  assertEquals(error.tries, 1);
  assertEquals((await lossOf(pool.run(() => Deno.exit(1)))).tries, 6);
});

const MAPS: MapOptions[] = [1, 64, "auto" as const].flatMap((chunkSize) =>
  [true, false].map((ordered) => ({ chunkSize, ordered }))
);

for (const options of MAPS) {
  const name = Deno.inspect(options, { breakLength: Infinity });
  Deno.test(`Pool.map() with retries and ${name} yields the results before the poisonous item`, async () => {
    await using pool = new Pool({
      workers: 2,
      retries: 2,
      maxRestarts: 100,
    });
    const poison = [POISON, POISON + 3, POISON + 700];
    const task = bind(doubleUnless, poison);
    const results: number[] = [];
    const error = await lossOf((async () => {
      for await (const result of pool.map(task, range(CALLS), options)) {
        results.push(result);
      }
    })());
    assertEquals(error.tries, 3);
    assert(error.task.includes("doubleUnless"), error.task);
    const seen = results.map((result) => result / 2);
    if (options.ordered) assertEquals(seen, range(POISON));
    else {
      assertEquals(new Set(seen).size, seen.length);
      assert(seen.every((n) => n < CALLS && !poison.includes(n)));
    }
  });
}

Deno.test("Pool.map() with retries and spread fails only the poisonous item", async () => {
  await using pool = new Pool({ workers: 2, retries: 1 });
  const add = (poison: number, x: number, y: number) => {
    if (x === poison) Deno.exit(5);
    return x + y;
  };
  const results: number[] = [];
  const sums = pool.map(
    bind(add, 100),
    range(200).map((n): [number, number] => [n, n]),
    {
      spread: true,
      chunkSize: 30,
    },
  );
  const error = await lossOf((async () => {
    for await (const sum of sums) results.push(sum);
  })());
  assertEquals(error.tries, 2);
  assertEquals(results, range(100).map((n) => n * 2));
});

Deno.test("Pool.map() with retries yields all results if a worker is killed", async () => {
  await using folder = new TestFolder();
  await using pool = new Pool({ workers: 2, retries: 1 });
  const doubleLater = (path: string, x: number) => {
    if (x === 777) {
      try {
        Deno.writeFileSync(path, new Uint8Array(), { createNew: true });
      } catch {
        return x * 2;
      }
      Deno.exit(1);
    }
    return x * 2;
  };
  const task = bind(doubleLater, folder.file("died"));
  const results = await pool.map(task, range(CALLS)).toArray();
  assertEquals(results, range(CALLS).map((n) => n * 2));
});

/** Returns the process ids of a pool's workers after lost ones are replaced. */
async function workersOf(pool: Pool): Promise<number[]> {
  for (;;) {
    await complete(pool);
    try {
      return await pool.runOnAll(() => Deno.pid);
    } catch (error) {
      // The pool hadn't noticed yet that a worker had died.
      if (!(error instanceof WorkerLostError)) throw error;
    }
  }
}

/** Kills workers after random numbers of results, and counts task runs. */
async function sabotage(
  calls: number,
  options: PoolOptions,
): Promise<{ lost: number; runs: Map<string, number> }> {
  await using folder = new TestFolder();
  await using pool = new Pool({
    workers: 2,
    maxRestarts: Infinity,
    initializer: note,
    initializerArgs: [folder.file("none"), ""],
    ...options,
  });
  const path = folder.file("runs");
  const work = bind((path: string, n: number) => {
    const line = new TextEncoder().encode(`${n}\n`);
    Deno.writeFileSync(path, line, { append: true });
    return n * 2;
  }, path);
  let pids = await workersOf(pool);
  const random = randoms(42);
  const promises: Promise<number>[] = [];
  let answered = 0;
  let kills = 0;
  const batch = calls / 8;
  for (let at = 0; at < calls; at += batch) {
    const killAt = answered + Math.floor(random.next().value * batch);
    const victim = pids[Math.floor(random.next().value * pids.length)]!;
    const count = () => {
      if (answered++ !== killAt) return;
      Deno.kill(victim, "SIGKILL");
      kills++;
    };
    const wave = range(batch).map((n) => {
      const promise = pool.run(work, at + n);
      promise.then(count, count);
      return promise;
    });
    promises.push(...wave);
    await Promise.allSettled(wave);
    pids = await workersOf(pool);
  }
  const lost = lostOf(await Promise.allSettled(promises));
  assertEquals([answered, kills], [calls, 8]);
  assertEquals(pool.stats().hosts[0]?.lost, kills);
  const runs = new Map<string, number>();
  for (const line of folder.lines("runs")) {
    runs.set(line, (runs.get(line) ?? 0) + 1);
  }
  for (const position of range(calls)) {
    if (lost.includes(position)) continue;
    assert(runs.has(String(position)), `${position} hasn't run`);
  }
  return { lost: lost.length, runs };
}

Deno.test("Pool without retries runs no task twice although workers are killed", async () => {
  const { lost, runs } = await sabotage(50_000, {});
  assertLess(lost, 25_000);
  for (const [call, count] of runs) assertEquals(count, 1, call);
});

Deno.test("Pool without retries runs no concurrent task twice although workers are killed", async () => {
  const { runs } = await sabotage(10_000, { concurrency: 8 });
  for (const [call, count] of runs) assertEquals(count, 1, call);
});

Deno.test("Pool without retries runs no task twice over TCP although workers are killed", async () => {
  const { runs } = await sabotage(20_000, { transport: "tcp" });
  for (const [call, count] of runs) assertEquals(count, 1, call);
});

Deno.test("Pool with one retry runs a task at most twice although workers are killed", async () => {
  const { runs } = await sabotage(20_000, { retries: 1 });
  for (const [call, count] of runs) assertLessOrEqual(count, 2, call);
});

Deno.test("Pool retains no calls after 10,000 retries", async () => {
  await using pool = new Pool({ workers: 1, retries: 1 });
  const dieFirst = (path: string, n: number) => {
    try {
      Deno.writeFileSync(path, new Uint8Array(), { createNew: true });
    } catch {
      return n * 2;
    }
    Deno.exit(1);
  };
  await using folder = new TestFolder();
  const task = bind(dieFirst, folder.file("died"));
  const results = await pool.map(task, range(CALLS), { chunkSize: CALLS })
    .toArray();
  assertEquals(results, range(CALLS).map((n) => n * 2));
  const { queued, running } = pool.stats();
  assertEquals([queued, running], [0, 0]);
  await pool.shutdown();
});

Deno.test("a settled map rejects the items of a lost chunk, or runs them again one by one", async () => {
  const exitAtThree = (x: number) => {
    if (x === 3) Deno.exit(9);
    if (x === 5) throw new RangeError("five");
    return x;
  };
  const items = [1, 2, 3, 4, 5, 6, 7, 8];
  await using pool = new Pool({ workers: 1, stdio: "null" });
  const options = { chunkSize: 4 };
  const lost = await pool.map(exitAtThree, items, options).settled().toArray();
  const statuses = lost.map(({ status }) => status);
  assertEquals(statuses.slice(0, 4), new Array(4).fill("rejected"));
  assertEquals(
    statuses.slice(4),
    ["rejected", "fulfilled", "fulfilled", "fulfilled"],
  );
  const again = await pool.with({ retries: 1 })
    .map(exitAtThree, items, options).settled().toArray();
  const rejected = again.filter(({ status }) => status === "rejected");
  assertEquals(rejected.map(({ index }) => index), [2, 4]);
  assert(
    rejected[0]?.status === "rejected" &&
      rejected[0].reason instanceof WorkerLostError,
  );
});
