import {
  assert,
  assertEquals,
  assertFalse,
  assertInstanceOf,
  assertRejects,
  assertStrictEquals,
} from "@std/assert";
import { WorkerLostError } from "../src/errors.ts";
import { KeepAlive } from "../src/keep_alive.ts";
import { PromisedCall } from "../src/promised_call.ts";
import { QueueWindow } from "../src/queue_window.ts";
import type { CallSource } from "../src/call_sources.ts";
import { Scheduler } from "../src/scheduler.ts";
import { HostTally } from "../src/stats.ts";
import { TaskRegistry } from "../src/task_registry.ts";
import { Channel } from "../src/wire/channel.ts";
import { type Calls, MessageType } from "../src/wire/messages.ts";
import { type LostWorker, WorkerLink } from "../src/worker_link.ts";
import { ConnectionPair, hangUp, TRANSPORTS } from "./wire/_connections.ts";

const TASK = new TaskRegistry(() => {}).register((label: string) => label);

/** A call that returns its argument, once the test lets it. */
function call(label: unknown): PromisedCall<unknown> {
  const call = new PromisedCall<unknown>(TASK, [label], undefined);
  call.promise.catch(() => {});
  return call;
}

/** Lets the scheduler dispatch what was submitted. */
async function dispatched(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await Promise.resolve();
}

/** Both ends of the connection to a worker, which answers as the test says. */
class FakeWorker {
  readonly link: WorkerLink;
  readonly #pair: ConnectionPair;
  readonly #channel: Channel;
  /** The ids and arguments of calls that have arrived and weren't answered. */
  readonly #waiting: [id: number, label: unknown][] = [];
  readonly #ended: Promise<void>;
  #arrival = Promise.withResolvers<void>();

  constructor(pair: ConnectionPair, qsize: number) {
    this.#pair = pair;
    this.link = new WorkerLink(
      {
        name: "fake worker",
        tally: new HostTally("local", "local"),
        modules: undefined,
        concurrency: 1,
        cancelGrace: 60_000,
        kill: () => this.#channel.close(),
        end: () => Promise.resolve({ how: "signal SIGKILL", lastWords: "" }),
      },
      new Channel(pair.left),
      new QueueWindow(qsize, 1),
    );
    this.#channel = new Channel(pair.right);
    this.#ended = this.#channel.receive((message) => {
      if (message[0] === MessageType.CALLS) this.#take(message as Calls);
    }).catch(() => {});
  }

  /** How many calls the pool has sent that it has had no answer to. */
  get calls(): number {
    return this.link.window.calls;
  }

  /** Returns from the first call that wasn't answered, and says which. */
  async answer(): Promise<unknown> {
    const [id, label] = await this.#next();
    await this.#send([MessageType.RESULTS, id, 1, [label]]);
    return label;
  }

  /** The same for calls until a condition is fulfilled. */
  async answerUntil(done: Promise<unknown>): Promise<unknown[]> {
    const labels: unknown[] = [];
    const stop = Symbol();
    for (;;) {
      const next = await Promise.race([
        this.#next(),
        done.then(() => stop, () => stop),
      ]);
      if (typeof next === "symbol") return labels;
      const [id, label] = next;
      labels.push(label);
      await this.#send([MessageType.RESULTS, id, 1, [label]]);
    }
  }

  /** Throws from the first call that wasn't answered. */
  async fail(thrown: unknown): Promise<void> {
    const [id] = await this.#next();
    await this.#send([MessageType.FAILURE, id, 1, thrown, []]);
  }

  /** Waits until a call has arrived. */
  async arrived(): Promise<void> {
    while (this.#waiting.length === 0) await this.#arrival.promise;
  }

  /** Ends the connection from the worker's side. */
  hangUp(): void {
    this.#channel.close();
  }

  async end(): Promise<void> {
    hangUp(this.#pair.left);
    await this.#ended;
    hangUp(this.#pair.right);
  }

  async #next(): Promise<[id: number, label: unknown]> {
    await this.arrived();
    return this.#waiting.shift()!;
  }

  async #send(message: unknown[]): Promise<void> {
    this.#channel.writer.message(message);
    await this.#channel.drained();
  }

  #take([, , firstId, argumentLists]: Calls): void {
    argumentLists.forEach(([label], index) =>
      this.#waiting.push([firstId + index, label])
    );
    this.#arrival.resolve();
    this.#arrival = Promise.withResolvers();
  }
}

