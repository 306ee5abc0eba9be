import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertNotEquals,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import {
  bind,
  importTasks,
  JournalError,
  type JournalOptions,
  Pool,
  type SettledItem,
  WorkerLostError,
} from "../../mod.ts";
import { TempJournal } from "../helpers/temp_journal.ts";

const XS = Array.from({ length: 300 }, (_, index) => index);

/** Returns another number each time that it runs. */
const draw = (_: number) => Math.random();

const failOnSevens = (x: number) => {
  if (x % 100 === 7) throw new RangeError(`no ${x}`);
  return Math.random();
};

/** Returns the values and the messages of settled items. */
function contents(items: readonly SettledItem<number>[]): unknown[] {
  return items.map((item) =>
    item.status === "fulfilled" ? item.value : String(item.reason)
  );
}

/** Runs a map with a journal to its end, and returns its error. */
function refusal(
  run: () => Promise<unknown>,
  message: string,
): Promise<JournalError> {
  return assertRejects(run, JournalError, message);
}

for (const codec of ["msgpack", "structured"] as const) {
  Deno.test(`map() with a journal answers finished items without running them, with the codec ${codec}`, async () => {
    using file = new TempJournal();
    await using pool = new Pool({ workers: 2, codec });
    const run = () => pool.map(draw, XS, { journal: file.path }).toArray();
    const first = await run();
    assertEquals(await run(), first);
    assertEquals(file.rows.length, 300);
    assertEquals(file.files, ["run.db"]);
  });

  Deno.test(`map() with a journal restores values of all kinds, with the codec ${codec}`, async () => {
    using file = new TempJournal();
    await using pool = new Pool({ workers: 1, codec });
    const make = (kind: string) => {
      const values: Record<string, unknown> = {
        nothing: undefined,
        map: new Map([[1, new Set([2n])]]),
        bytes: new Uint8Array(100_000).fill(7),
        many: [new Float64Array(9_000).fill(0.5), new Uint8Array(40_000)],
        error: new RangeError("far", { cause: "near" }),
        date: new Date(5),
      };
      return values[kind];
    };
    const kinds = ["nothing", "map", "bytes", "many", "error", "date"];
    const run = () => pool.map(make, kinds, { journal: file.path }).toArray();
    const first = await run();
    assertInstanceOf(first[4], RangeError);
    assertEquals(first[2], new Uint8Array(100_000).fill(7));
    assertEquals(await run(), first);
  });
}

Deno.test("map() with a journal restores cycles, with the codec structured", async () => {
  using file = new TempJournal();
  await using pool = new Pool({ workers: 1, codec: "structured" });
  const knot = (x: number) => {
    const node: { x: number; self?: unknown } = { x };
    node.self = node;
    return node;
  };
  const run = () => pool.map(knot, [1], { journal: file.path }).toArray();
  await run();
  const [node] = await run();
  assertEquals(node!.self, node);
});

Deno.test("map() with a journal restores blobs", async () => {
  using file = new TempJournal();
  await using pool = new Pool(1);
  const make = (text: string) => ({
    blob: new Blob([text], { type: "text/plain" }),
    file: new File([text, text], "twice.txt"),
    random: Math.random(),
  });
  const run = () =>
    pool.map(make, ["a", "b"], { journal: file.path }).toArray();
  const first = await run();
  const second = await run();
  assertEquals(second.map(({ random }) => random), first.map((x) => x.random));
  assertEquals(await second[1]!.blob.text(), "b");
  assertEquals(second[1]!.blob.type, "text/plain");
  assertEquals(await second[0]!.file.text(), "aa");
  assertEquals(second[0]!.file.name, "twice.txt");
});

for (const ordered of [true, false]) {
  Deno.test(`map() with a journal goes on after its reader has left, ${ordered ? "in" : "without"} order`, async () => {
    using file = new TempJournal();
    await using pool = new Pool(2);
    const make = () => pool.map(draw, XS, { journal: file.path, ordered });
    const read: number[] = [];
    for await (const value of make()) {
      if (read.push(value) === 100) break;
    }
    const recorded = file.rows.length;
    assert(recorded >= 100);
    const all = new Set(await make().toArray());
    assertEquals(all.size, 300);
    assertEquals(read.filter((value) => !all.has(value)), []);
    assertEquals(await make().toArray().then((list) => list.length), 300);
  });
}

