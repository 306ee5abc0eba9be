/**
 * An executor for tests that send its messages and control when its tasks end.
 *
 * @module
 */

import { assertEquals, assertInstanceOf } from "@std/assert";
import { deadline } from "@std/async/deadline";
import { Channel } from "../../src/transport/channel.ts";
import {
  type Definition,
  type Failure,
  MessageType,
  type PoolMessage,
} from "../../src/protocol/worker_messages.ts";
import { Executor } from "../../src/worker/executor.ts";
import type { MaxMemory } from "../../src/worker/max_memory.ts";
import { ResultWriter } from "../../src/worker/result_writer.ts";
import { ConnectionPair, TRANSPORTS } from "./connections.ts";

const { DEFINE, FAILURE, RESULTS } = MessageType;

/** How long an expected event may take, in milliseconds. */
const TIMEOUT = 60_000;

/** The id of the task {@linkcode gated}. */
export const GATED = 0;
/** The id of the task {@linkcode patient}. */
export const PATIENT = 1;
/** The first id for a test's own tasks. */
export const TASK = 2;

type Outcome = { value: unknown } | { thrown: unknown };

/** The arguments of the calls that have begun, in order. */
export const begun: number[] = [];
/** The arguments of the calls whose signals were aborted. */
export const told: number[] = [];
const gates = new Map<number, PromiseWithResolvers<Outcome>>();
let changed = Promise.withResolvers<void>();

function gate(x: number): PromiseWithResolvers<Outcome> {
  const found = gates.get(x) ?? Promise.withResolvers();
  gates.set(x, found);
  return found;
}

/** Makes gated calls return ten times their argument. */
export function open(...xs: number[]): void {
  for (const x of xs) gate(x).resolve({ value: x * 10 });
}

/** Makes a gated call throw. */
export function fail(x: number, thrown: unknown): void {
  gate(x).resolve({ thrown });
}

function begin(x: number): void {
  begun.push(x);
  changed.resolve();
  changed = Promise.withResolvers();
}

/** A task that the test ends, even if its signal is aborted. */
export async function gated(
  this: { signal: AbortSignal },
  x: number,
): Promise<unknown> {
  begin(x);
  this.signal.addEventListener("abort", () => told.push(x));
  const outcome = await gate(x).promise;
  if ("thrown" in outcome) throw outcome.thrown;
  return outcome.value;
}

/** A task that ends when its signal is aborted. */
export async function patient(
  this: { signal: AbortSignal },
  x: number,
): Promise<never> {
  begin(x);
  const { signal } = this;
  return await new Promise<never>((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason));
  });
}

/** Waits until this many calls have begun, and others that can begin too. */
export async function haveBegun(count: number): Promise<void> {
  const end = performance.now() + TIMEOUT;
  while (begun.length < count) {
    await deadline(changed.promise, Math.max(1, end - performance.now()));
  }
  await settle();
}

/** Waits until everything has run that isn't waiting for the test. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) {
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
}

/** An executor that receives messages from the test, and its channel's other end. */
export class Worker implements AsyncDisposable {
  readonly #pair: ConnectionPair;
  readonly #executor: Executor;
  readonly #messages: ReadableStreamDefaultReader<unknown[]>;
  readonly #received: Promise<void>;

  private constructor(
    pair: ConnectionPair,
    concurrency: number,
    memory: Pick<MaxMemory, "excess"> | undefined,
  ) {
    this.#pair = pair;
    const results = new ResultWriter(new Channel(pair.left));
    this.#executor = new Executor(results, concurrency, false, memory);
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

  /** Makes an executor that knows the tasks of this module. */
  static async open(
    concurrency = 1,
    memory?: Pick<MaxMemory, "excess">,
  ): Promise<Worker> {
    begun.length = told.length = 0;
    gates.clear();
    const pair = await ConnectionPair.open(TRANSPORTS[0]!);
    const worker = new Worker(pair, concurrency, memory);
    const { url } = import.meta;
    worker.define(GATED, { kind: "module", url, name: "gated" });
    worker.define(PATIENT, { kind: "module", url, name: "patient" });
    return worker;
  }

  receive(message: PoolMessage, byteLength = 0): void {
    this.#executor.receive(message, byteLength);
  }

  define(task: number, definition: Definition): void {
    this.receive([DEFINE, task, definition]);
  }

  defineInline(source: string, task = TASK): void {
    this.define(task, { kind: "inline", source, name: "task" });
  }

  /** Returns the next message; if it has a busy time, with zero instead. */
  async next(): Promise<unknown[]> {
    const { value } = await deadline(this.#messages.read(), TIMEOUT);
    if (value === undefined) throw new Error("The connection has ended");
    return value.length > 2 ? value.with(2, 0) : value;
  }

  /** Returns the next message, which must be a failure. */
  async nextFailure(): Promise<
    { id: number; thrown: Error; before: unknown[] }
  > {
    const [type, id, , thrown, before] = await this.next() as Failure;
    assertEquals(type, FAILURE);
    assertInstanceOf(thrown, Error);
    return { id, thrown, before };
  }

  /** Checks that the next message reports that a call was cancelled. */
  async assertCancelled(id: number, before: unknown[] = []): Promise<void> {
    const failure = await this.nextFailure();
    assertInstanceOf(failure.thrown, DOMException);
    assertEquals([failure.id, failure.before], [id, before]);
    assertEquals(failure.thrown.name, "AbortError");
  }

  /** Returns the values of calls with their ids, from one or more messages. */
  async values(count: number): Promise<[number, unknown][]> {
    const all: [number, unknown][] = [];
    while (all.length < count) {
      const [type, id, , values] = await this.next();
      assertEquals(type, RESULTS);
      for (const [index, value] of (values as unknown[]).entries()) {
        all.push([id as number + index, value]);
      }
    }
    return all;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#pair.left.close();
    await this.#received;
    this.#pair[Symbol.dispose]();
  }
}
