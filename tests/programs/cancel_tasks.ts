/** Tasks to cancel, and the stages at which they are cancelled. */

import type { Future, Pool, PoolOptions, TaskRunner } from "../../mod.ts";
import { type Gate, passGate } from "../helpers/gate.ts";

/** The `this` of a task. */
export interface Context {
  readonly signal: AbortSignal;
}

/** Enters the gate, and then blocks its worker. */
export async function loop(port: number): Promise<never> {
  await Deno.connect({ hostname: "127.0.0.1", port });
  for (;;);
}

/** Enters the gate, and never ends, even if its signal is aborted. */
export async function ignoreAbort(port: number): Promise<never> {
  await Deno.connect({ hostname: "127.0.0.1", port });
  return await new Promise<never>(() => setInterval(() => {}, 2 ** 30));
}

/** Enters the first gate, and the second one when its signal is aborted. */
export async function obeyAbort(
  this: Context,
  begin: number,
  end: number,
): Promise<string> {
  const { signal } = this;
  const aborted = new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener("abort", () => resolve());
  });
  using _ = await Deno.connect({ hostname: "127.0.0.1", port: begin });
  await aborted;
  (await Deno.connect({ hostname: "127.0.0.1", port: end })).close();
  return "too late";
}

/** Returns twice the number. */
export const double = (x: number) => x * 2;

/** Returns the worker's process id. */
export const pid = () => Deno.pid;

/** Waits for the next turn of the event loop. */
export async function turn(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 0));
}

/** Wraps a future, so that `await` doesn't await it. */
export interface Submitted {
  readonly future: Future<unknown>;
}

/** The stage at which a call is cancelled. */
export interface Stage {
  readonly name: string;
  readonly options: PoolOptions;
  /** Whether cancelling the call kills its worker. */
  readonly costsWorker: boolean;
  /** Submits a call, and waits until it reaches the stage. */
  submit(pool: Pool, runner: TaskRunner, gate: Gate): Promise<Submitted>;
}

/** Submits a call that waits behind another one. */
async function submitBehind(
  pool: Pool,
  runner: TaskRunner,
  gate: Gate,
): Promise<Submitted> {
  pool.submit(passGate<number>, gate.port, 0);
  await gate.entered();
  const future = runner.submit(double, 1);
  await turn();
  return { future };
}

/** Submits a call, and waits until it has entered the gate. */
function submitTask(task: (port: number) => Promise<unknown>) {
  return async (_pool: Pool, runner: TaskRunner, gate: Gate) => {
    const future = runner.submit(task, gate.port);
    await gate.entered();
    return { future };
  };
}

/** All stages. */
export const STAGES: readonly Stage[] = [
  {
    name: "is queued",
    options: { prefetch: 0 },
    costsWorker: false,
    submit: submitBehind,
  },
  {
    name: "waits at the worker",
    options: { prefetch: 1 },
    costsWorker: false,
    submit: submitBehind,
  },
  {
    name: "is an async task under way",
    options: { cancelGrace: 30_000 },
    costsWorker: false,
    submit: submitTask(passGate as (port: number) => Promise<unknown>),
  },
  {
    name: "is an async task that never ends",
    options: { cancelGrace: 50 },
    costsWorker: true,
    submit: submitTask(ignoreAbort),
  },
  {
    name: "blocks its worker",
    options: { cancelGrace: 50 },
    costsWorker: true,
    submit: submitTask(loop),
  },
];
