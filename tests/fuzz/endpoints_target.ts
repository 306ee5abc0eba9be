import { assert, assertEquals } from "@std/assert";
import { Call } from "../../src/calls/call.ts";
import { CallKind } from "../../src/calls/call_kind.ts";
import { PrefetchWindow } from "../../src/scheduling/prefetch_window.ts";
import { HostTally } from "../../src/scheduling/host_tally.ts";
import { TaskRegistry } from "../../src/tasks/task_registry.ts";
import { WorkerProcess } from "../../src/spawner/worker_process.ts";
import { Channel } from "../../src/transport/channel.ts";
import { MessageType, ResultMode } from "../../src/protocol/worker_messages.ts";
import { Executor } from "../../src/worker/executor.ts";
import { ResultWriter } from "../../src/worker/result_writer.ts";
import { WorkerHandle } from "../../src/scheduling/worker_handle.ts";
import { MemoryConnection } from "../helpers/memory_connection.ts";
import type { Random } from "../helpers/random.ts";
import type { Outcome } from "./fuzz.ts";

const TASK = new TaskRegistry(() => {}).register((x: unknown) => x);
const KIND = new CallKind(TASK);
const WATCHED = new CallKind(TASK, {
  retries: 0,
  preface: { runTimeout: 60_000, seed: [1, 2] },
});
const CHUNK = new CallKind(TASK, undefined, "single");
const SETTLED_CHUNK = new CallKind(TASK, undefined, "single", false, true);

const TYPES: readonly [unknown, ...unknown[]] = [
  0,
  "5",
  null,
  99,
  ...Object.values(MessageType),
];

/** A call that counts how often it was answered. */
class CountedCall extends Call {
  answers = 0;

  protected override resolved(): void {
    this.answers++;
  }

  protected override rejected(): void {
    this.answers++;
  }
}

/** Checks that a `WorkerHandle` refuses messages that no worker sends. */
export async function tryWorkerHandle(random: Random): Promise<void> {
  const [left, right] = MemoryConnection.pair();
  const tally = new HostTally("local");
  const handle = new WorkerHandle(
    {
      process: new WorkerProcess(
        "worker",
        Promise.resolve({ exitStatus: "exit code 0", stderrTail: "" }),
        () => {},
      ),
      tally,
      modules: undefined,
      concurrency: 1,
      cancelGrace: 60_000,
    },
    new Channel(left),
    new PrefetchWindow("auto", 1),
  );
  let returned = 0;
  const receiving = handle.receive({
    changed: (answered) => returned += answered,
  });
  const calls = random.list(5, () => makeCall(random));
  for (const call of calls) {
    handle.send(call);
    assertEquals(call.state, "sent");
  }
  handle.flush();
  const worker = new Channel(right);
  for (const message of random.list(6, () => fromWorker(random))) {
    worker.writer.message(message);
  }
  await worker.drained();
  worker.close();
  const { begun, unbegun } = await receiving;
  const unanswered = [...begun, ...unbegun];
  // Each call is answered once or remains unanswered, and is counted.
  assertEquals(returned + unanswered.length, calls.length, "calls");
  for (const call of calls) {
    const expected = unanswered.includes(call) ? 0 : 1;
    assertEquals(call.answers, expected, "answers");
  }
  assert(tally.done >= 0 && Number.isSafeInteger(tally.done), "done");
  assert(tally.busy >= 0 && Number.isSafeInteger(tally.busy), "busy");
}

function makeCall(random: Random): CountedCall {
  return random.below(3) === 0
    ? new CountedCall(random.pick([CHUNK, SETTLED_CHUNK]), [1, 2, 3])
    : new CountedCall(random.pick([KIND, WATCHED]), [1]);
}

/** Makes a message as a worker sends it, or a broken one. */
function fromWorker(random: Random): unknown[] {
  const list = () => random.list(4, () => anything(random));
  return spoil(
    random,
    random.pick([
      [MessageType.RESULTS, random.below(6), 1, list()],
      [MessageType.CHUNK_RESULTS, random.below(6), 1, list()],
      [MessageType.FAILURE, random.below(6), 1, new Error("x"), list()],
      [MessageType.ITEM_FAILURE, random.below(6), random.below(4), "x"],
      [MessageType.BEGUN, random.below(6)],
      [MessageType.FULL, random.below(6)],
    ]),
  );
}

