import {
  assert,
  assertEquals,
  assertNotEquals,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import {
  bind,
  importTasks,
  Pool,
  type PoolOptions,
  taskRandom,
  type TaskRunner,
  type TaskThis,
} from "../../mod.ts";
import { makePhilox } from "../../src/util/philox.ts";
import { TestFolder } from "../programs/loss_fixture.ts";

const randomTasks = importTasks<typeof import("../programs/random_tasks.ts")>(
  import.meta.resolve("../programs/random_tasks.ts"),
);

const SEED = 2011;
const XS = Array.from({ length: 500 }, (_, index) => index);

/** Returns the first numbers of the call with an index. */
function expected(index: number, count = 2): number[] {
  const random = makePhilox([SEED, 0], index);
  return Array.from({ length: count }, () => random());
}

const EXPECTED = XS.map((index) => expected(index));

const draw = function (this: TaskThis): number[] {
  return [this.random(), this.random()];
};

const KINDS: readonly [string, PoolOptions][] = [
  ["one worker", { workers: 1 }],
  ["three workers", { workers: 3 }],
  ["several tasks at once", { workers: 2, concurrency: 4 }],
];

for (const [name, options] of KINDS) {
  Deno.test(`TaskRunner.map() with a seed gives each item its numbers (${name})`, async () => {
    await using pool = new Pool(options);
    const runner = pool.with({ seed: SEED });
    for (const task of [draw, randomTasks.draw, randomTasks.drawLater]) {
      for (const chunkSize of [1, 7, "auto"] as const) {
        const map = runner.map(task, XS, { chunkSize });
        assertEquals(await map.toArray(), EXPECTED);
      }
    }
    const settled = runner.map(randomTasks.draw, XS).settled();
    const values = (await settled.toArray()).map((item) =>
      item.status === "fulfilled" && item.value
    );
    assertEquals(values, EXPECTED);
  });
}

Deno.test("TaskRunner.map() with a seed gives each item its numbers whatever the order", async () => {
  await using pool = new Pool(2);
  const runner = pool.with({ seed: SEED });
  const indexed = function (this: TaskThis, x: number): [number, number[]] {
    return [x, [this.random(), this.random()]];
  };
  const results = await runner.map(indexed, XS, {
    ordered: false,
    chunkSize: 3,
  })
    .toArray();
  for (const [x, numbers] of results) assertEquals(numbers, EXPECTED[x]);
  assertEquals(results.length, XS.length);
});

Deno.test("TaskRunner.map() with a seed gives each item its numbers when tasks yield values", async () => {
  await using pool = new Pool(2);
  const runner = pool.with({ seed: SEED });
  for (const task of [randomTasks.yieldTwo, randomTasks.yieldTwoLater]) {
    for (const chunkSize of [1, 50] as const) {
      const values = await runner.map(task, XS.slice(0, 100), { chunkSize })
        .toArray();
      assertEquals(values, EXPECTED.slice(0, 100).flat());
    }
  }
});

Deno.test("TaskRunner.map() with a seed gives items that are cut off or run again their numbers", async () => {
  await using folder = new TestFolder();
  await using pool = new Pool({ workers: 2, retries: 1 });
  const path = folder.file("lost");
  const task = bind(randomTasks.drawUnlessFirst, path);
  const runner = pool.with({ seed: SEED });
  for (const chunkSize of [1, 25]) {
    const results = await runner.map(task, XS.slice(0, 100), { chunkSize })
      .toArray();
    assertEquals(results, EXPECTED.slice(0, 100));
    Deno.removeSync(path);
  }
});

Deno.test("TaskRunner.with() with a seed numbers calls in the order in which they are made", async () => {
  await using pool = new Pool(2);
  const methods: ((runner: TaskRunner) => Promise<unknown>)[] = [
    (runner) => runner.run(draw),
    async (runner) => await runner.submit(draw),
    async (runner) => await runner.with({ seed: SEED }).run(draw),
    (runner) => Array.fromAsync(runner.stream(randomTasks.yieldTwo)),
    (runner) => runner.run(randomTasks.drawLater),
  ];
  const runner = pool.with({ seed: SEED });
  const results = await Promise.all(methods.map((method) => method(runner)));
  assertEquals(results, [0, 1, 0, 2, 3].map((index) => expected(index)));
  const all = await runner.runOnAll(draw);
  assertEquals(all, [4, 5].map((index) => expected(index)));
  const many = XS.map(() => runner.run(randomTasks.draw, 0));
  assertEquals(
    await Promise.all(many),
    XS.map((index) => expected(index + 6)),
  );
});

Deno.test("TaskRunner.transform() with a seed gives each chunk its numbers", async () => {
  await using pool = new Pool(2);
  const readable = ReadableStream.from(XS).pipeThrough(
    pool.with({ seed: SEED }).transform(randomTasks.draw),
  );
  assertEquals(await Array.fromAsync(readable), EXPECTED);
});

Deno.test("TaskRunner.with() takes seeds of 64 bits", async () => {
  await using pool = new Pool(1);
  for (
    const [seed, key] of [
      [0, [0, 0]],
      [2 ** 53 - 1, [2 ** 32 - 1, 2 ** 21 - 1]],
      [2n ** 64n - 1n, [2 ** 32 - 1, 2 ** 32 - 1]],
      [5n, [5, 0]],
    ] as const
  ) {
    const random = makePhilox([key[0], key[1]], 0);
    assertEquals(await pool.with({ seed }).run(draw), [random(), random()]);
  }
});

Deno.test("taskRandom() returns other numbers each time without a seed", async () => {
  await using pool = new Pool(1);
  const numbers = [
    ...await pool.map(randomTasks.draw, XS).toArray(),
    ...await pool.map(randomTasks.draw, XS).toArray(),
    ...await pool.map(randomTasks.yieldTwo, XS).toArray(),
    await pool.run(draw),
    await pool.run(draw),
  ].flat();
  assertEquals(new Set(numbers).size, numbers.length);
  assert(numbers.every((number) => number >= 0 && number < 1));
  const seeded = await pool.with({ seed: 1 }).run(draw);
  assertEquals(await pool.with({ seed: 1 }).run(draw), seeded);
  assertNotEquals(await pool.run(draw), seeded);
});

Deno.test("taskRandom() returns the same generator for each request of a call", async () => {
  await using pool = new Pool(1);
  for (const runner of [pool, pool.with({ seed: SEED })]) {
    assert(await runner.run(randomTasks.isSame));
    assertEquals(await runner.map(randomTasks.isSame, [1, 2]).toArray(), [
      true,
      true,
    ]);
  }
});

Deno.test("taskRandom() throws outside of tasks and after an await", async () => {
  assertThrows(() => taskRandom(), Error, "No task is running");
  await using pool = new Pool(1);
  const error = await assertRejects(() => pool.run(randomTasks.drawTooLate));
  assertStringIncludes((error as Error).message, "before it awaits anything");
});
