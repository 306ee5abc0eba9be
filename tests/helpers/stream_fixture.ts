/**
 * Tasks that yield numbers, and sources that count how far they were read.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import type { Pool } from "../../mod.ts";

/** A task: yields the numbers below `n`. */
export function* count(n: number): Generator<number> {
  for (let x = 0; x < n; x++) yield x;
}

/** A task: records how far it gets, until its worker ends or its reader leaves. */
export function* recorded(n: number): Generator<number> {
  const record = { yielded: 0, hasEnded: false };
  Object.assign(globalThis, { record });
  try {
    for (let x = 0; x < n; x++) {
      record.yielded++;
      yield x;
    }
  } finally {
    record.hasEnded = true;
  }
}

/** The record of the last {@linkcode recorded} task of the pool's one worker. */
export async function recordOf(
  pool: Pool,
): Promise<{ yielded: number; hasEnded: boolean }> {
  return await pool.run(() => Reflect.get(globalThis, "record"));
}

/** Checks that values are the numbers below `n`, in order. */
export async function assertCounts(
  values: AsyncIterable<unknown>,
  n: number,
): Promise<void> {
  let next = 0;
  for await (const x of values) {
    // Faster than an assertion for each value.
    if (x !== next) assertEquals(x, next);
    next++;
  }
  assertEquals(next, n);
}

/** Checks that none of a pool's workers was lost. */
export function assertNoneLost(pool: Pool): void {
  assertEquals(pool.stats().hosts.map(({ lost }) => lost), [0]);
}

/** A source of numbers that counts how many were taken from it. */
export class CountedSource {
  /** How many values were taken. */
  taken = 0;
  /** Resolves to the reason why it was closed early. */
  readonly closed: Promise<unknown>;
  /** Yields the numbers below `n`, as a stream. */
  readonly stream: ReadableStream<number>;

  /** Constructs a source of `n` numbers. */
  constructor(n = Infinity) {
    const { promise, resolve } = Promise.withResolvers<unknown>();
    this.closed = promise;
    this.stream = new ReadableStream({
      pull: (controller) => {
        if (this.taken < n) controller.enqueue(this.taken++);
        else controller.close();
      },
      cancel: resolve,
    }, { highWaterMark: 0 });
  }

  /** Checks that it was closed because the call has ended. */
  async assertClosed(): Promise<void> {
    const reason = await this.closed;
    assert(reason instanceof DOMException, String(reason));
    assertEquals(reason.name, "AbortError");
  }
}
