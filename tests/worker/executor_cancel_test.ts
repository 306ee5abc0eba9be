import { assert, assertEquals, assertInstanceOf } from "@std/assert";
import { Channel } from "../../src/wire/channel.ts";
import {
  type Failure,
  MessageType,
  type PoolMessage,
} from "../../src/wire/messages.ts";
import { Executor } from "../../src/worker/executor.ts";
import { ResultWriter } from "../../src/worker/result_writer.ts";
import { ConnectionPair, TRANSPORTS } from "../wire/_connections.ts";

const { CALLS, CANCEL, CHUNK, CHUNK_RESULTS, DEFINE, FAILURE, RESULTS } =
  MessageType;

/** The task of {@linkcode held}. */
const HELD = 0;
/** The task of {@linkcode patient}. */
const PATIENT = 1;

/** The arguments of the calls that have begun, in that order. */
const begun: number[] = [];
const gates = new Map<number, PromiseWithResolvers<void>>();
/** Those of the calls that were told that no one waits for them. */
const told: number[] = [];

function gate(x: number): PromiseWithResolvers<void> {
  const found = gates.get(x) ?? Promise.withResolvers();
  gates.set(x, found);
  return found;
}

/** A task that returns when the test says so, whatever its signal says. */
export async function held(
  this: { signal: AbortSignal },
  x: number,
): Promise<number> {
  begun.push(x);
  this.signal.addEventListener("abort", () => told.push(x));
  await gate(x).promise;
  return x;
}

/** A task that ends when its signal is aborted. */
export async function patient(
  this: { signal: AbortSignal },
  x: number,
): Promise<never> {
  begun.push(x);
  const { signal } = this;
  return await new Promise<never>((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason));
  });
}

/** An executor that is given messages, and the other end of its channel. */
class Worker implements AsyncDisposable {
  readonly #pair: ConnectionPair;
  readonly #executor: Executor;
  readonly #messages: ReadableStreamDefaultReader<unknown[]>;
  readonly #received: Promise<void>;

  private constructor(pair: ConnectionPair, concurrency: number) {
    this.#pair = pair;
    const results = new ResultWriter(new Channel(pair.left));
    this.#executor = new Executor(results, concurrency);
    const { readable, writable } = new TransformStream<unknown[], unknown[]>(
      undefined,
      undefined,
      new CountQueuingStrategy({ highWaterMark: Infinity }),
    );
    this.#messages = readable.getReader();
    const writer = writable.getWriter();
    const pool = new Channel(pair.right);
    this.#received = pool.receive((message) => void writer.write(message));
  }

  static async open(concurrency = 1): Promise<Worker> {
    begun.length = told.length = 0;
    gates.clear();
    const pair = await ConnectionPair.open(TRANSPORTS[0]!);
    const worker = new Worker(pair, concurrency);
    for (
      const [task, name] of [[HELD, "held"], [PATIENT, "patient"]] as const
    ) {
      const { url } = import.meta;
      worker.receive([DEFINE, task, { kind: "module", url, name }]);
    }
    return worker;
  }

  receive(message: PoolMessage): void {
    this.#executor.receive(message);
  }

  /** The next message, with zero for the time that it took. */
  async next(): Promise<unknown[]> {
    const { value } = await this.#messages.read();
    if (value === undefined) throw new Error("The connection has ended");
    return value.with(2, 0);
  }

  /** Checks that the next message tells that a call was cancelled. */
  async assertCancelled(id: number, before: unknown[] = []): Promise<void> {
    const message = await this.next() as Failure;
    assertEquals([message[0], message[1]], [FAILURE, id]);
    const [, , , thrown, values] = message;
    assertInstanceOf(thrown, DOMException);
    assertEquals(thrown.name, "AbortError");
    assertEquals(values, before);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#pair.left.close();
    await this.#received;
    this.#pair[Symbol.dispose]();
  }
}

