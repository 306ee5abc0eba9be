/**
 * The work of a storm whose calls read streams or exchange messages.
 *
 * @module
 */

import { PLAIN, RETRIES, type Scene } from "./calls.ts";
import type { Allowed } from "./ledger.ts";
import type { Work } from "./plan.ts";
import { pause, pauses, readValues } from "./reading.ts";
import { Source } from "./source.ts";
import { valueAt } from "./stream_tasks.ts";
import { streamTasks } from "./streams.ts";
import { answer } from "./tasks.ts";

/** Opens the source of some work. */
function open(
  { sources }: Scene,
  work: Work,
  length: number,
  error?: unknown,
): Source {
  const first = work.number * 4_096;
  return new Source(
    sources,
    `${work.kind} ${work.number}`,
    (at) => valueAt(first, at),
    length,
    error,
  );
}

/** Returns the argument for a source. */
function as(source: Source, { random }: Work): AsyncIterable<number> {
  return source.as(random.pick(["iterable", "stream"] as const));
}

/** Returns the combined answers of the first values of a source. */
function combined({ valueAt }: Source, length: number): number {
  let combined = 0;
  for (let at = 0; at < length; at++) combined = answer(combined ^ valueAt(at));
  return combined;
}

/** Waits for a call that reads a source. */
async function settle(
  { ledger }: Scene,
  work: Work,
  source: Source,
  call: Promise<number>,
  expected: number,
  allowed: Allowed = PLAIN,
): Promise<void> {
  const what = `${work.kind} ${work.number}`;
  const outcome = await ledger.settled(what, call);
  if (outcome.status === "fulfilled") {
    if (outcome.value !== expected) ledger.fault(`${what}: wrong answer`);
    ledger.count("read", work.tasks);
    return;
  }
  const used = source.taken > 0;
  const how = ledger.judge(what, outcome.reason, { ...allowed, used });
  ledger.count(how, work.tasks);
}

/** Makes a call that reads a source. */
export function readAll(scene: Scene, work: Work): Promise<void> {
  const { tasks: length } = work;
  const source = open(scene, work, length);
  const call = scene.pool.run(streamTasks.combine, as(source, work));
  return settle(scene, work, source, call, combined(source, length));
}

/** Makes a call that doesn't read its source to the end, or not at all. */
export function readFirst(scene: Scene, work: Work): Promise<void> {
  const { tasks, random } = work;
  const length = random.chance(0.3) ? 0 : random.integer(1, tasks);
  const source = open(scene, work, Infinity);
  const call = scene.pool
    .run(streamTasks.combineFirst, as(source, work), length);
  return settle(scene, work, source, call, combined(source, length));
}

/** Makes a call that reads a source, and cancels it or lets it time out. */
export function readCancel(scene: Scene, work: Work): Promise<void> {
  const { random } = work;
  const source = open(scene, work, Infinity);
  const ms = random.integer(1, 100);
  const isTimed = random.chance(0.5);
  const runner = isTimed ? scene.pool.with({ timeout: ms }) : scene.pool;
  const call = runner.submit(streamTasks.combine, as(source, work));
  if (!isTimed) setTimeout(() => call.cancel(), ms);
  const allowed = { ...PLAIN, timeout: isTimed, cancel: !isTimed };
  return settle(scene, work, source, Promise.resolve(call), -1, allowed);
}

/** Makes a call that reads a source which fails. */
export function readFail(scene: Scene, work: Work): Promise<void> {
  const own = `source ${work.number} has failed`;
  const source = open(scene, work, work.tasks, new RangeError(own));
  const call = scene.pool.run(streamTasks.combine, as(source, work));
  return settle(scene, work, source, call, -1, { ...PLAIN, own });
}

/** Makes a stream of the answers to a source's values. */
export async function pipe(scene: Scene, work: Work): Promise<void> {
  const { tasks, random } = work;
  const how = random.pick(["whole", "leave", "fail"] as const);
  const own = `source ${work.number} has failed`;
  const length = how === "leave" ? Infinity : tasks;
  const error = how === "fail" ? new RangeError(own) : undefined;
  const source = open(scene, work, length, error);
  const values = scene.pool.stream(streamTasks.answerEach, as(source, work));
  await readValues(scene, work, values, {
    isRight: (value, at) => value === answer(source.valueAt(at)),
    length,
    allowed: {
      ...PLAIN,
      ...(how === "fail" ? { own } : {}),
      get used() {
        return source.taken > 0;
      },
    },
    most: how === "leave" ? tasks : Infinity,
    ...(random.chance(0.3) ? { before: pauses(random) } : {}),
  });
}

