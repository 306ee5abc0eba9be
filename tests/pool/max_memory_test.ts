import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import {
  BrokenPoolError,
  importTasks,
  OutOfMemoryError,
  Pool,
  type PoolOptions,
} from "../../mod.ts";
import { complete, TestFolder } from "../programs/loss_fixture.ts";

const ignore = Deno.build.os === "windows";

const MAX_MEMORY = "256M";

/** Declares a test of a limit that Windows doesn't have. */
function test(name: string, fn: () => Promise<void>): void {
  Deno.test({ name, ignore, fn });
}

/** A task: fills V8's heap with arrays. */
function fillHeap(): never {
  const arrays: number[][] = [];
  for (let n = 0;; n++) arrays.push(new Array(1_000).fill(n));
}

/** A task: fills memory outside of V8's heap. */
function fillBuffers(): never {
  const buffers: Uint8Array[] = [];
  for (;;) buffers.push(new Uint8Array(1e7).fill(1));
}

/** A task: does the same, and lets its worker handle events. */
async function fillSlowly(): Promise<never> {
  const buffers: Uint8Array[] = [];
  for (;;) {
    buffers.push(new Uint8Array(1e7).fill(1));
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
}

/** A task: fills its worker's memory for one item. */
function fillFor(x: number): number {
  const buffers: Uint8Array[] = [];
  while (x === 7) buffers.push(new Uint8Array(1e7).fill(1));
  return x * 2;
}

const XS = Array.from({ length: 20 }, (_, x) => x);

for (const task of [fillHeap, fillBuffers, fillSlowly]) {
  test(`Pool ends a task that exceeds 'maxMemory' (${task.name})`, async () => {
    await using pool = new Pool({
      workers: 2,
      maxMemory: MAX_MEMORY,
      stdio: "null",
    });
    const error = await assertRejects(() => pool.run(task), OutOfMemoryError);
    assertEquals([error.name, error.task, error.tries, error.maxMemory], [
      "OutOfMemoryError",
      task.name,
      1,
      256e6,
    ]);
    // V8 may end the worker a little earlier.
    assert(error.memory! > 128e6);
    assertMatch(error.worker, /^local worker [12]$/);
    for (const part of ["out of memory", `'${task.name}'`, "256 MB"]) {
      assertStringIncludes(error.message, part);
    }
    assertEquals(await pool.run((x: number) => x + 1, 1), 2);
    await complete(pool);
    const [local] = pool.stats().hosts;
    assertEquals([local!.lost, local!.error], [1, undefined]);
  });
}

test("Pool reports that V8's heap was full as out of memory without 'maxMemory'", async () => {
  const denoArgs = ["--v8-flags=--max-old-space-size=64"];
  await using pool = new Pool({ workers: 1, denoArgs, stdio: "null" });
  const error = await assertRejects(() => pool.run(fillHeap), OutOfMemoryError);
  assertEquals([error.maxMemory, error.tries], [undefined, 1]);
  assert(error.memory! > 50e6 && error.memory! < 200e6);
  assertMatch(error.exitStatus, /^signal SIG(TRAP|ABRT|ILL|SEGV)$/);
  assertMatch(error.stderrTail, /out of memory/i);
  assertMatch(error.message, /V8's heap was full with \d+ MB.*--v8-flags=/);
  assertEquals(await pool.run((x: number) => x + 1, 1), 2);
});

test("PoolMap.settled() rejects the item alone that exceeds 'maxMemory'", async () => {
  await using pool = new Pool({ workers: 2, maxMemory: MAX_MEMORY });
  for (const options of [{ chunkSize: 1 }, { chunkSize: 5 }]) {
    const map = pool.with({ retries: 1 }).map(fillFor, XS, options);
    for (const item of await map.settled().toArray()) {
      if (item.status === "fulfilled") assertEquals(item.value, item.index * 2);
      else {
        assertEquals(item.index, 7);
        assertInstanceOf(item.reason, OutOfMemoryError);
        assertEquals(item.reason.tries, 2);
      }
    }
  }
});

test("Pool.map() ends with the item that exceeds 'maxMemory'", async () => {
  // Otherwise, the item before may be lost with the same worker.
  const prefetch = 0;
  await using pool = new Pool({ workers: 2, maxMemory: MAX_MEMORY, prefetch });
  const map = pool.map(fillFor, XS, { chunkSize: 1 });
  const results: number[] = [];
  await assertRejects(async () => {
    for await (const result of map) results.push(result);
  }, OutOfMemoryError);
  assertEquals(results, XS.slice(0, 7).map((x) => x * 2));
  assertEquals(map.failedIndex, 7);
});

test("Pool runs a task again that has exceeded 'maxMemory'", async () => {
  await using folder = new TestFolder();
  await using pool = new Pool({ workers: 1, maxMemory: MAX_MEMORY });
  const fillOnce = (path: string) => {
    try {
      Deno.writeTextFileSync(path, "", { createNew: true });
    } catch {
      return "again";
    }
    const buffers: Uint8Array[] = [];
    for (;;) buffers.push(new Uint8Array(1e7).fill(1));
  };
  const call = pool.with({ retries: 1 }).run(fillOnce, folder.file("ran"));
  assertEquals(await call, "again");
});

test("Pool replaces a worker whose tasks have left too much in its memory", async () => {
  await using pool = new Pool({ workers: 2, maxMemory: MAX_MEMORY });
  const leave = (x: number) => {
    const world = globalThis as { kept?: Uint8Array[] };
    (world.kept ??= []).push(new Uint8Array(4e6).fill(1));
    return [x, Deno.pid];
  };
  const xs = Array.from({ length: 400 }, (_, x) => x);
  // On a slow machine, a task may exceed the limit before its worker finds out.
  const results = await pool.with({ retries: 9 }).map(leave, xs).toArray();
  assertEquals(results.map(([x]) => x), xs);
  assert(new Set(results.map(([, pid]) => pid)).size > 4);
  await complete(pool);
  assertEquals(pool.stats().hosts[0]!.error, undefined);
});

test("Pool doesn't start if 'maxMemory' is too little for a worker", async () => {
  // With a heap of 1 MB, V8 would end the worker before it could report this.
  for (const maxMemory of [1e6, 8e6, "20M"]) {
    await using pool = new Pool({ workers: 1, maxMemory, stdio: "null" });
    const error = await assertRejects(() => pool.ready, BrokenPoolError);
    assertMatch(
      error.message,
      /uses \d+ MB before its first task, so a 'maxMemory' of \d+ MB is too little: set it to \d+ MB at least/,
    );
  }
});

test("Pool doesn't start if V8's heap is too little for a worker", async () => {
  const denoArgs = ["--v8-flags=--max-old-space-size=1"];
  await using pool = new Pool({ workers: 1, denoArgs, stdio: "null" });
  const error = await assertRejects(() => pool.ready, BrokenPoolError);
  assertMatch(
    error.message,
    /worker 1 did not connect \(out of memory, signal \w+\): V8's heap was full/,
  );
});

test("Pool passes V8 flags on besides that of 'maxMemory'", async () => {
  await using pool = new Pool({
    workers: 1,
    maxMemory: MAX_MEMORY,
    denoArgs: ["--v8-flags=--expose-gc"],
  });
  const look = async () => {
    const { getHeapStatistics } = await import("node:v8");
    return ["gc" in globalThis, getHeapStatistics().heap_size_limit];
  };
  const [hasGc, heap] = await pool.run(look) as [boolean, number];
  assert(hasGc);
  assert(heap < 512e6);
});

/** Leaves this many bytes in use. */
function leave(bytes: number): void {
  const kept = new Uint8Array(bytes);
  for (let at = 0; at < kept.length; at += 1_024) kept[at] = 1;
  Object.assign(globalThis, { kept });
}

/** A module that does the same, and exports a task. */
function moduleLeaving(bytes: number): string {
  const text = `(${leave})(${bytes}); export const identity = (x) => x;`;
  return `data:text/javascript,${encodeURIComponent(text)}`;
}

/** How much is left in use: the less, the sooner the worker itself finds out. */
for (const bytes of [2.2e8, 3e8]) {
  const options: PoolOptions = {
    workers: 1,
    maxMemory: MAX_MEMORY,
    maxRestarts: 1,
    stdio: "null",
  };

  /** Fails unless a call is rejected because workers use too much memory. */
  const assertFull = async (call: Promise<unknown>) => {
    const error = await assertRejects(() => call, Error);
    // On a slow machine, the pool finds out before the worker does.
    assert(
      error instanceof OutOfMemoryError ||
        error instanceof BrokenPoolError && /maxMemory/.test(error.message),
      `${error}`,
    );
  };

  test(`Pool rejects calls if the initializer leaves more in use than 'maxMemory' (${bytes} bytes)`, async () => {
    await using pool = new Pool({
      ...options,
      initializer: leave,
      initializerArgs: [bytes],
    });
    await assertFull(pool.run((x: number) => x, 1));
  });

  for (const maxTasksPerWorker of [1, Infinity]) {
    test(`Pool rejects a call if the module of its task leaves more in use than 'maxMemory' (${bytes} bytes, ${maxTasksPerWorker} tasks)`, async () => {
      await using pool = new Pool({ ...options, maxTasksPerWorker });
      const tasks = importTasks<{ identity: (x: number) => number }>(
        moduleLeaving(bytes),
      );
      await assertFull(pool.run(tasks.identity, 1));
    });
  }
}