/** Waits until all is done that waits for nothing else. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) {
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
}

Deno.test("Executor answers a queued call at once that is cancelled, and doesn't begin it", async () => {
  await using worker = await Worker.open();
  worker.receive([CALLS, HELD, 0, [[0]]]);
  worker.receive([CALLS, HELD, 1, [[1]]]);
  worker.receive([CALLS, HELD, 2, [[2]]]);
  await settle();
  worker.receive([CANCEL, 1]);
  await worker.assertCancelled(1);
  for (const x of [0, 2]) gate(x).resolve();
  assertEquals(await worker.next(), [RESULTS, 0, 0, [0]]);
  assertEquals(await worker.next(), [RESULTS, 2, 0, [2]]);
  assertEquals([begun, told], [[0, 2], []]);
});

Deno.test("Executor doesn't begin cancelled calls of a list", async () => {
  await using worker = await Worker.open();
  worker.receive([CALLS, HELD, 4, [[4], [5], [6], [7]]]);
  await settle();
  worker.receive([CANCEL, 5]);
  worker.receive([CANCEL, 7]);
  await worker.assertCancelled(5);
  await worker.assertCancelled(7);
  for (const x of [4, 6]) gate(x).resolve();
  assertEquals(await worker.next(), [RESULTS, 4, 0, [4]]);
  assertEquals(await worker.next(), [RESULTS, 6, 0, [6]]);
  assertEquals(begun, [4, 6]);
});

Deno.test("Executor cancels a call that comes in the same turn", async () => {
  await using worker = await Worker.open();
  worker.receive([CALLS, HELD, 0, [[0]]]);
  worker.receive([CANCEL, 0]);
  await worker.assertCancelled(0);
  assertEquals(begun, []);
});

Deno.test("Executor aborts the signal of a call under way, which answers as it likes", async () => {
  await using worker = await Worker.open(2);
  worker.receive([CALLS, HELD, 0, [[0]]]);
  worker.receive([CALLS, PATIENT, 1, [[1]]]);
  await settle();
  worker.receive([CANCEL, 0]);
  worker.receive([CANCEL, 1]);
  await worker.assertCancelled(1);
  assertEquals(told, [0]);
  gate(0).resolve();
  assertEquals(await worker.next(), [RESULTS, 0, 0, [0]]);
});

Deno.test("Executor answers a chunk at once that is cancelled before it begins", async () => {
  await using worker = await Worker.open();
  worker.receive([CALLS, HELD, 0, [[0]]]);
  worker.receive([CHUNK, HELD, 1, false, [1, 2, 3]]);
  worker.receive([CALLS, HELD, 2, [[4]]]);
  await settle();
  worker.receive([CANCEL, 1]);
  await worker.assertCancelled(1);
  for (const x of [0, 4]) gate(x).resolve();
  assertEquals(await worker.next(), [RESULTS, 0, 0, [0]]);
  assertEquals(await worker.next(), [RESULTS, 2, 0, [4]]);
  assertEquals(begun, [0, 4]);
});

Deno.test("Executor runs no more items of a chunk that is cancelled half-way", async () => {
  await using worker = await Worker.open();
  worker.receive([CHUNK, HELD, 0, false, [0, 1, 2, 3]]);
  worker.receive([CALLS, HELD, 1, [[9]]]);
  gate(0).resolve();
  await settle();
  assertEquals(begun, [0, 1]);
  worker.receive([CANCEL, 0]);
  assertEquals(told, [1]);
  for (const x of [1, 9]) gate(x).resolve();
  await worker.assertCancelled(0, [0, 1]);
  assertEquals(await worker.next(), [RESULTS, 1, 0, [9]]);
  assertEquals(begun, [0, 1, 9]);
});

Deno.test("Executor aborts the signals of all of a chunk's items under way", async () => {
  await using worker = await Worker.open(3);
  worker.receive([CHUNK, PATIENT, 0, false, [0, 1, 2, 3, 4]]);
  await settle();
  assertEquals(begun, [0, 1, 2]);
  worker.receive([CANCEL, 0]);
  await worker.assertCancelled(0);
  assertEquals(begun, [0, 1, 2]);
  worker.receive([CHUNK, HELD, 1, false, [5, 6]]);
  await settle();
  worker.receive([CANCEL, 1]);
  assertEquals(told, [5, 6]);
  for (const x of [5, 6]) gate(x).resolve();
  assertEquals(await worker.next(), [CHUNK_RESULTS, 1, 0, [5, 6]]);
});

Deno.test("Executor begins a chunk's id anew after its items were skipped", async () => {
  await using worker = await Worker.open(2);
  worker.receive([CHUNK, PATIENT, 0, false, [0, 1, 2]]);
  await settle();
  worker.receive([CANCEL, 0]);
  worker.receive([CANCEL, 0]);
  await worker.assertCancelled(0);
  worker.receive([CALLS, HELD, 0, [[7]]]);
  gate(7).resolve();
  assertEquals(await worker.next(), [RESULTS, 0, 0, [7]]);
});

Deno.test("Executor doesn't care about cancelling what was answered", async () => {
  await using worker = await Worker.open();
  worker.receive([CALLS, HELD, 0, [[0], [1]]]);
  for (const x of [0, 1, 2]) gate(x).resolve();
  assertEquals(await worker.next(), [RESULTS, 0, 0, [0]]);
  assertEquals(await worker.next(), [RESULTS, 1, 0, [1]]);
  worker.receive([CANCEL, 0]);
  worker.receive([CANCEL, 1]);
  // Of the other half of all ids.
  worker.receive([CANCEL, 2 ** 32 - 5]);
  worker.receive([CALLS, HELD, 2, [[2]]]);
  assertEquals(await worker.next(), [RESULTS, 2, 0, [2]]);
  assertEquals(told, []);
});

Deno.test("Executor cancels across the end of all ids", async () => {
  await using worker = await Worker.open();
  const last = 2 ** 32 - 1;
  worker.receive([CALLS, HELD, last - 1, [[0], [1]]]);
  worker.receive([CALLS, HELD, 0, [[2], [3]]]);
  await settle();
  for (const id of [last - 1, last, 1]) worker.receive([CANCEL, id]);
  assertEquals(told, [0]);
  await worker.assertCancelled(last);
  await worker.assertCancelled(1);
  for (const x of [0, 2]) gate(x).resolve();
  assertEquals(await worker.next(), [RESULTS, last - 1, 0, [0]]);
  assertEquals(await worker.next(), [RESULTS, 0, 0, [2]]);
  assert(!begun.includes(1) && !begun.includes(3));
});
