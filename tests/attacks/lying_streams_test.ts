import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
} from "@std/assert";
import { Pool, type TaskRunner, WorkerLostError } from "../../mod.ts";
import {
  MessageType,
  StreamNumber,
} from "../../src/protocol/worker_messages.ts";
import { type Lie, LyingHost, says } from "../helpers/lying_host.ts";
import { CountedSource } from "../helpers/stream_fixture.ts";

const { RESULTS, CHUNK_RESULTS, VALUES, END, CREDIT, CLOSE, STOP } =
  MessageType;
const { OUTPUT, PORT, FIRST_INPUT } = StreamNumber;
const MOST = 2 ** 32 - 1;

/** A task, which is never called. */
const task = (x: number) => x;

type Call = (liar: TaskRunner) => PromiseLike<unknown>;

const run: Call = (liar) => liar.run(task, 1);
const map: Call = (liar) =>
  liar.map(task, [1, 2, 3], { chunkSize: 3 }).toArray();
const stream: Call = (liar) => Array.fromAsync(liar.stream(() => [1]));

/** Calls with a stream as their argument. */
function open(liar: TaskRunner): Promise<unknown> {
  const source = new CountedSource();
  return liar.run((_: ReadableStream<number>) => 1, source.stream);
}

/** Lies that leave a call without an outcome. */
const LIES: readonly [name: string, call: Call, lie: Lie][] = [
  [
    "yields values of a call with a single result",
    run,
    says((id) => [VALUES, id, OUTPUT, [1]]),
  ],
  ["ends a call with a single result", run, says((id) => [END, id, 1])],
  [
    "returns a single result of a stream",
    stream,
    says((id) => [RESULTS, id, 1, [1]]),
  ],
  [
    "yields more values than it has credit for",
    stream,
    says((id) => [VALUES, id, OUTPUT, Array(4_097).fill(0)]),
  ],
  [
    "yields more values of a chunk than it has credit for",
    map,
    says((id) => [VALUES, id, OUTPUT, Array(4_097).fill(0)]),
  ],
  [
    "yields no values",
    stream,
    says((id) => [VALUES, id, OUTPUT, []]),
  ],
  [
    "yields values of calls that it wasn't given",
    stream,
    says((id) => [VALUES, id + 9, OUTPUT, [1]]),
  ],
  [
    "yields values of streams that there aren't",
    stream,
    says((id) => [VALUES, id, 7, [1]]),
  ],
  [
    "yields values of a stream that the pool sends",
    open,
    says((id) => [VALUES, id, FIRST_INPUT, [1]]),
  ],
  [
    "returns the results of a chunk after its values",
    map,
    says(
      (id) => [VALUES, id, OUTPUT, [1]],
      (id) => [CHUNK_RESULTS, id, 1, [1, 2, 3]],
    ),
  ],
  [
    "sends more messages than it has credit for",
    run,
    says((id) => [VALUES, id, PORT, Array(1_025).fill(0)]),
  ],
  [
    "gives credit for calls that it wasn't given",
    open,
    says((id) => [CREDIT, id + 9, FIRST_INPUT, 1, 1]),
  ],
  [
    "gives credit for its own stream",
    stream,
    says((id) => [CREDIT, id, OUTPUT, 1, 1]),
  ],
  [
    "gives credit for streams that there aren't",
    open,
    says((id) => [CREDIT, id, FIRST_INPUT + 1, 1, 1]),
  ],
  [
    "gives negative credit",
    open,
    says((id) => [CREDIT, id, FIRST_INPUT, -1, 1]),
  ],
  [
    "stops streams that there aren't",
    open,
    says((id) => [STOP, id, FIRST_INPUT + 1, 1]),
  ],
  ["stops its own stream", stream, says((id) => [STOP, id, OUTPUT, 1])],
  [
    "closes a stream like a pool",
    open,
    says((id) => [CLOSE, id, FIRST_INPUT, []]),
  ],
];

/** A pool with a lying worker and an honest one. */
function poolWith(host: LyingHost): Pool {
  return new Pool({
    workers: 1,
    hosts: [host.spec],
    maxRestarts: 0,
    prefetch: 0,
  });
}

for (const [name, call, lie] of LIES) {
  Deno.test(`Pool replaces a worker when it ${name}`, async () => {
    await using host = new LyingHost(lie);
    await using pool = poolWith(host);
    await pool.ready;
    const liar = pool.with({ host: "127.0.0.1" });
    const error = await assertRejects(async () => await call(liar));
    assertInstanceOf(error, WorkerLostError);
    assert(
      String((error.cause as Error)?.message).startsWith("Malformed message"),
      String(error.cause),
    );
    assertEquals(await pool.run((x: number) => x + 1, 1), 2);
  });
}

Deno.test("Pool keeps a stream's values, and ends the worker that yields more after its end", async () => {
  await using host = new LyingHost(
    says(
      (id) => [VALUES, id, OUTPUT, ["first"]],
      (id) => [END, id, 1],
      (id) => [VALUES, id, OUTPUT, ["second"]],
    ),
  );
  await using pool = poolWith(host);
  const liar = pool.with({ host: "127.0.0.1" });
  const values: unknown[] = await Array.fromAsync(liar.stream(() => [0]));
  assertEquals(values, ["first"]);
  await assertRejects(() => liar.run(() => ""));
  assertEquals(await pool.run(() => "honest"), "honest");
});

Deno.test("Pool sends a source's values however much credit a worker gives", async () => {
  const source = new CountedSource(10_000);
  await using host = new LyingHost((id, channel) => {
    for (let times = 0; times < 1_000; times++) {
      for (const [values, bytes] of [[0, 0], [0, MOST], [MOST, MOST]]) {
        channel.writer.message([CREDIT, id, FIRST_INPUT, values, bytes]);
      }
    }
    channel.writer.message([STOP, id, FIRST_INPUT, "enough"]);
    channel.writer.message([CREDIT, id, FIRST_INPUT, MOST, MOST]);
    channel.writer.message([RESULTS, id, 1, ["done"]]);
    channel.flush();
  });
  await using pool = poolWith(host);
  const liar = pool.with({ host: "127.0.0.1" });
  const ignore = (_: ReadableStream<number>) => "";
  assertEquals<unknown>(await liar.run(ignore, source.stream), "done");
  assertEquals(await source.closed, "enough");
  assertEquals(await pool.run(() => "honest"), "honest");
});

Deno.test("Pool ignores messages and credit of a call that has no listener", async () => {
  await using host = new LyingHost(
    says(
      (id) => [CREDIT, id, PORT, MOST, MOST],
      (id) => [CREDIT, id, PORT, 0, 0],
      (id) => [VALUES, id, PORT, [1, 2, 3]],
      (id) => [RESULTS, id, 1, ["done"]],
    ),
  );
  await using pool = poolWith(host);
  const liar = pool.with({ host: "127.0.0.1" });
  assertEquals<unknown>(await liar.run(() => ""), "done");
});