/** Makes a stream of the answers to the values of another stream. */
export async function pipeTwo(scene: Scene, work: Work): Promise<void> {
  const { tasks, random } = work;
  const first = work.number * 4_096;
  const isLeft = random.chance(0.3);
  const length = isLeft ? Infinity : tasks;
  const inner = scene.pool.stream(streamTasks.values, first, length, "async");
  const values = scene.pool.stream(streamTasks.answerEach, inner);
  await readValues(scene, work, values, {
    isRight: (value, at) => value === answer(valueAt(first, at)),
    length,
    // Either of the two tasks may be lost.
    allowed: { ...PLAIN, used: true, passesErrors: true },
    most: isLeft ? tasks : Infinity,
  });
}

/** Pipes a source through a transform. */
export async function transform(scene: Scene, work: Work): Promise<void> {
  const { tasks, random } = work;
  const how = random.pick(["whole", "leave", "fail", "abort"] as const);
  const isEndless = how === "leave" || how === "abort";
  const length = isEndless ? Infinity : tasks;
  const reason = { ends: work.number };
  const error = how === "fail" ? reason : undefined;
  const source = open(scene, work, length, error);
  const controller = new AbortController();
  const chunkSize = random.pick([1, 7, 100, "auto"] as const);
  const options = { chunkSize, signal: controller.signal };
  const values = (source.as("stream") as ReadableStream<number>)
    .pipeThrough(scene.pool.transform(streamTasks.answerOf, options));
  await readValues(scene, work, values, {
    isRight: (value, at) => value === answer(source.valueAt(at)),
    length,
    // An error of the source may overtake values.
    allowed: how === "fail" || how === "abort" ? { ...PLAIN, reason } : PLAIN,
    most: how === "leave" ? tasks : Infinity,
    before(read) {
      if (how === "abort" && read === tasks) controller.abort(reason);
    },
  });
}

/** Makes a call that sends messages. */
export async function report(scene: Scene, work: Work): Promise<void> {
  const { ledger, pool } = scene;
  const { tasks: length, random } = work;
  const what = `${work.kind} ${work.number}`;
  const first = work.number * 4_096;
  const retries = random.pick([0, RETRIES]);
  const isFast = random.chance(0.5);
  let next = 0;
  const onMessage = (message: unknown) => {
    // If the task runs again, it sends its messages again.
    if (retries > 0 && message === valueAt(first, 0)) next = 0;
    if (message !== valueAt(first, next)) {
      ledger.fault(`${what}: wrong message ${next}: ${Deno.inspect(message)}`);
    }
    next++;
    if (!isFast && random.chance(0.005)) return pause(1);
  };
  const call = pool.with({ retries, onMessage })
    .run(streamTasks.report, first, length);
  const outcome = await ledger.settled(what, call);
  if (outcome.status === "rejected") {
    return ledger.count(
      ledger.judge(what, outcome.reason, { retries }),
      length,
    );
  }
  // Messages may wait for a slow listener after the result.
  if (outcome.value !== answer(first) || isFast && next !== length) {
    ledger.fault(`${what}: ${next} of ${length} messages have arrived`);
  }
  ledger.count("reported", length);
}

/** Makes a call that sends back messages. */
export async function echo(scene: Scene, work: Work): Promise<void> {
  const { ledger, pool } = scene;
  const { tasks: length } = work;
  const what = `${work.kind} ${work.number}`;
  const first = work.number * 4_096;
  let next = 0;
  const future = pool.submit(streamTasks.echo, first).onMessage((message) => {
    if (message !== answer(valueAt(first, next))) {
      ledger.fault(`${what}: wrong message ${next}: ${Deno.inspect(message)}`);
    }
    next++;
  });
  const post = async () => {
    for (let at = 0; at < length && !future.done(); at++) {
      await future.postMessage(valueAt(first, at));
    }
    await future.postMessage("end");
  };
  const [posted, outcome] = await Promise.all([
    ledger.settled(`${what}, messages`, post()),
    ledger.settled(what, Promise.resolve(future)),
  ]);
  if (posted.status === "rejected") {
    ledger.fault(`${what}: ${Deno.inspect(posted.reason)}`);
  }
  if (outcome.status === "rejected") {
    const allowed = { ...PLAIN, used: true };
    return ledger.count(ledger.judge(what, outcome.reason, allowed), length);
  }
  if (next !== length || outcome.value !== answer(first)) {
    ledger.fault(`${what}: ${next} of ${length} messages came back`);
  }
  ledger.count("echoed", length);
}
