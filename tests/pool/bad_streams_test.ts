import { assertEquals, assertRejects } from "@std/assert";
import { Pool, type TaskThis } from "../../mod.ts";
import { REPLACING_TASKS } from "../programs/cancel_replacing_tasks.ts";
import {
  assertCounts,
  assertNoneLost,
  count,
  CountedSource,
} from "../helpers/stream_fixture.ts";

/** A task: sends back what it gets until it gets `"end"`. */
async function echo(this: TaskThis): Promise<string> {
  for await (const message of this.port) {
    if (message === "end") break;
    await this.port.postMessage(message);
  }
  return "ended";
}

for (const { name, task } of REPLACING_TASKS) {
  // It ends its worker.
  if (name === "replaces for good") continue;
  Deno.test(`stream() goes on beside a task that ${name}`, async () => {
    await using pool = new Pool({ workers: 1, concurrency: 4 });
    const output = pool.stream(count, 20_000);
    const source = new CountedSource(20_000);
    const input = pool.stream(
      (xs: ReadableStream<number>) => xs,
      source.stream,
    );
    const echoed: unknown[] = [];
    const port = pool.submit(echo).onMessage((x) => void echoed.push(x));
    await port.postMessage(1);
    await pool.run(task as () => unknown).catch(() => {});
    await assertCounts(output, 20_000);
    await assertCounts(input, 20_000);
    await port.postMessage(2);
    await port.postMessage("end");
    assertEquals([await port, echoed], ["ended", [1, 2]]);
    await assertCounts(pool.map(count, [3_000]), 3_000);
    assertNoneLost(pool);
  });
}

Deno.test("stream() survives a generator that replaces what sends its values", async () => {
  await using pool = new Pool({ workers: 1, concurrency: 2 });
  const bad = pool.stream(async function* () {
    for (let x = 0; x < 20_000; x++) {
      Promise.prototype.then = () => new Promise(() => {});
      Object.assign(globalThis, {
        ReadableStream: null,
        AbortController: null,
        Promise: null,
        setTimeout: null,
      });
      Array.prototype.push = () => 0;
      Map.prototype.get = () => undefined;
      Set.prototype.delete = () => true;
      yield x;
    }
  });
  await assertCounts(bad, 20_000);
  const source = new CountedSource(20_000);
  const stream = pool.stream((xs: ReadableStream<number>) => xs, source.stream);
  await assertCounts(stream, 20_000);
  for await (const _ of pool.stream(count, Infinity)) break;
  assertEquals(await pool.run(() => "alive"), "alive");
  assertNoneLost(pool);
});

Deno.test("stream() yields the values of a broken iterator, or its error", async () => {
  await using pool = new Pool(1);
  const broken = [
    pool.stream(() => ({ [Symbol.iterator]: () => 5 }) as never),
    pool.stream(() => ({ [Symbol.iterator]: () => ({}) }) as never),
    pool.stream(() =>
      ({ [Symbol.iterator]: () => ({ next: () => undefined }) }) as never
    ),
    pool.stream(() =>
      ({ [Symbol.asyncIterator]: () => ({ next: 5 }) }) as never
    ),
    pool.stream(() => {
      const { proxy, revoke } = Proxy.revocable({}, {});
      revoke();
      return proxy as never;
    }),
    pool.stream(() => {
      const stream = new ReadableStream<number>();
      stream.getReader();
      return stream;
    }),
    pool.stream(function* () {
      yield { then: 1 };
      yield {
        get then() {
          throw new TypeError("on purpose");
        },
      };
    }),
    pool.stream(() =>
      ({
        [Symbol.iterator]: () => ({
          next: () => ({ done: false, value: () => {} }),
          return: () => {
            throw new Error("nobody gets this");
          },
        }),
      }) as never
    ),
  ];
  for (const stream of broken) {
    await assertRejects(() => Array.fromAsync(stream));
  }
  assertEquals(await pool.run(() => "alive"), "alive");
  assertNoneLost(pool);
});
