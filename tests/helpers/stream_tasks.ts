/** Tasks of streams that the tests import by URL. */

import type { TaskThis } from "../../src/tasks/task.ts";
import { passGate } from "./gate.ts";

/** What tasks leave in their worker for later tasks. */
interface Left {
  counted?: number;
  marks?: string[];
}

const left = globalThis as Left;

function mark(text: string): void {
  (left.marks ??= []).push(text);
}

/** Returns the marks that tasks have left in this worker, and removes them. */
export function takeMarks(): string[] {
  const { marks = [] } = left;
  left.marks = [];
  return marks;
}

/** Returns how many values the last counting task has yielded. */
export function counted(): number {
  return left.counted ?? 0;
}

/** Yields the first integers. */
export function* count(n: number): Generator<number> {
  for (let x = 0; x < n; x++) yield x;
}

/** Yields all integers. */
export function* countForever(): Generator<number> {
  for (let x = 0;; x++) {
    left.counted = x + 1;
    yield x;
  }
}

/** Yields arrays of a size without end. */
export function* yieldLarge(size: number): Generator<Uint8Array> {
  for (let x = 0;; x++) {
    left.counted = x + 1;
    yield new Uint8Array(size).fill(x);
  }
}

/** Yields the first integers, and waits at a gate before the end. */
export async function* yieldAndWait(
  port: number,
  n: number,
): AsyncGenerator<number | string> {
  yield* count(n);
  yield await passGate(port, "end");
}

/** Yields the first integers, and waits until it is aborted. */
export async function* countThenWait(
  this: TaskThis,
  n: number,
): AsyncGenerator<number> {
  const { signal } = this;
  const aborted = new Promise((resolve) =>
    signal.addEventListener("abort", resolve, { once: true })
  );
  try {
    yield* count(n);
    await aborted;
  } finally {
    mark("closed");
  }
}

/** Yields numbers and a function. */
export function* yieldUnsendable(): Generator<unknown> {
  try {
    yield* [1, 2, () => 3, 4];
  } finally {
    mark("closed");
  }
}

/** Yields all integers, and marks its end. */
export function* markedCount(): Generator<number> {
  try {
    yield* countForever();
  } finally {
    mark("closed");
  }
}

/** Yields all integers asynchronously, and marks its end. */
export async function* markedCountLater(): AsyncGenerator<number> {
  try {
    for (let x = 0;; x++) {
      if (x % 16 === 0) await new Promise((resolve) => setTimeout(resolve, 0));
      yield x;
    }
  } finally {
    await new Promise((resolve) => setTimeout(resolve, 0));
    mark("closed");
  }
}

/** Returns a stream of all integers, which marks that it is cancelled. */
export function markedReadable(): ReadableStream<number> {
  let x = 0;
  return new ReadableStream({
    pull: (controller) => controller.enqueue(x++),
    cancel: () => mark("closed"),
  });
}

/** Yields a value, waits until it is aborted, and marks the reason. */
export async function* markAbort(this: TaskThis): AsyncGenerator<number> {
  const { signal } = this;
  yield 0;
  await new Promise((resolve) =>
    signal.addEventListener("abort", resolve, { once: true })
  );
  mark(signal.reason.name);
}

/** Yields the worker's process id, integers, and waits without end. */
export async function* countThenHang(n: number): AsyncGenerator<number> {
  yield Deno.pid;
  yield* count(n);
  await new Promise(() => {});
}

/** Ends its worker the first time it runs, after some values. */
export async function* exitOnce(
  path: string,
  before: number,
  n: number,
): AsyncGenerator<number> {
  for (let x = 0; x < n; x++) {
    if (x === before) {
      // The values before are sent.
      await new Promise((resolve) => setTimeout(resolve, 0));
      exitFirst(path);
    }
    yield x;
  }
}

/** Returns the worker's process id if a counting task has run here, or 0. */
export function pidIfCounted(): number {
  return left.counted === undefined ? 0 : Deno.pid;
}

/** Ends its worker the first time it runs. */
function exitFirst(path: string): void {
  try {
    Deno.openSync(path, { write: true, createNew: true }).close();
  } catch {
    return;
  }
  Deno.exit(3);
}

/** Ends its worker the first time it runs, after it has read some values. */
export async function exitAfterRead(
  path: string,
  values: ReadableStream<number>,
): Promise<number> {
  let read = 0;
  for await (const _ of values) {
    if (++read === 10) exitFirst(path);
  }
  return read;
}

/** Ends its worker the first time it runs, else counts values. */
export async function exitBeforeRead(
  path: string,
  values: ReadableStream<number>,
): Promise<number> {
  exitFirst(path);
  return (await Array.fromAsync(values)).length;
}

/** Ends its worker the first time it runs, after a message. */
export async function exitAfterMessage(
  this: TaskThis,
  path: string,
): Promise<unknown> {
  const { value } = await this.port.next();
  exitFirst(path);
  return value;
}

/** Yields `x % 5` values. */
export function* digits(x: number): Generator<number> {
  for (let at = 0; at < x % 5; at++) yield x * 10 + at;
}

/** Yields the same values asynchronously. */
export async function* digitsLater(x: number): AsyncGenerator<number> {
  for (const digit of digits(x)) {
    if (x % 2 === 0) await new Promise((resolve) => setTimeout(resolve, 0));
    yield digit;
  }
}

