import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertLess,
  assertRejects,
} from "@std/assert";
import { Pool, WorkerLostError } from "../../mod.ts";
import { Gate } from "../helpers/gate.ts";
import { withFile } from "../helpers/files.ts";
import {
  assertCounts,
  count,
  CountedSource,
} from "../helpers/stream_fixture.ts";

/** Reads a stream until it fails; returns its values and the error. */
async function readToError(
  stream: AsyncIterable<unknown>,
): Promise<{ values: unknown[]; error: unknown }> {
  const values: unknown[] = [];
  try {
    for await (const value of stream) values.push(value);
  } catch (error) {
    return { values, error };
  }
  throw new Error("The stream has ended without an error");
}

/** A task: at its first run ends its worker, before or after it has yielded. */
async function* lossy(
  path: string,
  values: number,
  how: "exit" | "kill",
): AsyncGenerator<number> {
  const runs = Deno.readTextFileSync(path).length;
  Deno.writeTextFileSync(path, "x", { append: true });
  for (let x = 0; x < values; x++) {
    yield x;
    // Values that were yielded are sent.
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  if (runs === 0 && how === "exit") Deno.exit(7);
  if (runs === 0) Deno.kill(Deno.pid, "SIGKILL");
  yield values;
}

Deno.test("stream() runs again if its worker is lost before the first value", async () => {
  await using pool = new Pool({ workers: 1, retries: 1 });
  for (const how of ["exit", "kill"] as const) {
    await withFile("", async (path) => {
      const stream = pool.stream(lossy, path, 0, how);
      assertEquals(await Array.fromAsync(stream), [0]);
      assertEquals(await Deno.readTextFile(path), "xx");
    });
  }
});

Deno.test("stream() fails without retries, after the values that arrived", async () => {
  await using pool = new Pool(1);
  await withFile("", async (path) => {
    const { values, error } = await readToError(
      pool.stream(lossy, path, 0, "exit"),
    );
    assertInstanceOf(error, WorkerLostError);
    assertEquals(values, []);
  });
});

Deno.test("stream() isn't repeated once a value has arrived", async () => {
  await using pool = new Pool({ workers: 1, retries: 5 });
  for (const how of ["exit", "kill"] as const) {
    await withFile("", async (path) => {
      const { values, error } = await readToError(
        pool.stream(lossy, path, 3, how),
      );
      assertInstanceOf(error, WorkerLostError);
      assertEquals(values, [0, 1, 2]);
      assertEquals(await Deno.readTextFile(path), "x");
    });
  }
});

Deno.test("stream() yields what arrived before the loss, whenever it is read", async () => {
  await using pool = new Pool({ workers: 1, retries: 5 });
  const paused = pool.stream(count, 100_000);
  await assertRejects(
    () => pool.with({ retries: 0 }).run(() => Deno.exit(1)),
    WorkerLostError,
  );
  const { values, error } = await readToError(paused);
  assertInstanceOf(error, WorkerLostError);
  assertEquals(values, [...count(4_096)]);
});

Deno.test("stream() moves to another worker if it can't have begun", async () => {
  await using gate = new Gate();
  await using pool = new Pool({ workers: 1, concurrency: 1, prefetch: 5 });
  const blocking = pool.run(async (port: number) => {
    using connection = await Deno.connect({ hostname: "127.0.0.1", port });
    await connection.read(new Uint8Array(1));
    Deno.exit(1);
  }, gate.port);
  const source = new CountedSource(5_000);
  const streams = [
    pool.stream(count, 5_000),
    pool.stream((xs: ReadableStream<number>) => xs, source.stream),
    pool.map(count, [5_000], { chunkSize: 1 }),
  ];
  const reading = streams.map((stream) => assertCounts(stream, 5_000));
  await gate.entered();
  gate.open();
  await assertRejects(() => blocking, WorkerLostError);
  await Promise.all(reading);
});

Deno.test("stream() keeps calls behind it from being lost, unless it was paused", async () => {
  await using pool = new Pool({ workers: 1, concurrency: 1, prefetch: 5 });
  for (const values of [10, 4_096]) {
    await using gate = new Gate();
    const stream = pool.stream(
      async function* (values: number, port: number) {
        for (let x = 0; x < values; x++) yield x;
        using connection = await Deno.connect({ hostname: "127.0.0.1", port });
        await connection.read(new Uint8Array(1));
        Deno.exit(1);
      },
      values,
      gate.port,
    );
    const reading = readToError(stream);
    const behind = pool.run(() => "begun");
    await gate.entered();
    gate.open();
    const { error } = await reading;
    assertInstanceOf(error, WorkerLostError);
    // While the first 4,096 values were on their way, it may have begun.
    if (values === 10) assertEquals(await behind, "begun");
    else {await behind.catch((error) =>
        assertInstanceOf(error, WorkerLostError)
      );}
  }
});

Deno.test("stream() doesn't run again once its task has read an argument", async () => {
  await using pool = new Pool({ workers: 1, retries: 5 });
  const source = new CountedSource();
  const stream = pool.stream(async function* (xs: ReadableStream<number>) {
    await xs.getReader().read();
    Deno.exit(1);
    yield 1;
  }, source.stream);
  const { error } = await readToError(stream);
  assertInstanceOf(error, WorkerLostError);
  await source.assertClosed();
});

Deno.test("stream() runs again with its arguments if its task hadn't read them", async () => {
  await using pool = new Pool({ workers: 1, retries: 1 });
  await withFile("", async (path) => {
    const source = new CountedSource(20_000);
    const stream = pool.stream(
      async function* (path: string, xs: ReadableStream<number>) {
        await Promise.resolve();
        const runs = Deno.readTextFileSync(path).length;
        Deno.writeTextFileSync(path, "x", { append: true });
        if (runs === 0) Deno.exit(1);
        yield* xs;
      },
      path,
      source.stream,
    );
    await assertCounts(stream, 20_000);
    assertEquals(await Deno.readTextFile(path), "xx");
  });
});

Deno.test("map() repeats no value that a lost task yielded", async () => {
  await using pool = new Pool({ workers: 2, retries: 5 });
  for (const ordered of [true, false]) {
    await withFile("", async (path) => {
      const results = pool.map(lossy, [path], [3], ["kill"] as const, {
        ordered,
      });
      const { values, error } = await readToError(results);
      assertInstanceOf(error, WorkerLostError);
      assertEquals(values, [0, 1, 2]);
      assertEquals(await Deno.readTextFile(path), "x");
    });
  }
});

Deno.test("map() repeats the items of a chunk one by one if none has yielded", async () => {
  await using pool = new Pool({ workers: 1, retries: 1 });
  await withFile("", async (path) => {
    const results = pool.map(
      (path: string, x: number) => {
        const runs = Deno.readTextFileSync(path);
        Deno.writeTextFileSync(path, String(x), { append: true });
        if (x === 2 && !runs.includes("2")) Deno.exit(1);
        // The first two items return arrays, which aren't sent one by one.
        return x < 2 ? [x] as never : (function* () {
          yield x;
          yield x * 10;
        })();
      },
      Array(5).fill(path) as string[],
      count(5),
      { chunkSize: 5 },
    );
    const values: unknown[] = await results.toArray();
    assertEquals(values, [[0], [1], 2, 20, 3, 30, 4, 40]);
    assertEquals(await Deno.readTextFile(path), "01201234");
  });
});

Deno.test("map() fails if an item is lost that runs alone and has yielded", async () => {
  await using pool = new Pool({ workers: 1, retries: 5 });
  await withFile("", async (path) => {
    const results = pool.map(
      async function* (path: string, x: number) {
        const runs = Deno.readTextFileSync(path);
        Deno.writeTextFileSync(path, String(x), { append: true });
        if (!runs.includes("0")) Deno.exit(1);
        yield x;
        await new Promise((resolve) => setTimeout(resolve, 20));
        if (x === 1) Deno.exit(1);
        yield x * 10;
      },
      Array(3).fill(path) as string[],
      count(3),
      { chunkSize: 3 },
    );
    const { values, error } = await readToError(results);
    assertInstanceOf(error, WorkerLostError);
    assertEquals(values, [0, 0, 1]);
    assertEquals(await Deno.readTextFile(path), "001");
  });
});

Deno.test("stream() ends at a loss if its reader has left", async () => {
  await using pool = new Pool({ workers: 1, cancelGrace: 60_000 });
  const stream = pool.stream(async function* () {
    try {
      yield 1;
    } finally {
      await Promise.resolve();
      Deno.exit(1);
    }
  });
  for await (const _ of stream) break;
  assertEquals(await pool.run(() => "alive"), "alive");
  assertLess(0, pool.stats().hosts[0]!.lost);
  assert(!stream.locked);
});
