/**
 * The work of a storm that is done by single calls.
 *
 * @module
 */

import { type CallOptions, importTasks, type Pool } from "../../mod.ts";
import type { TaskRunner } from "../../src/pool/task_runner.ts";
import type { Allowed, Ledger } from "./ledger.ts";
import type { Work } from "./plan.ts";
import type { Random } from "./random.ts";
import { answer } from "./tasks.ts";

/** The size of big values. */
export const BIG = 2 ** 20;

/** How often calls are run again unless they say otherwise. */
export const RETRIES = 3;

/** What may happen to any call. */
export const PLAIN: Allowed = { retries: RETRIES };

/** The tasks. */
export const tasks = importTasks<typeof import("./tasks.ts")>(
  import.meta.resolve("./tasks.ts"),
);

/** Where work is done. */
export interface Scene {
  readonly pool: Pool;
  readonly ledger: Ledger;
  /** Where tasks leave notes. */
  readonly notes: string;
  /** What the pool's hosts are called. */
  readonly hosts: readonly string[];
  /** How often each of these may have begun, at the most. */
  readonly limits: Map<number, number>;
}

/** Numbers for the tasks of some work, which no others have. */
export function numbers(work: Work): number[] {
  const first = work.number * 4_096;
  return Array.from({ length: work.tasks }, (_, index) => first + index);
}

/** Calls a task with each of the numbers, all at once. */
async function callEach(
  { ledger }: Scene,
  work: Work,
  allowed: Allowed | ((x: number) => Allowed),
  call: (x: number) => Promise<unknown>,
): Promise<void> {
  const what = `${work.kind} ${work.number}`;
  await Promise.all(
    numbers(work).map((x) =>
      ledger.call(
        `${what}, ${x}`,
        call(x),
        (value) => value === answer(x),
        typeof allowed === "function" ? allowed(x) : allowed,
      )
    ),
  );
}

/** Calls that are answered. */
export function run(scene: Scene, work: Work): Promise<void> {
  return callEach(
    scene,
    work,
    PLAIN,
    (x) => scene.pool.run(tasks.answer, x),
  );
}

/** Calls of a function that travels as source. */
export function runInline(scene: Scene, work: Work): Promise<void> {
  const task = (x: number) => (Math.imul(x, 0x9e37_79b1) ^ 0x5bd1_e995) >>> 0;
  return callEach(scene, work, PLAIN, (x) => scene.pool.run(task, x));
}

/** Async calls. */
export function runLater(scene: Scene, work: Work): Promise<void> {
  const { random } = work;
  return callEach(
    scene,
    work,
    PLAIN,
    (x) => scene.pool.run(tasks.answerLater, x, random.integer(0, 5)),
  );
}

/** Calls with big values. */
export async function runBytes(scene: Scene, work: Work): Promise<void> {
  await Promise.all(
    numbers(work).map((x) =>
      scene.ledger.call(
        `${work.kind} ${work.number}, ${x}`,
        scene.pool.run(tasks.answerBytes, new Uint8Array(BIG).fill(x)),
        (bytes) => isBytesAnswer(bytes, x),
        PLAIN,
      )
    ),
  );
}

/** Whether big values are the answer to `x`. */
export function isBytesAnswer(bytes: Uint8Array, x: number): boolean {
  const expected = answer(x & 255) & 255;
  return bytes.length === BIG && bytes.every((byte) => byte === expected);
}

/** Calls of which some are cancelled, sooner or later. */
export function submit(scene: Scene, work: Work): Promise<void> {
  const { random } = work;
  return callEach(scene, work, { ...PLAIN, cancel: true }, (x) => {
    const future = scene.pool.submit(tasks.answerSoon, x);
    if (random.chance(0.1)) cancelLater(future, random);
    return future;
  });
}

function cancelLater(future: { cancel(): boolean }, random: Random): void {
  const ms = random.integer(0, 20);
  if (ms === 0) future.cancel();
  else setTimeout(() => future.cancel(), ms);
}

/** Calls of which some throw. */
export function fail(scene: Scene, work: Work): Promise<void> {
  return callEach(
    scene,
    work,
    (x) => ({ ...PLAIN, own: `${x} is odd` }),
    (x) => scene.pool.run(tasks.answerEven, x),
  );
}