/** Returns a stream of the same values. */
export async function digitStream(x: number): Promise<ReadableStream<number>> {
  if (x % 2 === 0) await Promise.resolve();
  return ReadableStream.from(digits(x));
}

/** Returns numbers, and yields two values instead of each third. */
export function digitsOrNumber(x: number): Generator<number> {
  if (x % 3 === 0) return yieldAll([x * 10, -x]);
  // The type of a map refuses it.
  return x as unknown as Generator<number>;
}

function* yieldAll(values: number[]): Generator<number> {
  yield* values;
}

/** Throws after the first value of 50. */
export function* digitsUntil50(x: number): Generator<number> {
  if (x !== 50) return yield* digits(x);
  yield 500;
  throw new RangeError("at 50");
}

/** Returns, a little later, the integers from `x` on, without end. */
export async function markedCountSoon(
  x: number,
): Promise<AsyncGenerator<number>> {
  await new Promise((resolve) => setTimeout(resolve, 0));
  return markedUpTo(x === 0 ? Infinity : x);
}

async function* markedUpTo(n: number): AsyncGenerator<number> {
  try {
    for (let x = 0; x < n; x++) yield x;
  } finally {
    await new Promise((resolve) => setTimeout(resolve, 0));
    mark("closed");
  }
}

/** Adds up values. */
export async function sum(values: ReadableStream<number>): Promise<number> {
  let total = 0;
  for await (const value of values) total += value;
  return total;
}

/** Adds up the values before an error. */
export async function sumUntilError(
  values: ReadableStream<number>,
): Promise<number> {
  let total = 0;
  try {
    for await (const value of values) total += value;
  } catch {
    return total;
  }
  throw new Error("There was no error");
}

/** Yields pairs of values. */
export async function* zip(
  first: ReadableStream<number>,
  separator: string,
  second: ReadableStream<number>,
): AsyncGenerator<string> {
  const reader = second.getReader();
  for await (const value of first) {
    yield `${value}${separator}${(await reader.read()).value}`;
  }
}

/** Yields each value times two. */
export async function* doubles(
  values: ReadableStream<number>,
): AsyncGenerator<number> {
  for await (const value of values) yield value * 2;
}

/** Yields the worker's process id, then each value times two. */
export async function* pidAndDoubles(
  values: ReadableStream<number>,
): AsyncGenerator<number> {
  yield Deno.pid;
  yield* doubles(values);
}

/** Compresses a stream. */
export function gzip(
  bytes: ReadableStream<Uint8Array<ArrayBuffer>>,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  return bytes.pipeThrough(new CompressionStream("gzip"));
}

/** Waits at a gate, then counts values. */
export async function waitAndCount(
  port: number,
  values: ReadableStream<unknown>,
): Promise<number> {
  await passGate(port, undefined);
  return (await Array.fromAsync(values)).length;
}

/** Reads a value, waits at a gate, then counts the values. */
export async function readWaitAndCount(
  port: number,
  values: ReadableStream<unknown>,
): Promise<number> {
  const reader = values.getReader();
  await reader.read();
  await passGate(port, undefined);
  let read = 1;
  while (!(await reader.read()).done) read++;
  return read;
}

/** Reads nothing. */
export function ignore(_values: ReadableStream<number>): string {
  return "ignored";
}

/** Returns the first value. */
export async function takeFirst(
  values: ReadableStream<number>,
): Promise<number | undefined> {
  return (await values.getReader().read()).value;
}

/** Cancels a stream that it has begun to read. */
export async function cancelAndWait(
  values: ReadableStream<number>,
): Promise<string> {
  const reader = values.getReader();
  await reader.read();
  await reader.cancel({ because: "enough" });
  return "cancelled";
}

/** Sends the caller messages, until it is aborted. */
export async function report(this: TaskThis, n: number): Promise<string> {
  const { port, signal } = this;
  for (let x = 0; x < n && !signal.aborted; x++) await port.postMessage(x);
  return "reported";
}

/** Sends the caller messages without waiting. */
export async function reportFast(this: TaskThis): Promise<number> {
  let sent = 0;
  let last: Promise<void> | undefined;
  try {
    for (; sent < 100_000; sent++) last = this.port.postMessage(sent);
  } catch (error) {
    if ((error as DOMException).name !== "QuotaExceededError") throw error;
  }
  await last;
  return sent;
}

/** Sends the caller each message back, until it gets a string. */
export async function echo(this: TaskThis): Promise<number> {
  let count = 0;
  for await (const message of this.port) {
    if (typeof message === "string") break;
    await this.port.postMessage(message);
    count++;
  }
  return count;
}

/** Yields integers and sends the caller each one, until it gets a message. */
export async function* countUntilTold(
  this: TaskThis,
): AsyncGenerator<number> {
  const { port } = this;
  let isTold = false;
  const told = port.next().then(() => isTold = true);
  for (let x = 0; !isTold; x++) {
    await port.postMessage(x);
    yield x;
  }
  await told;
}

/** Reads messages until the call ends, and marks that. */
export async function markEndOfPort(this: TaskThis): Promise<void> {
  const { port } = this;
  await port.postMessage("ready");
  for await (const _ of port);
  mark("port ended");
}