/** A scheduler and its workers, which are ended with the scope. */
class Bench implements AsyncDisposable {
  readonly scheduler: Scheduler;
  readonly #workers: FakeWorker[] = [];
  readonly #keepAlive = new KeepAlive();
  /** Resolves, when no worker is left, to why the last one is gone. */
  readonly noWorkers: Promise<LostWorker>;

  constructor() {
    const { promise, resolve } = Promise.withResolvers<LostWorker>();
    this.noWorkers = promise;
    this.scheduler = new Scheduler(this.#keepAlive, {
      lost: (_link, worker) => {
        if (this.scheduler.links.length === 0) resolve(worker);
      },
      expects: () => false,
      hostError: () => undefined,
    });
  }

  /** A bench with workers that have been added, of the given windows. */
  static async with(...qsizes: number[]): Promise<Bench> {
    const bench = new Bench();
    await bench.add(...qsizes);
    return bench;
  }

  worker(index: number): FakeWorker {
    return this.#workers[index]!;
  }

  /** How many calls are with each worker. */
  get loads(): number[] {
    return this.#workers.map(({ calls }) => calls);
  }

  /** Connects a worker, which gets no calls yet. */
  async connect(qsize: number): Promise<FakeWorker> {
    const pair = await ConnectionPair.open(TRANSPORTS[0]!);
    const worker = new FakeWorker(pair, qsize);
    this.#workers.push(worker);
    return worker;
  }

  /** Connects workers, which get calls from now on. */
  async add(...qsizes: number[]): Promise<void> {
    const links: WorkerLink[] = [];
    for (const qsize of qsizes) {
      const { link } = await this.connect(qsize);
      await this.scheduler.connect(link, undefined);
      links.push(link);
    }
    this.scheduler.add(links);
  }

  /** Submits calls that return their labels. */
  submit(...labels: unknown[]): PromisedCall<unknown>[] {
    const calls = labels.map(call);
    for (const call of calls) this.scheduler.submit(call);
    return calls;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.end()));
    await dispatched();
    this.#keepAlive.close();
  }
}

/** Submits a call each time it is asked. */
class Source implements CallSource {
  /** The room that it was told of, each time. */
  readonly asked: number[] = [];
  stopped: Error | undefined;
  readonly #scheduler: Scheduler;
  readonly #label: string;
  readonly #most: number;

  /** Submits calls with a label, at most so many at a time. */
  constructor(scheduler: Scheduler, label: string, most = 1) {
    this.#scheduler = scheduler;
    this.#label = label;
    this.#most = most;
  }