Deno.test("map() with a journal goes on when items are added", async () => {
  using file = new TempJournal();
  await using pool = new Pool(1);
  const run = (count: number) =>
    pool.map(draw, XS.slice(0, count), { journal: file.path }).toArray();
  const first = await run(20);
  assertEquals((await run(40)).slice(0, 20), first);
  assertEquals(await run(10), first.slice(0, 10));
});

Deno.test("map() with a journal takes async items, several iterables and single calls", async () => {
  using file = new TempJournal();
  using other = new TempJournal();
  await using pool = new Pool(2);
  async function* items() {
    yield* XS;
  }
  const journal = file.path;
  const run = () => pool.map(draw, items(), { journal }).toArray();
  assertEquals(await run(), await run());
  const sum = (a: number, b: number) => a + b + Math.random();
  const runTwo = () =>
    pool.map(sum, XS, XS, { journal: other.path, chunkSize: 1 }).toArray();
  assertEquals(await runTwo(), await runTwo());
});

Deno.test("map() with a journal runs items that have failed again", async () => {
  using file = new TempJournal();
  await using pool = new Pool(2);
  const run = () =>
    pool.map(failOnSevens, XS, { journal: file.path }).settled().toArray();
  const first = contents(await run());
  assertEquals(first[107], "RangeError: no 107");
  assertEquals(file.rows.filter(({ error }) => error !== null), [
    ...[7, 107, 207].map((item) => ({ ...file.rows[item]! })),
  ]);
  const mended = (x: number) => x;
  const journal = { path: file.path, task: "failOnSevens" };
  const second = await pool.map(mended, XS, { journal }).settled().toArray();
  first[7] = 7;
  first[107] = 107;
  first[207] = 207;
  assertEquals(contents(second), first);
  assertEquals(file.rows.filter(({ error }) => error !== null), []);
});

Deno.test("map() with a journal keeps errors of items if asked to", async () => {
  using file = new TempJournal();
  await using pool = new Pool(2);
  const journal: JournalOptions = {
    path: file.path,
    failed: "keep",
    task: "failOnSevens",
  };
  const run = () => pool.map(failOnSevens, XS, { journal }).settled().toArray();
  const first = contents(await run());
  const mended = (x: number) => x;
  const second = await pool.map(mended, XS, { journal }).settled().toArray();
  assertEquals(contents(second), first);
  const { reason } = second[7] as { reason: unknown };
  assertInstanceOf(reason, RangeError);

  const plain = pool.map(mended, XS, { journal });
  const read: unknown[] = [];
  const reading = plain.forEach((value) => void read.push(value));
  await assertRejects(() => reading, RangeError, "no 7");
  assertEquals([read, plain.failedIndex], [first.slice(0, 7), 7]);
});

Deno.test("map() with a journal keeps what was finished when an item has failed", async () => {
  using file = new TempJournal();
  await using pool = new Pool(2);
  const make = () => pool.map(failOnSevens, XS, { journal: file.path });
  const map = make();
  const values: number[] = [];
  const reading = map.forEach((value) => void values.push(value));
  await assertRejects(() => reading, RangeError, "no 7");
  assertEquals(map.failedIndex, 7);
  assertEquals(
    file.rows.find(({ item }) => item === 7)!.error,
    "RangeError: no 7",
  );
  const again: number[] = [];
  await assertRejects(() => make().forEach((value) => void again.push(value)));
  assertEquals(again, values);
});

Deno.test("map() with a journal runs items again whose worker was lost", async () => {
  using file = new TempJournal();
  await using pool = new Pool(1);
  const dieOnce = (path: string, x: number) => {
    if (x !== 3) return x;
    try {
      Deno.statSync(path);
    } catch {
      Deno.writeTextFileSync(path, "");
      Deno.exit(1);
    }
    return x;
  };
  const journal = { path: file.path, failed: "keep" } as const;
  const task = bind(dieOnce, `${file.folder}/died`);
  const run = () =>
    pool.map(task, [1, 2, 3], { journal, chunkSize: 1 }).settled().toArray();
  const { reason } = (await run())[2] as { reason: unknown };
  assertInstanceOf(reason, WorkerLostError);
  assertEquals(file.rows.filter(({ error }) => error !== null), []);
  assertEquals(contents(await run()), [1, 2, 3]);
});