/** Checks that an `Executor` refuses bad messages, and answers its calls. */
export async function tryExecutor(random: Random): Promise<Outcome> {
  const [left, right] = MemoryConnection.pair();
  const worker = new Channel(left);
  const executor = new Executor(new ResultWriter(worker), 1 + random.below(2));
  const serving = worker.receive((message, byteLength) =>
    executor.receive(message, byteLength)
  );
  const pool = new Channel(right);
  const answered = new Map<unknown, number>();
  const last = Promise.withResolvers<void>();
  const listening = pool.receive((message) => {
    for (const id of answeredBy(message)) {
      answered.set(id, (answered.get(id) ?? 0) + 1);
      if (id === LAST) last.resolve();
    }
  });
  const messages = [
    [MessageType.DEFINE, 0, { kind: "inline", source: "(x) => x", name: "a" }],
    ...random.list(6, () => fromPool(random)),
    [MessageType.DEFINE, 3, { kind: "inline", source: "(x) => x", name: "a" }],
    [MessageType.CALLS, 3, LAST, ResultMode.VALUE, [[1]]],
  ];
  for (const message of messages) pool.writer.message(message);
  await pool.drained();
  await Promise.race([last.promise, serving.catch(() => {})]);
  pool.close();
  worker.close();
  const outcome = await serving.then(() => "accepted" as const, (error) => {
    assert(error instanceof RangeError, error);
    return "refused" as const;
  });
  await listening.catch(() => {});
  const given = new Map<unknown, number>();
  for (const message of messages) {
    for (const id of givenBy(message)) given.set(id, (given.get(id) ?? 0) + 1);
  }
  for (const [id, answers] of answered) {
    assert(answers <= (given.get(id) ?? 0), `${answers} answers to ${id}`);
  }
  if (outcome === "accepted") assertEquals(answered.get(LAST), 1);
  return outcome;
}

/** The id of the last call. */
const LAST = 1_000;

/** The messages of a worker that answer no call. */
const STREAMING: readonly unknown[] = [
  MessageType.VALUES,
  MessageType.CREDIT,
  MessageType.STOP,
  MessageType.BEGUN,
  MessageType.FULL,
];

/** Messages of a pool that give one id to a worker. */
const WITH_ONE_ID: unknown[] = [
  MessageType.CHUNK,
  MessageType.SETTLED_CHUNK,
  MessageType.OPEN,
];

function answeredBy([type, id, , values]: unknown[]): unknown[] {
  if (STREAMING.includes(type)) return [];
  if (type !== MessageType.RESULTS) return [id];
  return (values as unknown[]).map((_, index) => id as number + index);
}

function givenBy([type, , id, , calls]: unknown[]): unknown[] {
  if (WITH_ONE_ID.includes(type)) return [id];
  if (type !== MessageType.CALLS || !Array.isArray(calls)) return [];
  return typeof id === "number" ? calls.map((_, index) => id + index) : [];
}

/** Makes a message as a pool sends it, or a broken one. */
function fromPool(random: Random): unknown[] {
  const id = () => random.below(4);
  const list = () => random.list(4, () => anything(random));
  return spoil(
    random,
    random.pick([
      [MessageType.DEFINE, id(), definition(random)],
      [MessageType.CALLS, id(), id(), random.below(3), [list(), list()]],
      [MessageType.CHUNK, id(), id(), false, list()],
      [MessageType.CHUNK, id(), id(), true, [list(), list()]],
      [MessageType.SETTLED_CHUNK, id(), id(), false, list()],
      [MessageType.OPEN, id(), id(), random.below(3), [1, 2], [
        random.below(3),
      ]],
      [MessageType.VALUES, id(), random.below(4), list()],
      [MessageType.CREDIT, id(), random.below(4), random.below(9), 9],
      [MessageType.CLOSE, id(), random.below(4), []],
      [MessageType.NUMBERED, id(), random.below(9), random.pick([[], [1, 2]])],
      [MessageType.WATCH, id(), random.below(2) === 0],
      [MessageType.FORGET, [id()]],
      [MessageType.CANCEL, id()],
      [MessageType.MODULE, random.pick(["a:b", "c:d"]), "1", "export {}"],
    ]),
  );
}

function definition(random: Random): unknown {
  const name = "task";
  const source = random.pick(["(x) => x", "5", "(", "() => { throw 1; }"]);
  return random.pick<unknown>([
    { kind: "inline", source, name },
    { kind: "inline", source: 5, name },
    { kind: "module", url: "data:text/javascript,", name },
    { kind: "module", url: "nothing:", name },
    { kind: "bound", task: random.below(4), constants: [1] },
    { kind: "bound", task: random.below(4), constants: { length: 2 } },
    { kind: "__proto__" },
    {},
  ]);
}

/** Breaks a message, or leaves it unchanged. */
export function spoil(random: Random, message: unknown[]): unknown[] {
  switch (random.below(6)) {
    case 0:
      message[random.below(message.length)] = anything(random);
      return message;
    case 1:
      message[0] = random.pick(TYPES);
      return message;
    case 2:
      return message.slice(0, random.below(message.length + 1));
    case 3:
      return [...message, anything(random)];
    default:
      return message;
  }
}

/** Returns a value that careless code trips over. */
function anything(random: Random): unknown {
  return random.pick<unknown>([
    undefined,
    null,
    -1,
    0.5,
    NaN,
    2 ** 32,
    2 ** 53,
    5n,
    "1",
    [],
    { length: 1e9 },
    { length: -3 },
    JSON.parse(`{"__proto__":{"length":2},"constructor":1}`),
    { then: 1, toString: 1, valueOf: 1 },
    Object.assign(new Error("x"), { extra: { toString: 1 } }),
    random.below(6),
    random.value(1),
  ]);
}
