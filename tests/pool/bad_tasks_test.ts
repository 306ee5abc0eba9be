import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { deadline } from "@std/async/deadline";
import { importTasks, Pool, WorkerLostError } from "../../mod.ts";
import { Gate, passGate } from "../helpers/gate.ts";
import { BAD_TASKS, type BadTask } from "../programs/cancel_bad_tasks.ts";
import { REPLACING_TASKS } from "../programs/cancel_replacing_tasks.ts";

/** The longest that a step may take on a busy machine, in milliseconds. */
const LONG = 60_000;

/** Starts various calls, which a bad task must not affect. */
function startInnocents(pool: Pool): Promise<unknown>[] {
  return [
    ...[1, 2, 3].map((x) => pool.run((x: number) => x * 2, x)),
    pool.run((x: unknown) => x, { a: [1, { b: "text", c: undefined }] }),
    pool.run((x: unknown) => x, new Map([["key", new Set([1, 2])]])),
    pool.run((x: unknown) => x, new Date(5)),
    pool.run((x: unknown) => x, new URL("https://example.com/")),
    pool.run((): unknown => () => {}).catch((error) => error.message),
    pool.run((): unknown => ({ "a b": [new Map([["c", Symbol()]])] }))
      .catch((error) => error.message),
    pool.run(() => Promise.resolve("a longer text, é, of non-ASCII letters")),
    pool.run((x: number) => new Uint8Array(x).fill(7), 100_000),
    pool.run((x: number[]) => Float64Array.from(x), [1, 2]),
    pool.map((x: number, y: string) => x + y, [1, 2, 3], ["a", "b", "c"])
      .toArray(),
    pool.map((x: number) => -x, [1, 2, 3], { chunkSize: 2 }).toArray(),
    pool.run(() => {
      throw new TypeError("as expected", { cause: new RangeError("inner") });
    }).catch((error) => [
      error instanceof TypeError,
      error.message,
      error.cause.message,
      /^TypeError: as expected\n +at .*:\d+\)(\n|$)/.test(error.stack),
      error.stack.includes("Executor"),
    ]),
  ];
}

const RIGHT: unknown[] = [
  ...[2, 4, 6],
  { a: [1, { b: "text", c: undefined }] },
  new Map([["key", new Set([1, 2])]]),
  new Date(5),
  new URL("https://example.com/"),
  "result is a function; send plain data, or make it in the task itself",
  'result["a b"][0].get(c) is a symbol; send plain data, or make it in the task itself',
  "a longer text, é, of non-ASCII letters",
  new Uint8Array(100_000).fill(7),
  new Float64Array([1, 2]),
  ["1a", "2b", "3c"],
  [-1, -2, -3],
  [true, "as expected", "inner", true, false],
];

function kindOf(outcome: PromiseSettledResult<unknown>): BadTask["outcome"] {
  if (outcome.status === "fulfilled") return "value";
  const { reason } = outcome;
  if (reason instanceof WorkerLostError) return "lost";
  return reason?.name === "TimeoutError" ? "time-out" : "error";
}

function testBadTask({ name, task, outcome: expected }: BadTask): void {
  Deno.test(`Pool survives a task that ${name}`, async () => {
    await using pool = new Pool({
      workers: 1,
      prefetch: 19,
      cancelGrace: 100,
      stdio: "null",
    });
    await pool.ready;
    const timeout = expected === "time-out" ? 100 : LONG / 2;
    const bad = pool.with({ timeout }).run(task);
    const beside = startInnocents(pool);
    const [outcome] = await Promise.allSettled([bad]);
    if (expected !== undefined) {
      assertEquals(kindOf(outcome!), expected, Deno.inspect(outcome));
    }
    assertEquals(await deadline(Promise.all(beside), LONG), RIGHT);
    // This timer fires after all timers that the bad task set.
    await pool.run(() => new Promise((resolve) => setTimeout(resolve, 10)));
    const after = deadline(Promise.all(startInnocents(pool)), LONG);
    assertEquals(await after, RIGHT);
  });
}

[...BAD_TASKS, ...REPLACING_TASKS].forEach(testBadTask);