Deno.test("map() with a journal records an item that was tried again once", async () => {
  using file = new TempJournal();
  await using pool = new Pool(2);
  const failTwice = (folder: string, x: number) => {
    if (x % 50 !== 7) return Math.random();
    const path = `${folder}/tries-${x}`;
    Deno.writeTextFileSync(path, ".", { append: true });
    const tries = Deno.readTextFileSync(path).length;
    if (tries < 3) throw new RangeError(`no ${x}`);
    return x;
  };
  const retry = { attempts: 3, minTimeout: 1, maxTimeout: 1 };
  for (const settled of [false, true]) {
    const path = `${file.folder}/${settled}.db`;
    const folder = Deno.makeTempDirSync({ dir: file.folder });
    const run = async () => {
      const task = bind(failTwice, folder);
      const map = pool.with({ retry }).map(task, XS, { journal: path });
      return settled ? contents(await map.settled().toArray()) : map.toArray();
    };
    const first = await run();
    assertEquals(first[107], 107);
    assertEquals(await run(), first);
    assertEquals(Deno.readTextFileSync(`${folder}/tries-107`), "...");
  }
});

Deno.test("map() with a journal doesn't record what 'when' throws if that can't be encoded", async () => {
  using file = new TempJournal();
  await using pool = new Pool(1);
  const reason = () => {};
  const retry = {
    when() {
      throw reason;
    },
  };
  const fail = (x: number) => {
    if (x === 1) throw new RangeError("no");
    return x;
  };
  const items = await pool.with({ retry })
    .map(fail, [0, 1, 2], { journal: file.path }).settled().toArray();
  assertEquals(items[1], {
    index: 1,
    status: "rejected",
    reason,
    attempts: 1,
  });
  assertEquals(file.rows.map(({ item }) => item), [0, 2]);
});

Deno.test("map() with a journal records large results", async () => {
  using file = new TempJournal();
  await using pool = new Pool(2);
  const make = (x: number) => new Uint8Array(3 * 2 ** 20).fill(x);
  const run = async (ordered: boolean) => {
    const sums: number[] = [];
    const options = { journal: file.path, ordered, chunkSize: 2 };
    const map = pool.map(make, XS.slice(0, 20), options);
    for await (const bytes of map) {
      sums.push(bytes[0]!);
      if (!ordered && sums.length === 12) break;
    }
    return sums;
  };
  assertEquals(new Set(await run(false)).size, 12);
  assertEquals(await run(true), XS.slice(0, 20));
  assertEquals(file.rows.length, 20);
});

Deno.test("map() refuses the journal of another task", async () => {
  using file = new TempJournal();
  await using pool = new Pool(1);
  const journal = file.path;
  const { greet, join } = importTasks<typeof import("../helpers/tasks.ts")>(
    import.meta.resolve("../helpers/tasks.ts"),
  );
  const names = ["Ann"];
  const scale = (by: number, x: number) => by * x;
  using inline = new TempJournal();
  using bound = new TempJournal();
  await pool.map(greet, names, { journal }).toArray();
  await pool.map((x: number) => x, [1], { journal: inline.path }).toArray();
  await pool.map(bind(scale, 2), [1], { journal: bound.path }).toArray();

  const { message, path } = await refusal(
    () => pool.map(join, names, { journal }).toArray(),
    "belongs to another map: its task is the export file://",
  );
  assertEquals(path, journal);
  assertStringIncludes(message, "tasks.ts greet, not the export file://");
  assertStringIncludes(message, "choose another file");
  await refusal(
    () => pool.map((x: string) => x, names, { journal }).toArray(),
    "not the inline function",
  );
  await refusal(
    () => pool.map(bind(scale, 3), [1], { journal: bound.path }).toArray(),
    "other arguments were bound to its task 'scale'",
  );
  await refusal(
    () => pool.map(draw, [1], { journal: inline.path }).toArray(),
    "its task is the inline function '(x)=>x', not the inline function 'draw'",
  );
});

Deno.test("map() goes on with a changed function if the task is named", async () => {
  using file = new TempJournal();
  await using pool = new Pool(1);
  const before = { step: (x: number) => x + Math.random() };
  const after = { step: (x: number) => x + 2 * Math.random() };
  const path = file.path;
  const map = (task: (x: number) => number, name?: string) =>
    pool.map(task, XS, {
      journal: name === undefined ? path : { path, task: name },
    }).toArray();
  const first = await map(before.step);
  await refusal(
    () => map(after.step),
    "the source of its task 'step' was another: choose another file or, if its results still count, name the task: journal: { path, task: \"step\" }",
  );
  await refusal(() => map(after.step, "leap"), "is named 'step', not 'leap'");
  assertEquals(await map(after.step, "step"), first);
  // From now on, the journal is that of the changed function.
  assertEquals(await map(after.step), first);
  await refusal(() => map(before.step), "the source of its task");
});