/** Calls that note how often they have begun. */
export function noted(scene: Scene, work: Work): Promise<void> {
  return callNoted(scene, work, tasks.answerNoted);
}

/** The same, async. */
export function notedLater(scene: Scene, work: Work): Promise<void> {
  return callNoted(scene, work, tasks.answerNotedLater);
}

function callNoted(
  scene: Scene,
  work: Work,
  task: typeof tasks.answerNoted | typeof tasks.answerNotedLater,
): Promise<void> {
  const { notes, limits } = scene;
  const retries = work.random.pick([0, 0, 1, RETRIES]);
  const runner = scene.pool.with({ retries });
  for (const x of numbers(work)) limits.set(x, retries + 1);
  return callEach(scene, work, { retries }, (x) => runner.run(task, notes, x));
}

/** A call that ends each worker that runs it. */
export function exit(scene: Scene, work: Work): Promise<void> {
  const { notes, limits } = scene;
  const retries = work.random.pick([0, 0, 1, RETRIES]);
  const runner = scene.pool.with({ retries });
  for (const x of numbers(work)) limits.set(x, retries + 1);
  return callEach(
    scene,
    work,
    { retries },
    (x) => runner.run(tasks.exit, notes, x),
  );
}

/** Calls that end the first worker that runs them. */
export function exitOnce(scene: Scene, work: Work): Promise<void> {
  return callEach(
    scene,
    work,
    PLAIN,
    (x) => scene.pool.run(tasks.exitOnce, scene.notes, x, true),
  );
}

/** A call that never returns, and may take a moment. */
export function hang(scene: Scene, work: Work): Promise<void> {
  const { random } = work;
  const how = random.pick(["sync", "async", "async"] as const);
  const runner = hasty(scene, random);
  return callEach(
    scene,
    work,
    { ...PLAIN, timeout: true },
    (x) => runner.run(tasks.hang, x, how),
  );
}

/** A call that never returns, and notes how often it has begun. */
export function hangNoted(scene: Scene, work: Work): Promise<void> {
  const { notes, limits } = scene;
  const retries = work.random.pick([0, 1]);
  const runner = hasty(scene, work.random, { retries });
  for (const x of numbers(work)) limits.set(x, retries + 1);
  return callEach(
    scene,
    work,
    { retries, timeout: true },
    (x) => runner.run(tasks.noteAndHang, notes, x),
  );
}

function hasty(
  { pool }: Scene,
  random: Random,
  options: CallOptions = {},
): TaskRunner {
  return pool.with({ timeout: random.integer(1, 300), ...options });
}

/** Calls that may take too long. */
export function timeout(scene: Scene, work: Work): Promise<void> {
  const { random } = work;
  const runner = hasty(scene, random);
  return callEach(
    scene,
    work,
    { ...PLAIN, timeout: true },
    (x) => runner.run(tasks.answerLater, x, random.integer(0, 20)),
  );
}

/** Calls that are aborted, all at once after some of them have returned. */
export function abort(scene: Scene, work: Work): Promise<void> {
  const { random } = work;
  const controller = new AbortController();
  const reason = { aborts: work.number };
  const { signal } = controller;
  const runner = scene.pool.with({ signal });
  let left = random.integer(0, work.tasks * 2);
  return callEach(scene, work, { ...PLAIN, reason }, async (x) => {
    try {
      return await runner.run(tasks.answerSoon, x);
    } finally {
      if (left-- === 0) controller.abort(reason);
    }
  });
}

/** Calls that must run at one of the hosts. */
export function placed(scene: Scene, work: Work): Promise<void> {
  const host = work.random.pick(scene.hosts);
  const runner = scene.pool.with({ host });
  return callEach(scene, work, PLAIN, (x) => runner.run(tasks.answer, x));
}

/** A call on every worker. */
export async function onAll(scene: Scene, work: Work): Promise<void> {
  const [x] = numbers(work);
  await scene.ledger.call(
    `onAll ${work.number}`,
    scene.pool.runOnAll(tasks.answer, x!),
    (values) => values.every((value) => value === answer(x!)),
    { retries: 0 },
  );
}
