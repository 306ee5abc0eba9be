import {
  assertEquals,
  assertGreater,
  assertInstanceOf,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { BrokenPoolError, Pool, type TaskThis } from "../../mod.ts";

/** Holds a lock file for each of its GPUs while it works. */
async function train(this: TaskThis, folder: string): Promise<number[]> {
  const { gpu } = this.resources as { gpu: number[] };
  for (const unit of gpu) {
    // Fails if another task has the GPU.
    using _file = await Deno.open(`${folder}/${unit}`, {
      createNew: true,
      write: true,
    });
  }
  await new Promise((resolve) => setTimeout(resolve));
  for (const unit of gpu) await Deno.remove(`${folder}/${unit}`);
  return gpu;
}

function addOne(x: number): number {
  return x + 1;
}

Deno.test("A thousand tasks that ask for one of 4 GPUs never share one", async () => {
  const folder = await Deno.makeTempDir();
  try {
    await using pool = new Pool({ workers: 6, resources: { gpu: 4 } });
    const gpus = pool.with({ resources: { gpu: 1 } });
    const trained = Array.from(
      { length: 1_000 },
      () => gpus.run(train, folder),
    );
    let isTraining = true;
    const allTrained = Promise.all(trained).then((used) => {
      isTraining = false;
      return used;
    });
    let flowing = 0;
    for (let x = 0; isTraining; x++) {
      assertEquals(await pool.run(addOne, x), x + 1);
      flowing++;
    }
    const used = new Set((await allTrained).flat());
    assertEquals([...used].sort(), [0, 1, 2, 3]);
    assertGreater(flowing, 0);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("Maps hold the resources of each chunk, beside other maps", async () => {
  const folder = await Deno.makeTempDir();
  try {
    await using pool = new Pool({ workers: 3, resources: { gpu: 2 } });
    const folders = new Array(200).fill(folder);
    const pairs = pool.with({ resources: { gpu: 2 } });
    const singles = pool.with({ resources: { gpu: 1 } });
    const numbers = Array.from({ length: 20_000 }, (_, x) => x);
    const [paired, single, sums] = await Promise.all([
      pairs.map(train, folders).toArray(),
      singles.map(train, folders, { chunkSize: 3, ordered: false }).toArray(),
      pool.map(addOne, numbers).toArray(),
    ]);
    assertEquals(paired, new Array(200).fill([0, 1]));
    assertEquals(single.length, 200);
    assertEquals(sums.at(-1), 20_000);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("A task reads its resources, and finds its GPUs in the environment", async () => {
  await using pool = new Pool({
    workers: 1,
    resources: { gpu: 2, memory: "64G" },
  });
  const read = function (this: TaskThis) {
    return [this.resources, Deno.env.get("CUDA_VISIBLE_DEVICES")];
  };
  assertEquals(await pool.run(read), [{}, undefined]);
  const both = pool.with({ resources: { gpu: 2, memory: "1.5Gi" } });
  assertEquals(await both.run(read), [
    { gpu: [0, 1], memory: 1.5 * 2 ** 30 },
    "0,1",
  ]);
  const share = pool.with({ resources: { gpu: 0.5 } });
  assertEquals(await share.run(read), [{ gpu: [0] }, "0"]);
  assertEquals((await pool.run(read))[0], {});
});

Deno.test("CUDA_VISIBLE_DEVICES has the names that a batch system has set", async () => {
  await using pool = new Pool({
    workers: 1,
    env: { CUDA_VISIBLE_DEVICES: "4,GPU-7" },
    resources: { gpu: 2 },
  });
  const read = function (this: TaskThis) {
    return [this.resources.gpu, Deno.env.get("CUDA_VISIBLE_DEVICES")];
  };
  const gpus = pool.with({ resources: { gpu: 2 } });
  assertEquals(await gpus.run(read), [[0, 1], "4,GPU-7"]);
  const one = pool.with({ resources: { gpu: 1 } });
  assertEquals(await one.run(read), [[0], "4"]);
});

Deno.test("Tasks of concurrent workers read their own resources", async () => {
  await using pool = new Pool({
    workers: 1,
    concurrency: 4,
    resources: { gpu: 4 },
  });
  const one = pool.with({ resources: { gpu: 1 } });
  const read = async function (this: TaskThis, begin: unknown) {
    const { resources } = this;
    await begin;
    return [resources.gpu, Deno.env.get("CUDA_VISIBLE_DEVICES")];
  };
  const results = await Promise.all([1, 2, 3, 4].map((x) => one.run(read, x)));
  assertEquals(results.map(([gpu]) => gpu), [[0], [1], [2], [3]]);
  assertEquals(results.map(([, text]) => text), new Array(4).fill(undefined));
});

Deno.test("Workers without permission for the environment leave it alone", async () => {
  await using pool = new Pool({
    workers: 1,
    permissions: "none",
    resources: { gpu: 1 },
  });
  const gpu = pool.with({ resources: { gpu: 1 } });
  const read = function (this: TaskThis) {
    return this.resources;
  };
  assertEquals(await gpu.run(read), { gpu: [0] });
});

Deno.test("Calls that no worker can run fail at once, and name what there is", async () => {
  await using pool = new Pool({
    workers: 1,
    labels: { region: "eu" },
    resources: { gpu: 2, memory: "64G" },
  });
  const task = () => "ran";
  const many = pool.with({ resources: { gpu: 3 } });
  const error = await assertRejects(() => many.run(task), BrokenPoolError);
  assertEquals(
    error.message,
    `No worker can run the task, which asks for gpu: 3; there is local (gpu: 2, memory: 64G, region: "eu"). Change 'where', 'resources' or the hosts, or let calls wait with onUnmet: "wait"`,
  );
  const elsewhere = pool.with({ where: { region: "us" } });
  const other = await assertRejects(
    () => elsewhere.map(task, [1]).toArray(),
    BrokenPoolError,
  );
  assertStringIncludes(other.message, `asks for region: "us"`);
  await assertRejects(() => elsewhere.runOnAll(task), BrokenPoolError);
  const unknown = pool.with({ resources: { tpu: 1 } });
  await assertRejects(() => unknown.run(task), BrokenPoolError, "tpu: 1");
  const partial = pool.with({ resources: { gpu: 1.5 } });
  await assertRejects(() => partial.run(task), BrokenPoolError, "gpu: 1.5");
  const here = pool.with({ where: { region: "eu" }, resources: { gpu: 0 } });
  assertEquals(await here.run(task), "ran");
  assertEquals(await here.runOnAll(task), ["ran"]);
});

Deno.test("Calls wait for a worker that doesn't exist with onUnmet: wait", async () => {
  await using pool = new Pool({ workers: 1, resources: { gpu: 1 } });
  await pool.ready;
  const waiting = pool.with({ resources: { gpu: 2 }, onUnmet: "wait" });
  const future = waiting.submit(() => "ran");
  assertEquals(await pool.run(() => "flows"), "flows");
  assertEquals(pool.stats().queued, 1);
  future.cancel();
  await assertRejects(() => future, DOMException, "cancelled");
  assertEquals(pool.stats().queued, 0);
});

Deno.test("A lost worker frees what its task had, and the task runs again with it", async () => {
  await using pool = new Pool({ workers: 2, resources: { gpu: 1 } });
  const gpu = pool.with({ resources: { gpu: 1 }, retries: 1 });
  const folder = await Deno.makeTempDir();
  const first = gpu.run(
    function (this: TaskThis, path: string) {
      try {
        Deno.writeTextFileSync(path, "begun", { createNew: true });
      } catch {
        return this.resources;
      }
      Deno.exit(7);
    },
    `${folder}/begun`,
  );
  const second = gpu.run(function (this: TaskThis) {
    return this.resources;
  });
  assertEquals(await Promise.all([first, second]), [{ gpu: [0] }, {
    gpu: [0],
  }]);
});

Deno.test("Tasks that take resources start the workers of an elastic pool", async () => {
  await using pool = new Pool({
    workers: { min: 0, max: 2 },
    labels: { region: "eu" },
    resources: { gpu: 1 },
  });
  await pool.ready;
  assertEquals(pool.stats().workers, 0);
  const gpu = pool.with({ resources: { gpu: 1 }, where: { region: "eu" } });
  assertEquals(await gpu.map(addOne, [1, 2, 3]).toArray(), [2, 3, 4]);
  const gpus = pool.with({ resources: { gpu: 2 } });
  await assertRejects(() => gpus.run(addOne, 1), BrokenPoolError, "gpu: 2");
});

Deno.test("with() checks the placement of calls", async () => {
  await using pool = new Pool({ workers: 1, lazy: true });
  for (
    const [options, Type, message] of [
      [{ resources: { gpu: -1 } }, RangeError, "'resources.gpu'"],
      [{ resources: { gpu: {} } }, TypeError, "'resources.gpu'"],
      [{ resources: 1 }, TypeError, "'resources'"],
      [{ where: { region: 1 } }, TypeError, "'where.region'"],
      [{ onUnmet: "ignore" }, RangeError, "'onUnmet'"],
    ] as const
  ) {
    try {
      pool.with(options as never);
      throw new Error("It should have thrown");
    } catch (error) {
      assertInstanceOf(error, Type);
      assertStringIncludes(error.message, message);
    }
  }
});