/** Replaces a built-in method by its index, and returns its name, if any. */
function replaceMethod(number: number): string | undefined {
  const iterators = [[].values(), new Map().values(), new Set().values()]
    .map((iterator) => Object.getPrototypeOf(iterator));
  const classes = [
    ...[Array, ArrayBuffer, BigInt, DataView, Date, Error, Function, Map],
    ...[Number, Object, Promise, RegExp, Set, String, TextDecoder],
    ...[TextEncoder, TypeError, Uint8Array, Object.getPrototypeOf(Uint8Array)],
  ];
  const owners = [
    ...iterators,
    ...classes.flatMap((one) => [one, one.prototype]),
    ...[JSON, Math, Reflect],
  ];
  let count = 0;
  for (const owner of owners) {
    for (const key of Reflect.ownKeys(owner)) {
      const descriptor = Reflect.getOwnPropertyDescriptor(owner, key)!;
      const isMethod = typeof descriptor.value === "function";
      if (!isMethod || !descriptor.configurable) continue;
      // The tasks of the other calls use these methods.
      if (owner !== Array.prototype && key === "fill" || key === "from") {
        continue;
      }
      if (count++ < number) continue;
      const value = () => "wrong";
      Object.defineProperty(owner, key, { ...descriptor, value });
      return `${owner.name ?? Object.prototype.toString.call(owner)} ${
        String(key)
      }`;
    }
  }
  return undefined;
}

Deno.test("Pool survives tasks that replace any built-in method", async () => {
  await using pool = new Pool({ workers: 1, prefetch: 19, stdio: "null" });
  const pid = await pool.run(() => Deno.pid);
  for (let number = 0;; number++) {
    const replacing = pool.run(replaceMethod, number);
    const beside = await Promise.allSettled(startInnocents(pool));
    const name = await replacing;
    if (name === undefined) break;
    const values = beside.map((one) =>
      one.status === "fulfilled" ? one.value : one.reason
    );
    // Compared one by one, because comparing all at once is slow if they
    // differ.
    values.forEach((value, index) => assertEquals(value, RIGHT[index], name));
    assertEquals(await pool.run(() => Deno.pid), pid, name);
  }
});

Deno.test("Pool survives a task module that replaces methods while it loads", async () => {
  const code = `
    Array.prototype.map = Array.prototype.find = () => undefined;
    export const task = () => "loaded";
  `;
  const url = `data:text/javascript,${encodeURIComponent(code)}`;
  const { task } = importTasks<{ task(): string }>(url);
  await using pool = new Pool({ workers: 1, prefetch: 19 });
  const loaded = pool.run(task);
  assertEquals(await Promise.all(startInnocents(pool)), RIGHT);
  assertEquals(await loaded, "loaded");
});

Deno.test("Pool survives tasks whose results are too large for a message", async () => {
  await using pool = new Pool({ workers: 1, prefetch: 19 });
  const pid = await pool.run(() => Deno.pid);
  const binary = pool.run(() => new Uint8Array(5 * 2 ** 30));
  const beside = startInnocents(pool);
  const many = pool.run(() => {
    const bytes = new Uint8Array(2 ** 24);
    return Array.from({ length: 5 * 2 ** 6 }, () => bytes);
  });
  for (const call of [binary, many]) {
    const error = await assertRejects(() => call, DOMException);
    assertEquals(error.name, "DataCloneError");
    assertStringIncludes(error.message, "5368709120 bytes");
  }
  assertEquals(await Promise.all(beside), RIGHT);
  assertEquals(await pool.run(() => Deno.pid), pid);
});

Deno.test({
  name: "Pool survives a task that closes its file descriptors",
  ignore: Deno.build.os !== "linux",
  async fn() {
    await using gate = new Gate();
    await using pool = new Pool({ workers: 2, prefetch: 0, stdio: "null" });
    await pool.ready;
    const held = pool.run(passGate<string>, gate.port, "held");
    await gate.entered();
    const bad = pool.with({ timeout: LONG }).run(async () => {
      const { closeSync, readdirSync } = await import("node:fs");
      for (const name of readdirSync("/proc/self/fd")) {
        try {
          if (Number(name) > 2) closeSync(Number(name));
        } catch {
          // Node.js doesn't know this file descriptor.
        }
      }
    });
    await bad.catch((error) => assertInstanceOf(error, WorkerLostError));
    gate.open();
    assertEquals(await held, "held");
    assertEquals(await Promise.all(startInnocents(pool)), RIGHT);
  },
});

Deno.test("Pool survives a task that writes 10 MB to stdout and stderr", async () => {
  await using pool = new Pool({ workers: 2, stdio: "null" });
  await pool.ready;
  const loud = pool.run(async () => {
    const bytes = new Uint8Array(10_000_000).fill(65);
    for (const stream of [Deno.stdout, Deno.stderr]) {
      for (let written = 0; written < bytes.length;) {
        written += await stream.write(bytes.subarray(written));
      }
      stream.writeSync(new Uint8Array([10]));
    }
    return "said";
  });
  assertEquals(await Promise.all(startInnocents(pool)), RIGHT);
  assertEquals(await loud, "said");
  assert(pool.stats().hosts[0]!.lost === 0);
});
