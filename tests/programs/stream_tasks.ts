/** Streaming tasks that tests import by URL. */

import { taskPort, taskSignal } from "../../mod.ts";

/** Yields the letters of a text. */
export function* letters(text: string): Generator<string> {
  yield* text;
}

/** Yields whether the signal of its call is known, at each resumption. */
export function* signals(): Generator<boolean> {
  yield taskSignal() instanceof AbortSignal;
  yield taskSignal() instanceof AbortSignal;
}

/** Sends each message of its caller back, until it gets `"end"`. */
export async function echo(): Promise<number> {
  const port = taskPort<string, string>();
  let count = 0;
  for await (const message of port) {
    if (message === "end") break;
    count++;
    await port.postMessage(message);
  }
  return count;
}

/** Opens its port too late. */
export async function lateEcho(): Promise<void> {
  await Promise.resolve();
  taskPort();
}

/** Yields what its caller sends. */
export async function* repeat(): AsyncGenerator<unknown> {
  for await (const message of taskPort()) yield message;
}