  fill(room: number): void {
    this.asked.push(room);
    for (let count = Math.min(room, this.#most); count > 0; count--) {
      this.#scheduler.submit(call(this.#label));
    }
  }

  stop(reason: Error): void {
    this.stopped = reason;
    this.#scheduler.removeSource(this);
  }
}

function range(length: number): number[] {
  return Array.from({ length }, (_, index) => index);
}

Deno.test("Scheduler shares calls fairly among workers", async () => {
  await using bench = await Bench.with(8, 8, 8);
  bench.submit(...range(12));
  await dispatched();
  assertEquals(bench.loads, [4, 4, 4]);
  bench.submit(...range(9));
  await dispatched();
  assertEquals(bench.loads, [7, 7, 7]);
});

Deno.test("Scheduler sends nothing before the turn has ended", async () => {
  await using bench = await Bench.with(8);
  bench.submit(...range(3));
  assertEquals(bench.loads, [0]);
  await dispatched();
  assertEquals(bench.loads, [3]);
});

Deno.test("Scheduler gives more to workers that have less", async () => {
  await using bench = await Bench.with(20);
  bench.submit(...range(6));
  await dispatched();
  await bench.add(20, 20);
  bench.submit(...range(9));
  await dispatched();
  assertEquals(bench.loads, [6, 5, 4]);
});

Deno.test("Scheduler gives what one worker has no room for to others", async () => {
  await using bench = await Bench.with(1, 20, 20);
  bench.submit(...range(11));
  await dispatched();
  assertEquals(bench.loads, [1, 5, 5]);
});

Deno.test("Scheduler queues what no worker has room for", async () => {
  await using bench = await Bench.with(1, 2);
  const calls = bench.submit(...range(5));
  await dispatched();
  assertEquals(bench.loads, [1, 2]);
  assertEquals(calls.map(({ state }) => state), [
    "sent",
    "sent",
    "sent",
    "queued",
    "queued",
  ]);
  const done = Promise.all(calls.map(({ promise }) => promise));
  const answered = await Promise.all([
    bench.worker(0).answerUntil(done),
    bench.worker(1).answerUntil(done),
  ]);
  assertEquals(await done, range(5));
  assertEquals(answered.flat().toSorted(), range(5));
  assertEquals(bench.loads, [0, 0]);
});

Deno.test("Scheduler lets calls wait until there are workers", async () => {
  await using bench = new Bench();
  const [first] = bench.submit("first");
  await dispatched();
  assertEquals(first!.state, "queued");
  assertEquals(bench.scheduler.links.length, 0);
  await bench.add(2, 3);
  assertEquals(bench.scheduler.roomAt(undefined), { workers: 2, capacity: 5 });
  assertEquals(await bench.worker(0).answer(), "first");
  assertEquals(await first!.promise, "first");
});

Deno.test("Scheduler goes on after a call that can't be sent", async () => {
  await using bench = await Bench.with(4);
  const [bad, good] = bench.submit(() => 1, "good");
  await assertRejects(() => bad!.promise, DOMException, "function");
  assertEquals(await bench.worker(0).answer(), "good");
  assertEquals(await good!.promise, "good");
  await bench.scheduler.idle();
});

Deno.test("Scheduler delivers what a task throws", async () => {
  await using bench = await Bench.with(1);
  const [failing, next] = bench.submit("failing", "next");
  await bench.worker(0).fail(new TypeError("oops"));
  await assertRejects(() => failing!.promise, TypeError, "oops");
  await bench.worker(0).answer();
  assertEquals(await next!.promise, "next");
});

Deno.test("Scheduler.connect() has the initializer run before anything else", async () => {
  await using bench = new Bench();
  const [queued] = bench.submit("queued");
  const worker = await bench.connect(4);
  const connected = bench.scheduler.connect(worker.link, call("initialize"));
  await dispatched();
  assertEquals([bench.loads, queued!.state], [[1], "queued"]);
  assertEquals(await worker.answer(), "initialize");
  await connected;
  bench.scheduler.add([worker.link]);
  assertEquals(await worker.answer(), "queued");
  await bench.scheduler.idle();
});

Deno.test("Scheduler.connect() fails as the initializer does", async () => {
  await using bench = new Bench();
  const worker = await bench.connect(4);
  const connected = bench.scheduler.connect(worker.link, call("initialize"));
  await worker.fail(new RangeError("not now"));
  await assertRejects(() => connected, RangeError, "not now");
  await bench.scheduler.idle();
});

Deno.test("Scheduler asks a source for as much as there is room", async () => {
  await using bench = await Bench.with(3, 4);
  bench.submit("queued before");
  const source = new Source(bench.scheduler, "source", Infinity);
  bench.scheduler.addSource(source);
  await dispatched();
  assertEquals(source.asked, [6]);
  assertEquals(bench.loads, [3, 4]);
});

Deno.test("Scheduler doesn't ask sources while no worker has room", async () => {
  await using bench = await Bench.with(1);
  const source = new Source(bench.scheduler, "source");
  bench.submit("first", "second");
  await dispatched();
  bench.scheduler.addSource(source);
  await dispatched();
  assertEquals(source.asked, []);
  assertEquals(await bench.worker(0).answer(), "first");
  assertEquals(await bench.worker(0).answer(), "second");
  assertEquals(await bench.worker(0).answer(), "source");
});

Deno.test("Scheduler asks sources in turn", async () => {
  await using bench = await Bench.with(1);
  for (const label of ["a", "b", "c"]) {
    bench.scheduler.addSource(new Source(bench.scheduler, label));
  }
  const labels: unknown[] = [];
  for (let count = 0; count < 9; count++) {
    labels.push(await bench.worker(0).answer());
  }
  const round = labels.slice(0, 3);
  assertEquals(round.toSorted(), ["a", "b", "c"]);
  assertEquals(labels, [...round, ...round, ...round]);
});

Deno.test("Scheduler asks the next source for what one leaves", async () => {
  await using bench = await Bench.with(10);
  const sources = ["a", "b"].map((label) =>
    new Source(bench.scheduler, label, 4)
  );
  for (const source of sources) bench.scheduler.addSource(source);
  await dispatched();
  assertEquals(sources.flatMap(({ asked }) => asked).toSorted(), [10, 6]);
});

Deno.test("Scheduler.removeSource() ends the asking", async () => {
  await using bench = await Bench.with(1);
  const source = new Source(bench.scheduler, "source");
  bench.scheduler.addSource(source);
  await bench.worker(0).arrived();
  bench.scheduler.removeSource(source);
  bench.scheduler.removeSource(source);
  await bench.worker(0).answer();
  await bench.scheduler.idle();
  assertEquals(source.asked, [1]);
});

Deno.test("Scheduler.submitToAll() sends a call to each worker", async () => {
  await using bench = await Bench.with(1, 1);
  const labels = ["one", "two"];
  const results = bench.scheduler.submitToAll(() => call(labels.shift()));
  await bench.worker(1).answer();
  await bench.worker(0).answer();
  assertEquals(await results, ["one", "two"]);
  await bench.scheduler.idle();
});

Deno.test("Scheduler.submitToAll() waits for what was before, and what is after waits for it", async () => {
  await using bench = await Bench.with(8, 8);
  const before = bench.submit("before", "before");
  const round = bench.scheduler.submitToAll(() => call("round"));
  const after = bench.submit("after", "after");
  const second = bench.scheduler.submitToAll(() => call("second"));
  const last = bench.submit("last");
  const source = new Source(bench.scheduler, "source");
  const [left, right] = [bench.worker(0), bench.worker(1)];
  await dispatched();
  assertEquals(bench.loads, [1, 1]);

  assertEquals(await left.answer(), "before");
  await before[0]!.promise;
  await dispatched();
  assertEquals(bench.loads, [0, 1]);

  assertEquals(await right.answer(), "before");
  assertEquals(await left.answer(), "round");
  bench.scheduler.addSource(source);
  await dispatched();
  assertEquals(after[0]!.state, "queued");

  assertEquals(await right.answer(), "round");
  assertEquals(await round, ["round", "round"]);
  assertEquals(await left.answer(), "after");
  await after[0]!.promise;
  await dispatched();
  assertEquals([bench.loads, source.asked], [[0, 1], []]);

  assertEquals(await right.answer(), "after");
  assertEquals(await Promise.all([left.answer(), right.answer()]), [
    "second",
    "second",
  ]);
  await second;
  bench.scheduler.removeSource(source);
  const done = last[0]!.promise;
  const labels = [left.answerUntil(done), right.answerUntil(done)];
  assertEquals(await done, "last");
  assert((await Promise.all(labels)).flat().includes("last"));
});

Deno.test("Scheduler.submitToAll() fails as one call does, and ends with the last", async () => {
  await using bench = await Bench.with(1, 1);
  const round = bench.scheduler.submitToAll(() => call("round"));
  const [after] = bench.submit("after");
  await bench.worker(0).fail(new TypeError("oops"));
  await assertRejects(() => round, TypeError, "oops");
  await dispatched();
  assertEquals([bench.loads, after!.state], [[0, 1], "queued"]);
  await bench.worker(1).answer();
  assertEquals(await bench.worker(0).answer(), "after");
  await bench.scheduler.idle();
});

Deno.test("Scheduler.cancel() drops what is queued only", async () => {
  await using bench = await Bench.with(1);
  const [sent, queued, next] = bench.submit("sent", "queued", "next");
  await dispatched();
  assertFalse(bench.scheduler.cancel(sent!));
  assert(bench.scheduler.cancel(queued!));
  assertFalse(bench.scheduler.cancel(queued!));
  assertEquals(queued!.state, "settled");
  assertEquals(await bench.worker(0).answer(), "sent");
  assertEquals(await bench.worker(0).answer(), "next");
  assertEquals(await next!.promise, "next");
  assertFalse(bench.scheduler.cancel(sent!));
  await bench.scheduler.idle();
});

Deno.test("Scheduler.cancel() of all that is queued lets a round begin", async () => {
  await using bench = await Bench.with(1);
  const [sent, queued] = bench.submit("sent", "queued");
  const round = bench.scheduler.submitToAll(() => call("round"));
  await dispatched();
  bench.scheduler.cancel(queued!);
  assertEquals(await bench.worker(0).answer(), "sent");
  assertEquals(await sent!.promise, "sent");
  assertEquals(await bench.worker(0).answer(), "round");
  assertEquals(await round, ["round"]);
});

Deno.test("Scheduler.idle() waits for what is queued and under way", async () => {
  await using bench = await Bench.with(1);
  await bench.scheduler.idle();
  bench.submit("first", "second");
  let isIdle = false;
  const idle = bench.scheduler.idle().then(() => isIdle = true);
  await bench.worker(0).answer();
  await bench.worker(0).arrived();
  assertFalse(isIdle);
  await bench.worker(0).answer();
  assert(await idle);
});

Deno.test("Scheduler.close() lets what comes later fail, and nothing else", async () => {
  await using bench = await Bench.with(1);
  const calls = bench.submit("sent", "queued");
  const round = bench.scheduler.submitToAll(() => call("round"));
  const source = new Source(bench.scheduler, "source");
  bench.scheduler.addSource(source);
  await dispatched();
  const reason = new Error("closed");
  bench.scheduler.close(() => reason);
  bench.scheduler.close(() => new Error("closed again"));
  assertStrictEquals(source.stopped, reason);

  const [late] = bench.submit("late");
  assertEquals(late!.state, "settled");
  await assertRejects(() => late!.promise, Error, "closed");
  await assertRejects(
    () => bench.scheduler.submitToAll(() => call("late")),
    Error,
    "closed",
  );
  const lateSource = new Source(bench.scheduler, "source");
  bench.scheduler.addSource(lateSource);
  assertInstanceOf(lateSource.stopped, Error);

  for (const expected of ["sent", "queued", "round"]) {
    assertEquals(await bench.worker(0).answer(), expected);
  }
  await Promise.all([round, ...calls.map(({ promise }) => promise)]);
  await bench.scheduler.idle();
  assertEquals([source.asked, lateSource.asked], [[], []]);
});

Deno.test("Scheduler.cancelQueued() lets calls and rounds fail that haven't begun", async () => {
  await using bench = await Bench.with(1);
  const [sent, ...queued] = bench.submit("sent", "queued");
  const round = bench.scheduler.submitToAll(() => call("round"));
  queued.push(...bench.submit("after the round"));
  await dispatched();
  bench.scheduler.cancelQueued(() => new RangeError("not any more"));
  for (const { promise } of queued) {
    await assertRejects(() => promise, RangeError, "not any more");
  }
  await assertRejects(() => round, RangeError, "not any more");
  assertEquals(await bench.worker(0).answer(), "sent");
  assertEquals(await sent!.promise, "sent");
  await bench.scheduler.idle();
});

Deno.test(
  "Scheduler lets the calls of a lost worker fail, and gives the rest to others",
  async () => {
    await using bench = await Bench.with(1, 1);
    const calls = bench.submit(...range(6));
    await bench.worker(0).arrived();
    await dispatched();
    const lost = calls.find(({ state }) => state === "sent")!;
    bench.worker(0).hangUp();
    await assertRejects(() => lost.promise, WorkerLostError);
    await dispatched();
    assertEquals(bench.scheduler.links.length, 1);
    assertEquals(bench.worker(1).calls, 1);
    const idle = bench.scheduler.idle();
    assertEquals(await bench.worker(1).answerUntil(idle), range(6).slice(1));
  },
);

Deno.test("Scheduler lets a round fail whose worker is lost, and goes on", async () => {
  await using bench = await Bench.with(1, 1);
  const round = bench.scheduler.submitToAll(() => call("round"));
  const [after] = bench.submit("after");
  await bench.worker(0).arrived();
  bench.worker(0).hangUp();
  await assertRejects(() => round, WorkerLostError);
  assertEquals(await bench.worker(1).answer(), "round");
  assertEquals(await bench.worker(1).answer(), "after");
  assertEquals(await after!.promise, "after");
});

Deno.test(
  "Scheduler says so when no worker is left, and calls can be dropped then",
  async () => {
    await using bench = await Bench.with(1);
    const [sent, queued] = bench.submit("sent", "queued");
    await bench.worker(0).arrived();
    bench.worker(0).hangUp();
    assertEquals((await bench.noWorkers).end.how, "signal SIGKILL");
    await assertRejects(() => sent!.promise, WorkerLostError);
    assertEquals([bench.scheduler.links.length, queued!.state], [0, "queued"]);
    bench.scheduler.cancelQueued(() => new Error("no worker"));
    await assertRejects(() => queued!.promise, Error, "no worker");
    await bench.scheduler.idle();
  },
);

Deno.test("Scheduler.add() leaves out workers that were lost before", async () => {
  await using bench = await Bench.with(2);
  const worker = await bench.connect(2);
  const lost = call("initialize");
  const connected = bench.scheduler.connect(worker.link, lost);
  worker.hangUp();
  await assertRejects(() => connected, WorkerLostError);
  bench.scheduler.add([worker.link]);
  assertEquals(bench.scheduler.links.length, 1);
  bench.submit("a", "b");
  await dispatched();
  assertEquals(bench.worker(0).calls, 2);
});

Deno.test(
  "Scheduler shares calls fairly although some were cancelled",
  async () => {
    await using bench = new Bench();
    const [, ...others] = bench.submit(...range(20));
    for (const other of others.slice(1)) bench.scheduler.cancel(other);
    await bench.add(8, 8);
    await dispatched();
    assertEquals(bench.loads, [1, 1]);
  },
);

Deno.test(
  "Scheduler doesn't begin a round when no worker is left",
  async () => {
    await using bench = await Bench.with(1);
    bench.submit("sent");
    const round = bench.scheduler.submitToAll(() => call("round"));
    await bench.worker(0).arrived();
    bench.worker(0).hangUp();
    await bench.noWorkers;
    bench.scheduler.cancelQueued(() => new RangeError("no worker"));
    await assertRejects(() => round, RangeError, "no worker");
    await bench.scheduler.idle();
  },
);
