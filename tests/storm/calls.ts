/**
 * The work of a storm that makes single calls.
 *
 * @module
 */

import {
  type CallOptions,
  type Future,
  importTasks,
  type Pool,
} from "../../mod.ts";
import type { TaskRunner } from "../../src/pool/task_runner.ts";
import type { Allowed, Ledger } from "./ledger.ts";
import type { Work } from "./plan.ts";
import type { Random } from "./random.ts";
import type { Sources } from "./source.ts";
import { answer } from "./tasks.ts";

/** The size of big values. */
export const BIG = 2 ** 20;

/** How often a call is retried by default. */
export const RETRIES = 3;

/** The outcomes that any call may have. */
export const PLAIN: Allowed = { retries: RETRIES };

/** The tasks. */
export const tasks = importTasks<typeof import("./tasks.ts")>(
  import.meta.resolve("./tasks.ts"),
);

/** The pool that the work uses, and where it keeps records. */
export interface Scene {
  readonly pool: Pool;
  readonly ledger: Ledger;
  /** The folder where tasks leave notes. */
  readonly notes: string;
  /** The names of the pool's hosts. */
  readonly hosts: readonly string[];
  /** How often the task of each number may begin at most. */
  readonly limits: Map<number, number>;
  /** The sources that are arguments of calls. */
  readonly sources: Sources;
}

/** Returns unique numbers for the tasks of some work. */
export function numbers(work: Work): number[] {
  const first = work.number * 4_096;
  return Array.from({ length: work.tasks }, (_, index) => first + index);
}

/** Calls a task with all numbers at once. */
export async function callEach(
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

/** Makes calls that return. */
export function run(scene: Scene, work: Work): Promise<void> {
  return callEach(
    scene,
    work,
    PLAIN,
    (x) => scene.pool.run(tasks.answer, x),
  );
}

/** Calls an inline function. */
export function runInline(scene: Scene, work: Work): Promise<void> {
  const task = (x: number) => (Math.imul(x, 0x9e37_79b1) ^ 0x5bd1_e995) >>> 0;
  return callEach(scene, work, PLAIN, (x) => scene.pool.run(task, x));
}

/** Makes async calls. */
export function runLater(scene: Scene, work: Work): Promise<void> {
  const { random } = work;
  return callEach(
    scene,
    work,
    PLAIN,
    (x) => scene.pool.run(tasks.answerLater, x, random.integer(0, 5)),
  );
}

/** Makes calls with big values. */
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

/** Whether big values are the right answer to `x`. */
export function isBytesAnswer(bytes: Uint8Array, x: number): boolean {
  const expected = answer(x & 255) & 255;
  return bytes.length === BIG && bytes.every((byte) => byte === expected);
}

/** Makes calls, and cancels some of them sooner or later. */
export function submit(scene: Scene, work: Work): Promise<void> {
  const { random } = work;
  return callEach(scene, work, { ...PLAIN, cancel: true }, (x) => {
    const future = scene.pool.submit(tasks.answerSoon, x);
    if (random.chance(0.1)) cancelLater(future, random);
    if (random.chance(0.1)) explainLater(scene, future, random);
    return future;
  });
}

/** Checks within 20 ms that the pool can explain where a call is. */
function explainLater(
  { pool, ledger }: Scene,
  future: Future<unknown>,
  random: Random,
): void {
  setTimeout(() => {
    try {
      const explanation = pool.explain(future);
      if (/^The task 'tasks\.ts:\w+' .+\.$/.test(explanation)) return;
      ledger.fault(`explained: ${explanation}`);
    } catch (error) {
      ledger.fault(`not explained: ${error}`);
    }
  }, random.integer(0, 20));
}

/** Cancels a call within 20 ms, perhaps at once. */
export function cancelLater(
  future: { cancel(): boolean },
  random: Random,
): void {
  const ms = random.integer(0, 20);
  if (ms === 0) future.cancel();
  else setTimeout(() => future.cancel(), ms);
}

/** Makes calls, some of which throw. */
export function fail(scene: Scene, work: Work): Promise<void> {
  return callEach(
    scene,
    work,
    (x) => ({ ...PLAIN, own: `${x} is odd` }),
    (x) => scene.pool.run(tasks.answerEven, x),
  );
}

/** Makes calls that note each time they begin. */
export function noted(scene: Scene, work: Work): Promise<void> {
  return callNoted(scene, work, tasks.answerNoted);
}

/** Makes async calls that note each time they begin. */
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

/** Makes a call that ends each worker that runs it. */
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

/** Makes calls that end the first worker that runs them. */
export function exitOnce(scene: Scene, work: Work): Promise<void> {
  return callEach(
    scene,
    work,
    PLAIN,
    (x) => scene.pool.run(tasks.exitOnce, scene.notes, x, true),
  );
}

/** Makes a call that never returns and times out. */
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

/** Makes a call that never returns and notes each time it begins. */
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

/** Makes calls that may time out. */
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

/** Makes calls, and aborts all after some have returned. */
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

/** Makes calls that must run on one host. */
export function placed(scene: Scene, work: Work): Promise<void> {
  const host = work.random.pick(scene.hosts);
  const runner = scene.pool.with({ host });
  return callEach(scene, work, PLAIN, (x) => runner.run(tasks.answer, x));
}

/** Makes calls with several priorities. */
export function prioritized(scene: Scene, work: Work): Promise<void> {
  const runners = [-1, 0, 1, work.random.integer(-99, 99)]
    .map((priority) => scene.pool.with({ priority }));
  return callEach(
    scene,
    work,
    PLAIN,
    (x) => work.random.pick(runners).run(tasks.answer, x),
  );
}

/** Makes calls with keys, some of them at one host and with a priority. */
export function keyed(scene: Scene, work: Work): Promise<void> {
  const { random } = work;
  const keys = random.pick([1, 3, 100]);
  const host = random.pick(scene.hosts);
  const runner = scene.pool.with({
    key: (x: number) => `${x % keys}`,
    ...random.chance(0.3) ? { host } : {},
    ...random.chance(0.3) ? { priority: 1 } : {},
  });
  return callEach(scene, work, PLAIN, (x) => runner.run(tasks.answer, x));
}

/** Makes a call on every worker. */
export async function onAll(scene: Scene, work: Work): Promise<void> {
  const [x] = numbers(work);
  await scene.ledger.call(
    `onAll ${work.number}`,
    scene.pool.runOnAll(tasks.answer, x!),
    (values) => values.every((value) => value === answer(x!)),
    { retries: 0 },
  );
}
