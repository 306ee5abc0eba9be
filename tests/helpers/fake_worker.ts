import { Placement, type PlacementTerms } from "../../src/calls/placement.ts";
import { CallKind } from "../../src/calls/call_kind.ts";
import type { Call } from "../../src/calls/call.ts";
import type { CallRunner } from "../../src/calls/call_owner.ts";
import type { MapCallOwner } from "../../src/map/map_call.ts";
import { KeepAlive } from "../../src/util/keep_alive.ts";
import { PromisedCall } from "../../src/calls/promised_call.ts";
import type { WorkerPlace } from "../../src/options/place.ts";
import { LimitedWindow } from "../../src/scheduling/limited_window.ts";
import {
  PrefetchWindow,
  type WindowOptions,
} from "../../src/scheduling/prefetch_window.ts";
import { Scheduler } from "../../src/scheduling/scheduler.ts";
import { SharedPace } from "../../src/scheduling/shared_pace.ts";
import { HostTally } from "../../src/scheduling/host_tally.ts";
import { TaskRegistry } from "../../src/tasks/task_registry.ts";
import { WorkerProcess } from "../../src/spawner/worker_process.ts";
import { Channel } from "../../src/transport/channel.ts";
import {
  type Assign,
  type Calls,
  type Chunk,
  type Grant,
  MessageType,
  type Recall,
  type SettledChunk,
} from "../../src/protocol/worker_messages.ts";
import { WorkerHandle } from "../../src/scheduling/worker_handle.ts";
import type { Connection } from "../../src/transport/connection.ts";
import {
  FIRST_HEADER_BYTES,
  PART_FLAG,
} from "../../src/transport/outgoing_frame.ts";
import { MemoryConnection } from "./memory_connection.ts";
import { realDeadline, realDelay } from "./real_timers.ts";

/** A worker for calls without streams. */
export const RUNNER: CallRunner<Call> = {
  release() {},
  link() {
    throw new Error("The call has no streams");
  },
  paused() {},
  resumed() {},
  runningTime: () => 0,
};

/** Ignores the outcomes of a map's calls. */
export const MAP: MapCallOwner = {
  settled() {},
  cut: () => [],
  grown() {},
  yielded() {},
  consumed() {},
  delayed() {},
  resumed() {},
  isSettled: false,
  explain: (reason) => reason,
  isAwaited: true,
};

/** A task whose argument fake workers return. */
export const TASK = new TaskRegistry(() => {}).register((x: unknown) => x);

/** The kind of its calls with a chunk of items. */
export const CHUNK = new CallKind(TASK, undefined, "single");

/** How long an expected event may take, in milliseconds. */
const TIMEOUT = 60_000;

/** How long a cancelled call may go on, in milliseconds. */
export const CANCEL_GRACE = 60_000;

/** Returns the placement of calls that must run on a host, or anywhere. */
export function at(host: string | undefined): Placement | undefined {
  return Placement.of({ host });
}

/** Makes a call with an argument, for one host or any. */
export function call(
  label: unknown,
  host?: string,
  retries = 0,
): PromisedCall<unknown> {
  return placedCall(label, { host }, retries);
}

/** Makes a call with an argument that may run where these terms allow it. */
export function placedCall(
  label: unknown,
  placement: PlacementTerms,
  retries = 0,
  priority?: number,
): PromisedCall<unknown> {
  const terms = { placement: Placement.of(placement), retries, priority };
  const kind = new CallKind(TASK, terms, undefined, true);
  const call = new PromisedCall<unknown>(kind, label, undefined);
  call.promise.catch(() => {});
  return call;
}

/** Waits until everything that is due in the event loop has happened. */
export async function settled(): Promise<void> {
  await realDelay(0);
}

/** A worker of a host that answers when the test tells it to. */
export class FakeWorker {
  /** The worker as the pool sees it. */
  readonly handle: WorkerHandle;
  /** How many calls it still answers when it is killed. */
  lastAnswers = 0;
  /** Resolves when it has ended. */
  readonly gone: Promise<void>;
  readonly #connection: Connection;
  readonly #channel: Channel;
  /** The unanswered calls: their ids, and their arguments or items. */
  readonly #calls: [id: number, label: unknown][] = [];
  readonly #grants = new Map<number, Grant>();
  #recalls = 0;
  #recalled = Promise.withResolvers<void>();

