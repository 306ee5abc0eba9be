/** Tasks that are cancelled, and how far they get. */

import type { Future, Pool, PoolOptions, TaskRunner } from "../../mod.ts";
import { type Gate, passGate } from "../helpers/gate.ts";

/** What a task has as its `this`. */
export interface Context {
  readonly signal: AbortSignal;
}

/** Comes to the gate, and blocks its worker from then on. */
export async function loop(port: number): Promise<never> {
  await Deno.connect({ hostname: "127.0.0.1", port });
  for (;;);
}

/** Comes to the gate, and never ends, whatever its signal says. */
export async function ignoreAbort(port: number): Promise<never> {
  await Deno.connect({ hostname: "127.0.0.1", port });
  return await new Promise<never>(() => setInterval(() => {}, 2 ** 30));
}

/** Comes to the first gate, and once its signal is aborted, to the second. */
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

/** Doubles. */
export const double = (x: number) => x * 2;

/** The process id of the worker. */
export const pid = () => Deno.pid;

/** Waits until all is done that waits for nothing else. */
export async function turn(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 0));
}

/** A future, which isn't to be awaited yet. */
export interface Submitted {
  readonly future: Future<unknown>;
}

/** How far a call gets before it is ended. */
export interface Stage {
  readonly name: string;
  readonly options: PoolOptions;
  /** Whether its worker must be ended to end it. */
  readonly costsWorker: boolean;
  /** Makes a call that is at that stage. */
  submit(pool: Pool, runner: TaskRunner, gate: Gate): Promise<Submitted>;
}

/** Submits a call behind another one. */
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

/** Submits a call and waits until it has come to the gate. */
function submitTask(task: (port: number) => Promise<unknown>) {
  return async (_pool: Pool, runner: TaskRunner, gate: Gate) => {
    const future = runner.submit(task, gate.port);
    await gate.entered();
    return { future };
  };
}

/** All stages that differ. */
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
