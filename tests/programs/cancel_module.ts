/** Tasks that obey their signal. */

import { taskSignal } from "@distex/pool";

interface Context {
  readonly signal: AbortSignal;
}

/** Enters the first gate, and the second one when the signal is aborted. */
async function comeAndGo(
  signal: AbortSignal,
  begin: number,
  end: number,
): Promise<void> {
  const aborted = new Promise((resolve) =>
    signal.addEventListener("abort", resolve)
  );
  const hostname = "127.0.0.1";
  const connection = await Deno.connect({ hostname, port: begin });
  await aborted;
  connection.close();
  (await Deno.connect({ hostname, port: end })).close();
}

export function byThis(
  this: unknown,
  begin: number,
  end: number,
): Promise<void> {
  return comeAndGo((this as Context).signal, begin, end);
}

export const byFunction = (begin: number, end: number): Promise<void> =>
  comeAndGo(taskSignal(), begin, end);

export function byBoth(
  this: unknown,
  begin: number,
  end: number,
): Promise<void> {
  const { signal } = this as Context;
  if (signal !== taskSignal()) throw new Error("They aren't the same");
  return comeAndGo(signal, begin, end);
}

/**
 * Returns whether `taskSignal()` is the signal of `this`, even after a wait.
 */
export async function isSame(this: unknown, x: number): Promise<boolean> {
  const { signal } = this as Context;
  const isSame = signal === taskSignal();
  await new Promise((resolve) => setTimeout(resolve, x % 3));
  return isSame && signal === (this as Context).signal;
}

export async function afterAwait(): Promise<boolean> {
  await undefined;
  return taskSignal().aborted;
}