  /**
   * Connects a worker, which gets calls once it is added.
   *
   * @param room The size of its window, or whether it adapts.
   * @param now Returns the time, in milliseconds.
   * @param place Its machine.
   * @param maxItems How many items it may run in all.
   */
  constructor(
    tally: HostTally,
    room: number | "auto",
    now?: () => number,
    place?: WorkerPlace,
    maxItems = Infinity,
  ) {
    const prefetch = room === "auto" ? room : room - 1;
    // In real time, a slow machine would make it seem far away.
    const options: WindowOptions = now ? { now } : { isLocal: true };
    const [left, right] = MemoryConnection.pair();
    this.handle = new WorkerHandle(
      {
        process: new WorkerProcess(
          `${tally.name} worker`,
          Promise.resolve({ exitStatus: "signal SIGKILL", stderrTail: "" }),
          () => this.#die(),
        ),
        tally,
        ...(place === undefined ? {} : { place }),
        modules: undefined,
        concurrency: 1,
        cancelGrace: CANCEL_GRACE,
      },
      new Channel(left),
      maxItems === Infinity
        ? new PrefetchWindow(prefetch, 1, options)
        : new LimitedWindow(prefetch, 1, maxItems, options),
    );
    this.#connection = right;
    this.#channel = new Channel(right);
    this.gone = this.#channel.receive((message) =>
      this.#take(message as Calls | Chunk | SettledChunk | Recall | Assign)
    );
  }

  /** What the unanswered calls, and those that follow, may use. */
  get grants(): Grant[] {
    return [...this.#grants.values()];
  }

  /** The arguments of the unanswered calls. */
  get labels(): unknown[] {
    return this.#calls.map(([, label]) => label);
  }

  /** Answers the first call, and returns its argument. */
  async answer(microseconds = 1): Promise<unknown> {
    const [id, label] = this.#calls.shift()!;
    this.#grants.delete(id);
    await this.#send([MessageType.RESULTS, id, microseconds, [label]]);
    return label;
  }

  /** Answers calls until it has none, and returns their arguments. */
  async answerAll(): Promise<unknown[]> {
    const labels: unknown[] = [];
    while (this.#calls.length > 0) labels.push(await this.answer());
    return labels;
  }

  /** Answers the first call, a chunk, with its items or the first of them. */
  async answerChunk(microseconds = 1, count = Infinity): Promise<void> {
    const [id, items] = this.#calls.shift()!;
    const values = (items as unknown[]).slice(0, count);
    await this.#send([MessageType.CHUNK_RESULTS, id, microseconds, values]);
  }

  /** Fails the first call, after some of its items. */
  async fail(before: unknown[] = [], microseconds = 1): Promise<void> {
    const [id] = this.#calls.shift()!;
    const thrown = new TypeError("failed");
    await this.#send([MessageType.FAILURE, id, microseconds, thrown, before]);
  }

  /** Reports that an item of the first call, a chunk, has failed. */
  async failItem(index: number): Promise<void> {
    const [id] = this.#calls[0]!;
    const thrown = new TypeError("failed");
    await this.#send([MessageType.ITEM_FAILURE, id, index, thrown]);
  }

  /** Reports that the first call begins. */
  async begin(): Promise<void> {
    const [id] = this.#calls[0]!;
    await this.#send([MessageType.BEGUN, id]);
  }

  /** Sends the beginning of a large result. */
  async beginLarge(byteLength: number): Promise<void> {
    const part = new Uint8Array(FIRST_HEADER_BYTES + 1);
    const view = new DataView(part.buffer);
    view.setUint32(0, PART_FLAG | 1);
    view.setUint32(8, byteLength);
    await this.#connection.write(part);
    await settled();
  }

  /** How often the pool has recalled calls. */
  get recalls(): number {
    return this.#recalls;
  }

  /** The ids of the unanswered calls. */
  get ids(): number[] {
    return this.#calls.map(([id]) => id);
  }

  /** Waits until the pool recalls calls, unless it has done so. */
  async recalled(): Promise<void> {
    await realDeadline(this.#recalled.promise, TIMEOUT);
    await settled();
  }

  /** Gives back the last unanswered calls. */
  async giveBack(count: number): Promise<void> {
    this.#recalled = Promise.withResolvers();
    const given = this.#calls.splice(this.#calls.length - count);
    await this.recall(...given.reverse().flatMap(([id]) => [id, 1, 0]));
  }

  /** Sends a message that gives back these runs, which may be a lie. */
  async recall(...runs: number[]): Promise<void> {
    await this.#send([MessageType.RECALLED, runs]);
  }

  /** Cuts the first call, a chunk. */
  async cut(kept: number): Promise<void> {
    this.#recalled = Promise.withResolvers();
    const [id, items] = this.#calls[0]!;
    this.#calls[0] = [id, (items as unknown[]).slice(0, kept)];
    await this.recall(id, 1, kept);
  }

  /** Ends the connection. */
  async hangUp(): Promise<void> {
    this.#channel.close();
    await settled();
  }

  async #die(): Promise<void> {
    for (; this.lastAnswers > 0; this.lastAnswers--) await this.answer();
    this.#channel.close();
  }

  async #send(message: unknown[]): Promise<void> {
    this.#channel.writer.message(message);
    await this.#channel.drained();
    await settled();
  }

  #take(message: Calls | Chunk | SettledChunk | Recall | Assign): void {
    if (message[0] === MessageType.CALLS) {
      const [, , firstId, , argumentLists] = message;
      argumentLists.forEach(([label], index) =>
        this.#calls.push([firstId + index, label])
      );
    } else if (
      message[0] === MessageType.CHUNK ||
      message[0] === MessageType.SETTLED_CHUNK
    ) {
      const [, , id, , items] = message;
      this.#calls.push([id, items]);
    } else if (message[0] === MessageType.RESOURCES) {
      const [, id, grant] = message;
      if (Object.keys(grant).length > 0) this.#grants.set(id, grant);
      else this.#grants.delete(id);
    } else if (message[0] === MessageType.RECALL) {
      this.#recalls++;
      this.#recalled.resolve();
    }
  }
}

