/**
 * The work of a storm whose tasks throw and run again. Each task notes when it
 * begins.
 *
 * @module
 */

import type { CallOptions, SettledItem } from "../../mod.ts";
import {
  callEach,
  cancelLater,
  numbers,
  RETRIES,
  type Scene,
  tasks,
} from "./calls.ts";
import { answers, readMap, someOptions } from "./maps.ts";
import type { Work } from "./plan.ts";
import { answer } from "./tasks.ts";

/** How many times a task runs at most, unless its worker is lost. */
const ATTEMPTS = 4;

/** Returns how many times the task of a number throws; -1: always. */
function failuresOf(x: number): number {
  if (x % 16 === 7) return -1;
  return x % 5 === 0 ? x % ATTEMPTS : 0;
}

/** Returns the error of a task that always throws; see {@linkcode tasks}. */
function ownOf(x: number): { own: string } | undefined {
  return failuresOf(x) < 0 ? { own: `${x} throws` } : undefined;
}

/**
 * Limits how often the tasks begin, and returns the options of their calls. An
 * item may be lost with its chunk, and then on its own.
 */
function options(
  { limits }: Scene,
  work: Work,
): CallOptions & { retries: number } {
  const { random, kind } = work;
  const isMap = kind.startsWith("map");
  const speculate = isMap && random.chance(0.3);
  const retries = random.pick([0, RETRIES]);
  for (const x of numbers(work)) {
    const failures = failuresOf(x);
    const attempts = failures < 0 ? ATTEMPTS : failures + 1;
    const losses = isMap ? retries * 2 : retries;
    limits.set(x, (attempts + losses) * (speculate ? 2 : 1));
  }
  const maxTimeout = random.pick([2, 20]);
  const retry = { attempts: ATTEMPTS, minTimeout: 1, maxTimeout };
  return { retries, retry, speculate };
}

/** Makes calls, and cancels some of them. */
export function runRetried(scene: Scene, work: Work): Promise<void> {
  const { ledger, notes } = scene;
  const { random } = work;
  const { retries, ...others } = options(scene, work);
  const runner = scene.pool.with({ retries, ...others });
  return callEach(
    scene,
    work,
    (x) => ({ retries, cancel: true, ...ownOf(x) }),
    async (x) => {
      const future = runner.submit(tasks.answerFlaky, notes, x, failuresOf(x));
      if (random.chance(0.1)) cancelLater(future, random);
      try {
        return await future;
      } catch (error) {
        const isOwn = error instanceof RangeError;
        const { attempts } = error as { attempts?: number };
        if (attempts !== (isOwn ? ATTEMPTS : undefined)) {
          ledger.fault(`retried ${x}: ${attempts} attempts`);
        }
        throw error;
      }
    },
  );
}

/** Makes a map whose items all succeed in the end. */
export function mapRetried(scene: Scene, work: Work): Promise<void> {
  const callOptions = options(scene, work);
  const { retries } = callOptions;
  const mapOptions = someOptions(work);
  const items = numbers(work).map((x): [string, number, number] => [
    scene.notes,
    x,
    Math.max(0, failuresOf(x)),
  ]);
  const results = scene.pool.with(callOptions)
    .map(tasks.answerFlaky, items, { ...mapOptions, spread: true });
  const expected = answers(work, mapOptions.ordered, { retries });
  return readMap(scene, work, results, expected);
}

/** Makes a map that goes on after the items whose attempts are used up. */
export async function mapRetriedSettled(
  scene: Scene,
  work: Work,
): Promise<void> {
  const { ledger, notes, pool } = scene;
  const what = `${work.kind} ${work.number}`;
  const xs = numbers(work);
  const callOptions = options(scene, work);
  const { retries } = callOptions;
  const items = xs.map((x): [string, number, number] => [
    notes,
    x,
    failuresOf(x),
  ]);
  const results = pool.with(callOptions).map(tasks.answerFlaky, items, {
    ...someOptions(work),
    spread: true,
  }).settled();
  const seen = new Set<number>();
  const see = (item: SettledItem<number>) => {
    const { index } = item;
    const x = xs[index];
    if (x === undefined || seen.has(index)) {
      return ledger.fault(`${what}: wrong index ${index}`);
    }
    seen.add(index);
    if (item.status === "fulfilled") {
      const isRight = failuresOf(x) >= 0 && item.value === answer(x);
      if (!isRight) ledger.fault(`${what}: wrong result ${item.value}`);
      return ledger.count("answered", 1);
    }
    const isOwn = item.reason instanceof RangeError;
    if (item.attempts !== (isOwn ? ATTEMPTS : undefined)) {
      ledger.fault(`${what}: ${item.attempts} attempts of ${x}`);
    }
    const allowed = { retries, ...ownOf(x) };
    ledger.count(ledger.judge(what, item.reason, allowed), 1);
  };
  const { status, reason } = await ledger
    .settled(what, results.forEach(see)) as {
      status: string;
      reason?: unknown;
    };
  if (status === "rejected") {
    ledger.fault(`${what}: ${Deno.inspect(reason)}`);
  } else if (seen.size !== work.tasks) {
    ledger.fault(`${what}: ${work.tasks - seen.size} items are missing`);
  }
}
