/** The tasks of the storm that yield values, read streams or send messages. */

import type { TaskThis } from "../../src/tasks/task.ts";
import { answer } from "./tasks.ts";

/** How a task yields its values. */
export type Manner = "sync" | "async" | "readable" | "slow";

/** Returns the value at a position of a stream; each stream has its own. */
export function valueAt(stream: number, at: number): number {
  return answer((answer(stream) + at) >>> 0);
}

/** Yields the first values of a stream. */
export function values(
  stream: number,
  length: number,
  manner: Manner,
): Iterable<number> & object | AsyncIterable<number> {
  switch (manner) {
    case "sync":
      return yieldValues(stream, length);
    case "async":
    case "slow":
      return yieldLater(stream, length, manner === "slow");
    case "readable":
      return ReadableStream.from(yieldValues(stream, length));
  }
}

function* yieldValues(stream: number, length: number): Generator<number> {
  for (let at = 0; at < length; at++) yield valueAt(stream, at);
}

async function* yieldLater(
  stream: number,
  length: number,
  isSlow: boolean,
): AsyncGenerator<number> {
  for (let at = 0; at < length; at++) {
    if (at % (isSlow ? 16 : 512) === 0) await nextTurn();
    yield valueAt(stream, at);
  }
}

/** Yields arrays of equal bytes. */
export function* yieldBytes(
  stream: number,
  length: number,
  size: number,
): Generator<Uint8Array> {
  // All values share memory.
  const bytes = new Uint8Array(size);
  for (let at = 0; at < length; at++) yield bytes.fill(valueAt(stream, at));
}

/** Throws after some values. */
export function* yieldAndThrow(
  stream: number,
  length: number,
): Generator<number> {
  yield* yieldValues(stream, length);
  throw new RangeError(`${stream} has ended`);
}

/** Ends its worker after some values. */
export async function* yieldAndExit(
  stream: number,
  length: number,
): AsyncGenerator<number> {
  yield* yieldValues(stream, length);
  if (length % 2 === 0) await nextTurn();
  Deno.exit(length % 100);
}

/** Yields some values, and never goes on. */
export async function* yieldAndHang(
  stream: number,
  length: number,
): AsyncGenerator<number> {
  yield* yieldValues(stream, length);
  await new Promise(() => {});
}

/** Yields as many values of a stream as `lengthOf()` returns. */
export function* yieldFew(stream: number): Generator<number> {
  yield* yieldValues(stream, lengthOf(stream));
}

/** Does the same asynchronously. */
export async function* yieldFewLater(stream: number): AsyncGenerator<number> {
  if (stream % 8 === 0) await nextTurn();
  yield* yieldFew(stream);
}

/** Returns how many values an item yields: few, but sometimes many. */
export function lengthOf(stream: number): number {
  return answer(stream) % 500 === 0 ? 3_000 : stream % 4;
}

/** Returns the answer to a value. */
export function answerOf(value: number): number {
  return answer(value);
}

/** Yields the answer to each value. */
export async function* answerEach(
  values: ReadableStream<number>,
): AsyncGenerator<number> {
  for await (const value of values) yield answer(value);
}

/** Returns the combined answers of all values in their order. */
export async function combine(
  values: ReadableStream<number>,
): Promise<number> {
  let combined = 0;
  for await (const value of values) combined = answer(combined ^ value);
  return combined;
}

/** Returns the combined first values, and reads no others. */
export async function combineFirst(
  values: ReadableStream<number>,
  length: number,
): Promise<number> {
  const reader = values.getReader();
  let combined = 0;
  for (let at = 0; at < length; at++) {
    const { done, value } = await reader.read();
    if (done) break;
    combined = answer(combined ^ value);
  }
  return combined;
}

/** Sends its caller messages. */
export async function report(
  this: TaskThis,
  stream: number,
  length: number,
): Promise<number> {
  const { port } = this;
  for (let at = 0; at < length; at++) {
    await port.postMessage(valueAt(stream, at));
  }
  return answer(stream);
}

/** Sends each message back, until there is one that isn't a number. */
export async function echo(this: TaskThis, stream: number): Promise<number> {
  for await (const message of this.port) {
    if (typeof message !== "number") break;
    await this.port.postMessage(answer(message));
  }
  return answer(stream);
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}