/** A scheduler with workers at hosts, which end with the scope. */
export class HostBench implements AsyncDisposable {
  /** The scheduler under test. */
  readonly scheduler: Scheduler;
  /** The scheduler's; the window of each worker has one of its own. */
  readonly pace = new SharedPace();
  /** The tallies of the hosts. */
  readonly tallies = new Map<string, HostTally>();
  readonly #keepAlive = new KeepAlive();
  readonly #workers: FakeWorker[] = [];
  readonly #now: (() => number) | undefined;

  /**
   * Constructs a scheduler without workers.
   *
   * @param now Returns the time for windows that are added, in milliseconds.
   * @param maxQueue How many calls may wait.
   */
  constructor(now?: () => number, maxQueue?: number) {
    this.#now = now;
    this.scheduler = new Scheduler(
      this.#keepAlive,
      {
        lost: () => {},
        expects: () => this.scheduler.workers === 0,
        hostError: () => undefined,
      },
      this.pace,
      maxQueue,
    );
  }

  /** A bench with a worker at each of these hosts, with a window of one call. */
  static async with(...hosts: string[]): Promise<HostBench> {
    const bench = new HostBench();
    for (const host of hosts) await bench.add(host);
    return bench;
  }

  /** Adds a worker. */
  async add(
    host: string,
    room: number | "auto" = 1,
    place?: WorkerPlace,
    maxItems?: number,
  ): Promise<FakeWorker> {
    const tally = this.tallies.get(host) ?? new HostTally(host);
    this.tallies.set(host, tally);
    const worker = new FakeWorker(
      tally,
      room,
      this.#now,
      place,
      maxItems,
    );
    this.#workers.push(worker);
    await this.scheduler.connect(worker.handle, undefined);
    this.scheduler.add([worker.handle]);
    await settled();
    return worker;
  }

  /** A worker, by the order in which they were added. */
  worker(index: number): FakeWorker {
    return this.#workers[index]!;
  }

  /** The unanswered arguments of each worker. */
  get labels(): unknown[][] {
    return this.#workers.map(({ labels }) => labels);
  }

  /** Submits calls for one host or any. */
  async submit(
    host: string | undefined,
    ...labels: unknown[]
  ): Promise<PromisedCall<unknown>[]> {
    const calls = labels.map((label) => call(label, host));
    for (const call of calls) this.scheduler.submit(call);
    await settled();
    return calls;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const worker of this.#workers) await worker.hangUp();
    this.#keepAlive.close();
  }
}
