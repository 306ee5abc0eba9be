import type * as timers from "node:timers";

let loading: Promise<typeof timers> | undefined;

/**
 * Loads Node's timers, which tasks can't replace, unlike the globals. A process
 * loads them at the first use, because that takes 4 ms.
 */
export function loadTimers(): Promise<typeof timers> {
  return loading ??= import("node:timers");
}

/** Lets the event loop handle the events that are due. */
export async function yieldToEvents(): Promise<void> {
  const { setImmediate } = await loadTimers();
  await new Promise<void>((resolve) => setImmediate(resolve));
}

/**
 * While immediates are due, Deno polls for I/O only about every 60th turn of its
 * event loop. This many take half a millisecond; waiting for a timer takes more.
 */
const TURNS_TO_POLL = 64;

/** Lets the event loop handle all messages that have arrived. */
export async function readAllMessages(): Promise<void> {
  for (let turn = 0; turn < TURNS_TO_POLL; turn++) await yieldToEvents();
}
