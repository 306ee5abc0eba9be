/**
 * A scheduler with fake workers at the other ends of real connections, which
 * answer when the test tells them to.
 *
 * @module
 */

import type { CallSource, Offer } from "../../src/scheduling/call_sources.ts";
import { KeepAlive } from "../../src/util/keep_alive.ts";
import { CallKind } from "../../src/calls/call_kind.ts";
import type { PromisedCall } from "../../src/calls/promised_call.ts";
import { PrefetchWindow } from "../../src/scheduling/prefetch_window.ts";
import { Scheduler } from "../../src/scheduling/scheduler.ts";
import { HostTally } from "../../src/scheduling/host_tally.ts";
import { WorkerProcess } from "../../src/spawner/worker_process.ts";
import { Channel } from "../../src/transport/channel.ts";
import { type Calls, MessageType } from "../../src/protocol/worker_messages.ts";
import { WorkerHandle } from "../../src/scheduling/worker_handle.ts";
import type { LostWorker } from "../../src/scheduling/worker_events.ts";
import { call, placedCall, TASK } from "./fake_worker.ts";
import { ConnectionPair, hangUp, TRANSPORTS } from "./connections.ts";

/**
 * How long a call keeps a fake worker busy, in microseconds. Shorter calls would
 * share a worker.
 */
const BUSY = 1_000;

/** Waits until the scheduler has dispatched the submitted calls. */
export async function dispatched(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await Promise.resolve();
}

/** Both ends of the connection to a worker. */
class FakeWorker {
  readonly handle: WorkerHandle;
  readonly #pair: ConnectionPair;
  readonly #channel: Channel;
  /** The ids and arguments of calls that arrived and weren't answered. */
  readonly #waiting: [id: number, label: unknown][] = [];
  readonly #ended: Promise<void>;
  #arrival = Promise.withResolvers<void>();

  constructor(pair: ConnectionPair, room: number) {
    this.#pair = pair;
    this.handle = new WorkerHandle(
      {
        process: new WorkerProcess(
          "fake worker",
          Promise.resolve({ exitStatus: "signal SIGKILL", stderrTail: "" }),
          () => this.#channel.close(),
        ),
        tally: new HostTally("local"),
        modules: undefined,
        concurrency: 1,
        cancelGrace: 60_000,
      },
      new Channel(pair.left),
      new PrefetchWindow(room - 1, 1),
    );
    this.#channel = new Channel(pair.right);
    this.#ended = this.#channel.receive((message) => {
      if (message[0] === MessageType.CALLS) this.#take(message as Calls);
    }).catch(() => {});
  }

  /** How many calls the pool has sent that weren't answered. */
  get calls(): number {
    return this.handle.window.calls;
  }

  /** Answers the first unanswered call, and returns its label. */
  async answer(): Promise<unknown> {
    const [id, label] = await this.#next();
    await this.#send([MessageType.RESULTS, id, BUSY, [label]]);
    return label;
  }

  /** Answers calls until a promise is settled, and returns their labels. */
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
      await this.#send([MessageType.RESULTS, id, BUSY, [label]]);
    }
  }

  /** Fails the first unanswered call. */
  async fail(thrown: unknown): Promise<void> {
    const [id] = await this.#next();
    await this.#send([MessageType.FAILURE, id, BUSY, thrown, []]);
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

  #take([, , firstId, , argumentLists]: Calls): void {
    argumentLists.forEach(([label], index) =>
      this.#waiting.push([firstId + index, label])
    );
    this.#arrival.resolve();
    this.#arrival = Promise.withResolvers();
  }
}

/** A scheduler and its workers, which end with the scope. */
export class Bench implements AsyncDisposable {
  readonly scheduler: Scheduler;
  readonly #workers: FakeWorker[] = [];
  readonly #keepAlive = new KeepAlive();
  /** Resolves, when no worker is left, to the loss of the last one. */
  readonly noWorkers: Promise<LostWorker>;

  constructor() {
    const { promise, resolve } = Promise.withResolvers<LostWorker>();
    this.noWorkers = promise;
    this.scheduler = new Scheduler(this.#keepAlive, {
      lost: (_handle, worker) => {
        if (this.scheduler.workers === 0) resolve(worker);
      },
      expects: () => false,
      hostError: () => undefined,
    });
  }

  /** A bench with a worker for each of these window sizes. */
  static async with(...rooms: number[]): Promise<Bench> {
    const bench = new Bench();
    await bench.add(...rooms);
    return bench;
  }

  worker(index: number): FakeWorker {
    return this.#workers[index]!;
  }

  /** The number of calls at each worker. */
  get loads(): number[] {
    return this.#workers.map(({ calls }) => calls);
  }

  /** Connects a worker, which doesn't get calls yet. */
  async connect(room: number): Promise<FakeWorker> {
    const pair = await ConnectionPair.open(TRANSPORTS[0]!);
    const worker = new FakeWorker(pair, room);
    this.#workers.push(worker);
    return worker;
  }

  /** Connects workers, which get calls from now on. */
  async add(...rooms: number[]): Promise<void> {
    const handles: WorkerHandle[] = [];
    for (const room of rooms) {
      const { handle } = await this.connect(room);
      await this.scheduler.connect(handle, undefined);
      handles.push(handle);
    }
    this.scheduler.add(handles);
  }

  /** Submits calls that return their labels. */
  submit(...labels: unknown[]): PromisedCall<unknown>[] {
    const calls = labels.map((label) => call(label));
    for (const call of calls) this.scheduler.submit(call);
    return calls;
  }

  /** Does the same with calls that are made when they are sent. */
  submitUnmade(...labels: unknown[]): Promise<unknown>[] {
    const kind = new CallKind(TASK, undefined, undefined, true);
    return labels.map((label) =>
      new Promise((resolve) =>
        this.scheduler.submitUnmade(kind, label, resolve)
      )
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.end()));
    await dispatched();
    this.#keepAlive.close();
  }
}

/** A source that submits calls each time it is asked. */
export class Source implements CallSource {
  /** The room that it was offered, each time. */
  readonly asked: number[] = [];
  /** Whether the workers were offered as shared, each time. */
  readonly shared: boolean[] = [];
  stopped: Error | undefined;
  ended = false;
  readonly #scheduler: Scheduler;
  readonly #label: string;
  readonly #most: number;
  /** The priority of its calls. */
  readonly priority: number | undefined;

  /** Submits calls with a label, at most `most` at a time. */
  constructor(
    scheduler: Scheduler,
    label: string,
    most = 1,
    priority?: number,
  ) {
    this.#scheduler = scheduler;
    this.#label = label;
    this.#most = most;
    this.priority = priority;
  }

  pull({ room, isShared }: Offer): void {
    this.asked.push(room);
    this.shared.push(isShared);
    for (let count = Math.min(room, this.#most); count > 0; count--) {
      this.#scheduler.submit(placedCall(this.#label, {}, 0, this.priority));
    }
  }

  stop(reason: Error): void {
    this.stopped = reason;
    this.end();
  }

  /** Submits nothing more. */
  end(): void {
    this.ended = true;
    this.#scheduler.wake();
  }
}

/** Returns `length` numbers, from 0 on. */
export function range(length: number): number[] {
  return Array.from({ length }, (_, index) => index);
}