Deno.test("map() refuses the journal of a map with other options", async () => {
  using file = new TempJournal();
  using keyed = new TempJournal();
  await using pool = new Pool(1);
  await using other = new Pool({ workers: 1, codec: "structured" });
  const task = (x: unknown) => String(x);
  const items: [string][] = [["a"]];
  const journal = file.path;
  const key = String;
  await pool.map(task, items, { journal }).toArray();
  await pool.map(task, items, { journal: keyed.path, key }).toArray();
  await refusal(
    () => pool.map(task, items, { journal, spread: true }).toArray(),
    "each of its items is one argument",
  );
  await refusal(
    () => pool.map(task, items, { journal, key }).toArray(),
    "known by their index, but this map has the option 'key'",
  );
  await refusal(
    () => pool.map(task, items, { journal: keyed.path }).toArray(),
    "known by the option 'key', which this map doesn't have",
  );
  await refusal(
    () => other.map(task, items, { journal }).toArray(),
    `its codec is "msgpack", but the pool's is "structured"`,
  );
});

Deno.test("map() refuses a journal of other items, after the results before", async () => {
  using file = new TempJournal();
  await using pool = new Pool(2);
  const run = (items: readonly unknown[]) =>
    pool.map((x: unknown) => [x, Math.random()], items, {
      journal: file.path,
    });
  const items = XS.map((x) => ({ x, text: "long enough to be hashed: " + x }));
  const first = await run(items).toArray();
  const changed = items.with(200, { x: 200, text: "something else" });
  const read: unknown[] = [];
  const error = await refusal(
    () => run(changed).forEach((value) => void read.push(value)),
    "has another item of index 200",
  );
  assertEquals(error.index, 200);
  assertEquals(read, first.slice(0, 200));
  await refusal(() => run(changed).toArray(), "index 200");
  await refusal(() => run(changed).settled().toArray(), "index 200");
  assertEquals(await run(items).toArray(), first);
});

Deno.test("map() with a journal finds items by their key, in any order", async () => {
  using file = new TempJournal();
  await using pool = new Pool(2);
  const run = (items: { id: string; size: number }[]) =>
    pool.map((item: { id: string }) => item.id + Math.random(), items, {
      journal: file.path,
      key: (item) => item.id,
    }).toArray();
  const items = XS.map((x) => ({ id: `item ${x}`, size: x }));
  const first = await run(items.slice(0, 200));
  const resized = items.map(({ id }) => ({ id, size: -1 }));
  const second = await run(resized.toReversed());
  assertEquals(second.toReversed().slice(0, 200), first);
  assertEquals(file.rows.length, 300);
});

Deno.test("map() refuses bad keys of items", async () => {
  using file = new TempJournal();
  await using pool = new Pool(1);
  const map = (key: (x: number) => unknown) =>
    pool.map((x: number) => x, XS, {
      journal: file.path,
      key: key as (x: number) => string,
    }).toArray();
  const error = await refusal(
    () => map((x) => `${x % 50}`),
    `The items 0 and 50 have the same key "0"`,
  );
  assertEquals(error.index, 50);
  await assertRejects(
    () => map((x) => x),
    TypeError,
    "'key(items[0])' must be a string, but is 0",
  );
  // In the file, these two would be the same.
  await assertRejects(
    () => map((x) => x === 0 ? "\ud800" : "\ud801"),
    RangeError,
    "'key(items[0])' must be a string without lone surrogates",
  );
  await assertRejects(
    () =>
      map(() => {
        throw new Error("no key");
      }),
    Error,
    "no key",
  );
});

Deno.test("map() with a journal tells keys with null characters apart", async () => {
  using file = new TempJournal();
  await using pool = new Pool(1);
  const keys = ["a", "a\0", "a\0b", "\0"];
  const run = (items: string[]) =>
    pool.map(
      (key: string) => `${JSON.stringify(key)} ${Math.random()}`,
      items,
      {
        journal: file.path,
        key: String,
      },
    ).toArray();
  const first = await run(keys);
  assertEquals((await run(keys.toReversed())).reverse(), first);
});

