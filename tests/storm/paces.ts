/**
 * The work of a storm whose tasks suddenly take longer, so workers have calls
 * that others could begin sooner. Each task notes when it begins.
 *
 * @module
 */

import { bind, type MapOptions } from "../../mod.ts";
import {
  callEach,
  cancelLater,
  numbers,
  RETRIES,
  type Scene,
  tasks,
} from "./calls.ts";
import type { Allowed } from "./ledger.ts";
import { answers, readMap, someOptions } from "./maps.ts";
import type { Work } from "./plan.ts";
import type { Random } from "./random.ts";

/** The longest task, in milliseconds. */
const LONGEST = 30;

/** Returns how long each of some tasks takes, in milliseconds. */
function paces(count: number, random: Random): number[] {
  const long = random.integer(1, LONGEST);
  const isLong = random.pick([
    (at: number) => at > count * 0.9,
    (at: number) => at < count * 0.1,
    (at: number) => at % 100 < 10,
    () => random.chance(0.05),
    (at: number) => at === count >> 1,
  ]);
  return Array.from({ length: count }, (_, at) => isLong(at) ? long : 0);
}

/** Allows each task to begin once, and again each time it is retried. */
function limit({ limits }: Scene, work: Work): number {
  const retries = work.random.pick([0, 0, RETRIES]);
  for (const x of numbers(work)) limits.set(x, retries + 1);
  return retries;
}

/** Makes calls at once. */
export function runPaces(scene: Scene, work: Work): Promise<void> {
  const { random } = work;
  const retries = limit(scene, work);
  const ms = paces(work.tasks, random);
  const how = random.pick(["sync", "async"] as const);
  const runner = scene.pool.with({ retries });
  const [first] = numbers(work);
  return callEach(
    scene,
    work,
    { retries },
    (x) => runner.run(tasks.answerPaced, scene.notes, x, ms[x - first!]!, how),
  );
}

/** Makes calls at once, and cancels some of them sooner or later. */
export function submitPaces(scene: Scene, work: Work): Promise<void> {
  const { random } = work;
  const retries = limit(scene, work);
  const ms = paces(work.tasks, random);
  const runner = scene.pool.with({ retries });
  const [first] = numbers(work);
  return callEach(scene, work, { retries, cancel: true }, (x) => {
    const future = runner.submit(
      tasks.answerPaced,
      scene.notes,
      x,
      ms[x - first!]!,
      "async",
    );
    if (random.chance(0.2)) cancelLater(future, random);
    return future;
  });
}

/** Makes calls at once for one host. */
export function placedPaces(scene: Scene, work: Work): Promise<void> {
  const { random } = work;
  const retries = limit(scene, work);
  const ms = paces(work.tasks, random);
  const host = random.pick(scene.hosts);
  const runner = scene.pool.with({ retries, host });
  const [first] = numbers(work);
  return callEach(
    scene,
    work,
    { retries },
    (x) =>
      runner.run(tasks.answerPaced, scene.notes, x, ms[x - first!]!, "async"),
  );
}

/** Makes a map. */
export function mapPaces(scene: Scene, work: Work): Promise<void> {
  return mapPaced(scene, work, {});
}

/** Makes a map in chunks. */
export function mapPacesChunks(scene: Scene, work: Work): Promise<void> {
  return mapPaced(scene, work, someOptions(work));
}

/** Makes a map, and aborts it after some results. */
export function mapPacesAbort(scene: Scene, work: Work): Promise<void> {
  const controller = new AbortController();
  const reason = { aborts: work.number };
  const last = work.random.integer(0, work.tasks - 1);
  return mapPaced(
    scene,
    work,
    { signal: controller.signal },
    { reason },
    (at) => {
      if (at === last) controller.abort(reason);
    },
  );
}

/** Makes a map of calls that may time out. */
export function mapPacesTimeout(scene: Scene, work: Work): Promise<void> {
  const timeout = work.random.integer(1, 100);
  return mapPaced(scene, work, { timeout }, { timeout: true });
}

async function mapPaced(
  scene: Scene,
  work: Work,
  options: MapOptions,
  allowed: Partial<Allowed> = {},
  seen: (at: number) => void = () => {},
): Promise<void> {
  const { random } = work;
  const retries = limit(scene, work);
  const ordered = options.ordered ?? random.chance(0.5);
  const ms = paces(work.tasks, random);
  const how = random.pick(["sync", "async"] as const);
  const items = numbers(work).map((x, at): [number, number, typeof how] => [
    x,
    ms[at]!,
    how,
  ]);
  const task = bind(tasks.answerPaced, scene.notes);
  const results = scene.pool.with({ retries })
    .map(task, items, { ...options, ordered, spread: true });
  const expected = answers(work, ordered, { ...allowed, retries });
  await readMap(scene, work, results, {
    ...expected,
    indexOf(value, at) {
      seen(at);
      return expected.indexOf(value, at);
    },
  });
}
