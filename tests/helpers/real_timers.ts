/**
 * Timers for helpers, which stay real while a test fakes time.
 *
 * @module
 */

import { abortable } from "@std/async/abortable";

// A test can only fake time after it has loaded this module.
const { setTimeout } = globalThis;
const { timeout } = AbortSignal;

/** Waits in real time. */
export async function realDelay(milliseconds: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** Waits for a promise, but no longer than a real time. */
export async function realDeadline<T>(
  promise: Promise<T>,
  milliseconds: number,
): Promise<T> {
  return await abortable(promise, timeout(milliseconds));
}