Deno.test("map() with a journal ends by its signal if 'key' aborts it before an array throws", async () => {
  using file = new TempJournal();
  await using pool = new Pool(2);
  const controller = new AbortController();
  const items = Array.from({ length: 20_000 }, (_, index) => index);
  for (let index = 9_005; index < 11_000; index += 10) {
    Object.defineProperty(items, index, {
      get() {
        throw new RangeError("no item");
      },
    });
  }
  const task = (x: number) => {
    const end = performance.now() + 0.1;
    while (performance.now() < end);
    return x;
  };
  const map = pool.map(task, items, {
    chunkSize: 10,
    journal: file.path,
    signal: controller.signal,
    key: (x) => {
      if (x >= 9_000 && x < 11_000) controller.abort(new Error("stop"));
      return String(x);
    },
  });
  await assertRejects(() => map.toArray(), Error, "stop");
});

Deno.test("map() refuses a journal that another map uses", async () => {
  using file = new TempJournal();
  await using pool = new Pool(1);
  const journal = file.path;
  const first = pool.map(draw, XS, { journal });
  const { value } = await first.next();
  await refusal(
    () => pool.map(draw, XS, { journal }).toArray(),
    "is in use by another map of this program",
  );
  const rest = await first.toArray();
  const all = await pool.map(draw, XS, { journal }).toArray();
  assertEquals(all, [value!, ...rest]);
});

Deno.test("map() with a journal refuses tasks that yield values", async () => {
  using file = new TempJournal();
  await using pool = new Pool(1);
  for (const count of [0, 3]) {
    const task = bind(function* (count: number, x: number) {
      for (let y = 0; y < count; y++) yield x;
    }, count);
    const run = () =>
      pool.map(task, XS, { journal: { path: file.path, task: "yield" } })
        .toArray();
    const error = await assertRejects(run, TypeError, "yields values");
    assertStringIncludes(error.message, "let it return an array");
  }
});

Deno.test("map() with a journal fails an item that can't be sent, and doesn't record it", async () => {
  using file = new TempJournal();
  await using pool = new Pool(1);
  const items = [1, () => {}, 3];
  const run = () =>
    pool.map((x: unknown) => typeof x, items, { journal: file.path })
      .settled().toArray();
  for (let time = 0; time < 2; time++) {
    const statuses = (await run()).map(({ status }) => status);
    assertEquals(statuses, ["fulfilled", "rejected", "fulfilled"]);
  }
  assertEquals(file.rows.map(({ item }) => item), [0, 2]);
});

Deno.test("map() with a journal ends by its signal, and keeps what was finished", async () => {
  using file = new TempJournal();
  await using pool = new Pool(2);
  const journal = file.path;
  const controller = new AbortController();
  const read: number[] = [];
  await assertRejects(
    () =>
      pool.map(draw, XS, { journal, signal: controller.signal })
        .forEach((value) => {
          if (read.push(value) === 50) controller.abort(new Error("stop"));
        }),
    Error,
    "stop",
  );
  const all = await pool.map(draw, XS, { journal }).toArray();
  assertEquals(all.slice(0, read.length), read);
});

Deno.test("map() with a journal can be aborted before it is open", async () => {
  using file = new TempJournal();
  await using pool = new Pool(1);
  const map = pool.map(draw, XS, { journal: file.path });
  const first = map.next();
  await map.return?.();
  assertEquals(await first, { done: true, value: undefined });
  assertEquals(file.files, ["run.db"]);
  assertEquals(
    (await pool.map(draw, XS, { journal: file.path }).toArray()).length,
    300,
  );
});

Deno.test("map() with a journal rejects with PoolClosedError after a shutdown", async () => {
  using file = new TempJournal();
  const pool = new Pool(1);
  await pool.shutdown();
  await assertRejects(
    () => pool.map(draw, XS, { journal: file.path }).toArray(),
    Error,
    "was shut down",
  );
  assertEquals(file.files, ["run.db"]);
});

Deno.test("map() with a journal tells equal items apart by their index", async () => {
  using file = new TempJournal();
  await using pool = new Pool(1);
  const run = (items: number[]) =>
    pool.map(draw, items, { journal: file.path }).toArray();
  const [a, b] = await run([5, 5]);
  assertNotEquals(a, b);
  assertEquals(await run([5, 5]), [a, b]);
});
