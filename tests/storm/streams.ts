/**
 * The work of a storm that makes streams.
 *
 * @module
 */

import { importTasks, type MapOptions } from "../../mod.ts";
import { PLAIN, RETRIES, type Scene } from "./calls.ts";
import type { Work } from "./plan.ts";
import { pause, pauses, readValues } from "./reading.ts";
import { lengthOf, valueAt } from "./stream_tasks.ts";

/** The tasks. */
export const streamTasks = importTasks<typeof import("./stream_tasks.ts")>(
  import.meta.resolve("./stream_tasks.ts"),
);

const MANNERS = ["sync", "async", "readable", "slow"] as const;

/** The size of big values. */
const BIG = 2 ** 20;

/** Returns the stream of some work: its first number, and its right values. */
function streamOf(work: Work) {
  const first = work.number * 4_096;
  const isRight = (value: number, at: number) => value === valueAt(first, at);
  return { first, isRight };
}

/** Makes a stream, and reads it as fast as it can or with pauses. */
export async function stream(scene: Scene, work: Work): Promise<void> {
  const { tasks: length, random } = work;
  const { first, isRight } = streamOf(work);
  const manner = random.pick(MANNERS);
  const { pool, hosts } = scene;
  const runner = random.chance(0.3)
    ? pool.with({ host: random.pick(hosts) })
    : pool;
  const values = runner.stream(streamTasks.values, first, length, manner);
  await readValues(scene, work, values, {
    isRight,
    length,
    allowed: PLAIN,
    ...(random.chance(0.5) ? { before: pauses(random) } : {}),
  });
}

/** Makes a stream with big values. */
export async function streamBytes(scene: Scene, work: Work): Promise<void> {
  const { tasks: length, random } = work;
  const { first } = streamOf(work);
  const size = random.pick([1_000, 100_000, BIG]);
  const values = scene.pool.stream(streamTasks.yieldBytes, first, length, size);
  await readValues(scene, work, values, {
    isRight: (bytes, at) =>
      bytes.length === size &&
      bytes.every((byte) => byte === (valueAt(first, at) & 255)),
    length,
    allowed: PLAIN,
    ...(random.chance(0.5) ? { before: pauses(random) } : {}),
  });
}

/** Makes a stream whose reader stops, and reads on much later or leaves. */
export async function streamStop(scene: Scene, work: Work): Promise<void> {
  const { tasks: length, random } = work;
  const { first, isRight } = streamOf(work);
  const manner = random.pick(MANNERS);
  const values = scene.pool.stream(streamTasks.values, first, length, manner);
  const stop = random.integer(0, Math.floor(length / 2));
  const ms = random.integer(200, 1_500);
  await readValues(scene, work, values, {
    isRight,
    length,
    allowed: PLAIN,
    most: random.chance(0.5) ? stop + 1 : Infinity,
    before: (read) => read === stop ? pause(ms) : undefined,
  });
}

/** Makes a stream, and leaves it before its end. */
export async function streamLeave(scene: Scene, work: Work): Promise<void> {
  const { tasks: most, random } = work;
  const { first, isRight } = streamOf(work);
  const isEndless = random.chance(0.5);
  const length = isEndless ? Infinity : most + random.integer(0, 5_000);
  const manner = random.pick(MANNERS);
  const values = scene.pool.stream(streamTasks.values, first, length, manner);
  await readValues(scene, work, values, {
    isRight,
    length,
    allowed: PLAIN,
    most,
    ...(random.chance(0.3) ? { before: pauses(random) } : {}),
  });
}

/** Makes a stream, and aborts it after some values. */
export async function streamAbort(scene: Scene, work: Work): Promise<void> {
  const { tasks: most, random } = work;
  const { first, isRight } = streamOf(work);
  const controller = new AbortController();
  const reason = { aborts: work.number };
  const manner = random.pick(MANNERS);
  const length = random.chance(0.5) ? Infinity : most * 2;
  const values = scene.pool.with({ signal: controller.signal })
    .stream(streamTasks.values, first, length, manner);
  await readValues(scene, work, values, {
    isRight,
    length,
    allowed: { ...PLAIN, reason },
    before(read) {
      if (read === most) controller.abort(reason);
    },
  });
}

