/** Tasks that run in the program's own thread. */

import { Pool, taskSignal } from "../../mod.ts";

/** How often tasks have begun, and which signals were aborted. */
export const seen: { begun: string[]; aborted: string[] } = {
  begun: [],
  aborted: [],
};

/** Waits until its signal is aborted, and returns late. */
export async function waitLong(name: string): Promise<string> {
  seen.begun.push(name);
  const signal = taskSignal();
  await new Promise((resolve) =>
    signal.addEventListener("abort", resolve, { once: true })
  );
  seen.aborted.push(name);
  return "too late";
}

/** Ignores its signal, and waits until a promise is resolved. */
export async function ignoreSignal(): Promise<string> {
  await release.promise;
  return "too late";
}

/** Lets {@linkcode ignoreSignal} return. */
export const release = Promise.withResolvers<void>();

/** Marks that it has begun. */
export function begin(name: string): string {
  seen.begun.push(name);
  return name;
}

/** Changes its argument. */
export function change(list: number[]): number[] {
  list.push(4);
  return list;
}

/** Runs a task in a pool of this thread, and reads its own signal after that. */
export async function nest(): Promise<[number, boolean]> {
  const signal = taskSignal();
  await using pool = new Pool({ workers: "inline" });
  const doubled = await pool.run((x: number) => x * 2, 4);
  return [doubled, signal.aborted];
}
