/**
 * The work of a storm that makes maps.
 *
 * @module
 */

import { bind, type MapOptions, type SettledItem } from "../../mod.ts";
import type { MapResults } from "../../src/map/map_results.ts";
import type { Allowed, Ledger } from "./ledger.ts";
import {
  BIG,
  isBytesAnswer,
  numbers,
  PLAIN,
  RETRIES,
  type Scene,
  tasks,
} from "./calls.ts";
import type { Work } from "./plan.ts";
import { answer } from "./tasks.ts";

/** The expected results of a map. */
interface Expected<T> {
  /** Returns the index of a result's item; -1 if there is none. */
  readonly indexOf: (value: T, at: number) => number;
  readonly ordered: boolean;
  readonly allowed: Allowed;
  /** Whether to read the results as a list. */
  readonly asList?: boolean;
}

/** Reads a map, and checks that each result arrives once. */
export async function readMap<T>(
  { ledger }: Scene,
  work: Work,
  results: MapResults<T>,
  expected: Expected<T>,
  most = Infinity,
): Promise<void> {
  const what = `${work.kind} ${work.number}`;
  const seen = new Set<number>();
  const see = (value: T) => {
    const at = seen.size;
    const index = expected.indexOf(value, at);
    const isRight = expected.ordered ? index === at : index >= 0;
    if (!isRight || seen.has(index)) {
      ledger.fault(`${what}: wrong result ${at}: ${Deno.inspect(value)}`);
    }
    seen.add(index);
    ledger.count("answered", 1);
  };
  const read = async () => {
    if (expected.asList) return (await results.toArray()).forEach(see);
    for await (const value of results) {
      see(value);
      if (seen.size >= most) break;
    }
  };
  const { status, reason } = await ledger.settled(what, read()) as {
    status: string;
    reason?: unknown;
  };
  const isComplete = status === "fulfilled" && seen.size < most;
  checkProgress(ledger, what, results, work.tasks, isComplete);
  const rest = work.tasks - seen.size;
  if (status === "rejected") {
    ledger.count(ledger.judge(what, reason, expected.allowed), rest);
  } else if (seen.size < most && rest !== 0) {
    ledger.fault(`${what}: ${rest} results are missing`);
  } else ledger.count("left", rest);
}

/** Checks that a map which has ended has counted its items. */
function checkProgress(
  ledger: Ledger,
  what: string,
  { progress }: MapResults<unknown>,
  tasks: number,
  isComplete: boolean,
): void {
  const { phase, total = tasks, done, failed, running } = progress;
  const ended = done + failed;
  const isRight = phase === "ended" && running === 0 && total === tasks &&
    (isComplete ? ended === tasks : ended <= tasks);
  if (!isRight) ledger.fault(`${what}: progress is ${Deno.inspect(progress)}`);
}

/** Returns the results that a map of a plain task must have. */
export function answers(
  work: Work,
  ordered: boolean,
  allowed: Allowed = PLAIN,
): Expected<number> {
  const indexes = new Map(numbers(work).map((x, index) => [answer(x), index]));
  return {
    indexOf: (value) => indexes.get(value) ?? -1,
    ordered,
    allowed,
    asList: work.random.chance(0.3),
  };
}

/** Makes a map with results in order. */
export function map(scene: Scene, work: Work): Promise<void> {
  const results = scene.pool.map(tasks.answer, numbers(work));
  return readMap(scene, work, results, answers(work, true));
}

/** Makes a map with results as they arrive. */
export function mapUnordered(scene: Scene, work: Work): Promise<void> {
  const options = { ordered: false };
  const results = scene.pool.map(tasks.answerSoon, numbers(work), options);
  return readMap(scene, work, results, answers(work, false));
}

/** Makes a map in chunks. */
export function mapChunks(scene: Scene, work: Work): Promise<void> {
  const options = someOptions(work);
  const results = scene.pool.map(tasks.answer, numbers(work), options);
  return readMap(scene, work, results, answers(work, options.ordered));
}

/** Returns an order and a fixed size of chunks. */
export function someOptions(
  { random }: Work,
): MapOptions & { ordered: boolean } {
  return {
    ordered: random.chance(0.5),
    chunkSize: random.pick([1, 2, 7, 40, 300]),
  };
}