/** Makes a stream that may time out. */
export async function streamTimeout(scene: Scene, work: Work): Promise<void> {
  const { tasks: length, random } = work;
  const { first, isRight } = streamOf(work);
  const runner = scene.pool.with({ timeout: random.integer(1, 300) });
  const isHanging = random.chance(0.3);
  const values = isHanging
    ? runner.stream(streamTasks.yieldAndHang, first, length)
    : runner.stream(streamTasks.values, first, length, random.pick(MANNERS));
  await readValues(scene, work, values, {
    isRight,
    length: isHanging ? Infinity : length,
    allowed: { ...PLAIN, timeout: true },
    ...(random.chance(0.3) ? { before: pauses(random) } : {}),
  });
}

/** Makes a stream whose task throws after its values. */
export async function streamFail(scene: Scene, work: Work): Promise<void> {
  const { tasks: length } = work;
  const { first, isRight } = streamOf(work);
  const values = scene.pool.stream(streamTasks.yieldAndThrow, first, length);
  const allowed = { ...PLAIN, own: `${first} has ended` };
  await readValues(scene, work, values, { isRight, length, allowed });
}

/** Makes a stream whose task ends its worker after its values. */
export async function streamExit(scene: Scene, work: Work): Promise<void> {
  const { tasks: length, random } = work;
  const { first, isRight } = streamOf(work);
  const retries = random.pick([0, RETRIES]);
  const values = scene.pool.with({ retries })
    .stream(streamTasks.yieldAndExit, first, length);
  await readValues(scene, work, values, {
    isRight,
    length: Infinity,
    allowed: { retries },
  });
}

/** Makes a map whose tasks yield values, with results in order. */
export async function mapFlat(scene: Scene, work: Work): Promise<void> {
  const { items, total, expected } = flatItems(work);
  const options = flatOptions(work, true);
  const map = scene.pool.map(flatTask(work), items, options);
  await readValues(scene, work, map, {
    isRight: (value, at) => value === expected[at],
    length: total,
    allowed: PLAIN,
    ...(work.random.chance(0.2) ? { before: pauses(work.random) } : {}),
  });
}

/** Makes a map whose tasks yield values, with results as they arrive. */
export async function mapFlatUnordered(
  scene: Scene,
  work: Work,
): Promise<void> {
  const { items, total } = flatItems(work);
  const isRight = checkUnordered(items);
  const options = flatOptions(work, false);
  const map = scene.pool.map(flatTask(work), items, options);
  await readValues(scene, work, map, {
    isRight,
    length: total,
    allowed: PLAIN,
  });
}

/** Makes a map whose tasks yield values, and leaves or aborts it. */
export async function mapFlatLeave(scene: Scene, work: Work): Promise<void> {
  const { random } = work;
  const { items, total, expected } = flatItems(work);
  const controller = new AbortController();
  const reason = { aborts: work.number };
  const ordered = random.chance(0.5);
  const options = {
    ...flatOptions(work, ordered),
    signal: controller.signal,
  };
  const map = scene.pool.map(flatTask(work), items, options);
  const last = random.integer(1, total);
  const isAborted = random.chance(0.5);
  await readValues(scene, work, map, {
    isRight: ordered
      ? (value, at) => value === expected[at]
      : checkUnordered(items),
    length: total,
    allowed: isAborted ? { ...PLAIN, reason } : PLAIN,
    most: isAborted ? Infinity : last,
    before(read) {
      if (isAborted && read === last) controller.abort(reason);
    },
  });
}

function flatTask({ random }: Work) {
  return random.chance(0.5) ? streamTasks.yieldFew : streamTasks.yieldFewLater;
}

function flatOptions(
  { random }: Work,
  ordered: boolean,
): MapOptions & { ordered: boolean } {
  return { ordered, chunkSize: random.pick([1, 3, 20, 100, "auto"]) };
}

/** Returns the items of a map that has about as many values as tasks. */
function flatItems({ number, tasks }: Work) {
  const items: number[] = [];
  const expected: number[] = [];
  for (let item = number * 4_096; expected.length < tasks; item++) {
    items.push(item);
    for (let at = 0; at < lengthOf(item); at++) {
      expected.push(valueAt(item, at));
    }
  }
  return { items, expected, total: expected.length };
}

/** Checks that each item's values come once and in order. */
function checkUnordered(items: number[]): (value: number) => boolean {
  const nexts = new Map<number, { item: number; at: number }>();
  for (const item of items) {
    if (lengthOf(item) > 0) nexts.set(valueAt(item, 0), { item, at: 0 });
  }
  return (value) => {
    const found = nexts.get(value);
    if (found === undefined) return false;
    nexts.delete(value);
    const { item } = found;
    const at = found.at + 1;
    if (at < lengthOf(item)) nexts.set(valueAt(item, at), { item, at });
    return true;
  };
}