/** Makes a map of async items. */
export function mapAsync(scene: Scene, work: Work): Promise<void> {
  async function* items() {
    for (const x of numbers(work)) {
      if (x % 64 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
      yield x;
    }
  }
  const options = someOptions(work);
  const results = scene.pool.map(tasks.answerSoon, items(), options);
  return readMap(scene, work, results, answers(work, options.ordered));
}

/** Makes a map of two iterables. */
export function mapTwo(scene: Scene, work: Work): Promise<void> {
  const xs = numbers(work);
  const others = xs.map((x) => x ^ work.number);
  const twice = xs.map(() => work.number);
  const results = scene.pool.map(tasks.answerTwo, others, twice);
  return readMap(scene, work, results, answers(work, true));
}

/** Makes a map of lists of arguments. */
export function mapStar(scene: Scene, work: Work): Promise<void> {
  const items = numbers(work).map((x): [number, number] => [x ^ 1, 1]);
  const options = { ...someOptions(work), spread: true as const };
  const results = scene.pool.map(tasks.answerTwo, items, options);
  return readMap(scene, work, results, answers(work, options.ordered));
}

/** Makes a map with big items and results. */
export function mapBytes(scene: Scene, work: Work): Promise<void> {
  const xs = numbers(work);
  const items = xs.values().map((x) => new Uint8Array(BIG).fill(x));
  const results = scene.pool.map(tasks.answerBytes, items);
  return readMap(scene, work, results, {
    indexOf: (bytes, at) => isBytesAnswer(bytes, xs[at]!) ? at : -1,
    ordered: true,
    allowed: PLAIN,
  });
}

/** Makes a map, and leaves it before its end. */
export function mapLeave(scene: Scene, work: Work): Promise<void> {
  const options = someOptions(work);
  const results = scene.pool.map(tasks.answer, numbers(work), options);
  const expected = { ...answers(work, options.ordered), asList: false };
  const most = work.random.integer(1, work.tasks);
  return readMap(scene, work, results, expected, most);
}

/** Makes a map in which an item throws. */
export function mapFail(scene: Scene, work: Work): Promise<void> {
  const { random } = work;
  const xs = numbers(work).map((x) => x * 2);
  const odd = random.integer(0, xs.length - 1);
  xs[odd]! += 1;
  const indexes = new Map(xs.map((x, index) => [answer(x), index]));
  const options = someOptions(work);
  const results = scene.pool.map(tasks.answerEven, xs, options);
  return readMap(scene, work, results, {
    indexOf: (value) => indexes.get(value) ?? -1,
    ordered: options.ordered,
    allowed: { ...PLAIN, own: `${xs[odd]} is odd` },
  });
}

/** Makes a map that goes on after the items that throw. */
export async function mapSettled(scene: Scene, work: Work): Promise<void> {
  const { ledger, pool } = scene;
  const what = `${work.kind} ${work.number}`;
  const xs = numbers(work);
  const retries = work.random.pick([0, RETRIES]);
  const results = pool.with({ retries })
    .map(tasks.answerEven, xs, someOptions(work)).settled();
  const seen = new Set<number>();
  const see = (item: SettledItem<number>) => {
    const { index, status } = item;
    const x = xs[index];
    if (x === undefined || seen.has(index)) {
      return ledger.fault(`${what}: wrong index ${index}`);
    }
    seen.add(index);
    if (status === "fulfilled") {
      const isRight = x % 2 === 0 && item.value === answer(x);
      if (!isRight) ledger.fault(`${what}: wrong result ${item.value}`);
      return ledger.count("answered", 1);
    }
    const own = x % 2 === 0 ? {} : { own: `${x} is odd` };
    const allowed = { ...PLAIN, retries, ...own };
    ledger.count(ledger.judge(what, item.reason, allowed), 1);
  };
  const { status, reason } = await ledger
    .settled(what, results.forEach(see)) as {
      status: string;
      reason?: unknown;
    };
  checkProgress(ledger, what, results, work.tasks, status === "fulfilled");
  if (status === "rejected") {
    ledger.fault(`${what}: ${Deno.inspect(reason)}`);
  } else if (seen.size !== work.tasks) {
    ledger.fault(`${what}: ${work.tasks - seen.size} items are missing`);
  }
}

/** Makes a map whose items note each time they begin. */
export function mapNoted(scene: Scene, work: Work): Promise<void> {
  const { notes, limits } = scene;
  const retries = work.random.pick([0, RETRIES]);
  for (const x of numbers(work)) limits.set(x, retries + 1);
  const options = someOptions(work);
  const task = bind(tasks.answerNoted, notes);
  const runner = scene.pool.with({ retries });
  const results = runner.map(task, numbers(work), options);
  const expected = answers(work, options.ordered, { retries });
  return readMap(scene, work, results, expected);
}

/** Makes a map whose items have a priority. */
export function mapPrioritized(scene: Scene, work: Work): Promise<void> {
  const options = someOptions(work);
  const priority = work.random.pick([-1, 1]);
  const results = scene.pool.with({ priority })
    .map(tasks.answer, numbers(work), options);
  return readMap(scene, work, results, answers(work, options.ordered));
}

/** Makes a map whose items have keys of their own, or the same one. */
export function mapKeyed(scene: Scene, work: Work): Promise<void> {
  const { chunkSize, ...options } = someOptions(work);
  const isCommon = work.random.chance(0.3);
  const key = isCommon ? "common" : (x: number) => `${x % 10}`;
  const results = scene.pool.with({ key }).map(tasks.answer, numbers(work), {
    ...options,
    ...isCommon ? { chunkSize } : {},
  });
  return readMap(scene, work, results, answers(work, options.ordered));
}

/** Makes a map whose stragglers may run a second time. */
export function mapSpeculate(scene: Scene, work: Work): Promise<void> {
  const { notes, limits } = scene;
  const { random } = work;
  const retries = random.pick([0, RETRIES]);
  for (const x of numbers(work)) limits.set(x, retries + 2);
  const stragglers = [random.pick(numbers(work)), numbers(work).at(-1)!];
  const how = random.pick(["sync", "async"] as const);
  const items = numbers(work).map((
    x,
  ): [string, number, boolean, typeof how] => [
    notes,
    x,
    stragglers.includes(x),
    how,
  ]);
  const options = someOptions(work);
  const runner = scene.pool.with({ retries, speculate: true });
  const results = runner.map(tasks.answerStraggling, items, {
    ...options,
    spread: true,
  });
  const expected = answers(work, options.ordered, { retries });
  return readMap(scene, work, results as MapResults<number>, expected);
}

/** Makes a map in which an item ends each worker that runs it. */
export function mapExit(scene: Scene, work: Work): Promise<void> {
  const { notes, limits } = scene;
  const retries = work.random.pick([0, 1]);
  const fatal = work.random.pick(numbers(work));
  limits.set(fatal, retries + 1);
  const options = someOptions(work);
  const items = numbers(work).map((x): [string, number, boolean] => [
    notes,
    x,
    x === fatal,
  ]);
  const results = scene.pool.with({ retries }).map(
    tasks.exitIf,
    items,
    { ...options, spread: true },
  );
  const expected = answers(work, options.ordered, { retries });
  return readMap(scene, work, results, expected);
}

/** Makes a map in which an item ends the first worker that runs it. */
export function mapExitOnce(scene: Scene, work: Work): Promise<void> {
  const fatal = work.random.pick(numbers(work));
  const options = someOptions(work);
  const items = numbers(work).map((x): [string, number, boolean] => [
    scene.notes,
    x,
    x === fatal,
  ]);
  const results = scene.pool.map(tasks.exitOnce, items, {
    ...options,
    spread: true,
  });
  return readMap(scene, work, results, answers(work, options.ordered));
}

/** Makes a map in which an item never returns. */
export function mapHang(scene: Scene, work: Work): Promise<void> {
  const { random } = work;
  const hanging = random.pick(numbers(work));
  const how = random.pick(["sync", "async"] as const);
  const options = {
    ...someOptions(work),
    timeout: random.integer(50, 500),
    spread: true as const,
  };
  const items = numbers(work).map((x): [number, "" | "sync" | "async"] => [
    x,
    x === hanging ? how : "",
  ]);
  const results = scene.pool.map(tasks.hang, items, options);
  const allowed = { ...PLAIN, timeout: true };
  return readMap(scene, work, results as MapResults<number>, {
    ...answers(work, options.ordered, allowed),
  });
}

/** Makes a map, and aborts it after some results. */
export function mapAbort(scene: Scene, work: Work): Promise<void> {
  const { random } = work;
  const controller = new AbortController();
  const reason = { aborts: work.number };
  const options = { ...someOptions(work), signal: controller.signal };
  const results = scene.pool.map(tasks.answer, numbers(work), options);
  const expected = answers(work, options.ordered, { ...PLAIN, reason });
  const last = random.integer(0, work.tasks - 1);
  return readMap(scene, work, results, {
    ...expected,
    indexOf(value, at) {
      if (at === last) controller.abort(reason);
      return expected.indexOf(value, at);
    },
  });
}
