import {
  type Grant,
  MessageType,
  type PoolMessage,
} from "../../src/protocol/worker_messages.ts";
import { LimitedWindow } from "../../src/scheduling/limited_window.ts";
import { PrefetchWindow } from "../../src/scheduling/prefetch_window.ts";
import type { LostWorker } from "../../src/scheduling/worker_events.ts";
import { WorkerHandle } from "../../src/scheduling/worker_handle.ts";
import { WorkerProcess } from "../../src/spawner/worker_process.ts";
import { Channel } from "../../src/transport/channel.ts";
import { CANCEL_GRACE } from "../helpers/fake_worker.ts";
import { MemoryConnection } from "../helpers/memory_connection.ts";
import type { Ledger } from "./ledger.ts";
import type { Machine } from "./machine.ts";
import type { Work } from "./work.ts";

/** A call or a chunk that a worker has. */
interface Received {
  readonly id: number;
  /** Its items, or only itself. */
  work: Work[];
  /** Whether an item that throws ends it; `undefined` if it is no chunk. */
  readonly chunk: "whole" | "settled" | undefined;
}

/** How a worker of a trial is. */
export interface TrialWorkerOptions {
  /** How many calls it may have. */
  readonly room: number;
  /** How many items it may run in all. */
  readonly maxItems: number;
}

/** How many messages workers may get until they and the scheduler rest. */
const MOST_MESSAGES = 5_000;

/** How long a call keeps a worker busy, in microseconds. */
const BUSY = 1_000;

/** A worker that runs calls one after the other, each until it is answered. */
export class TrialWorker {
  /** The worker as the scheduler sees it. */
  readonly handle: WorkerHandle;
  /** Whether it has ended. */
  isGone = false;
  /** Whether its scheduler was asked to drain it. */
  isLeaving = false;
  /** Called when it has got work. */
  onArrival: ((work: readonly Work[]) => void) | undefined;
  /** Where it runs. */
  readonly machine: Machine;
  readonly #ledger: Ledger;
  readonly #channel: Channel;
  readonly #maxItems: number;
  /** The first one runs. */
  readonly #received: Received[] = [];
  readonly #grants = new Map<number, Grant>();
  #begun = 0;
  /** What it ran when it ended. */
  #running: Work | undefined;

  /** Connects a worker, which gets calls once it is added. */
  constructor(
    machine: Machine,
    ledger: Ledger,
    { room, maxItems }: TrialWorkerOptions,
  ) {
    this.machine = machine;
    this.#ledger = ledger;
    this.#maxItems = maxItems;
    const [left, right] = MemoryConnection.pair();
    const end = Promise.resolve({ exitStatus: "code 1", stderrTail: "" });
    const name = `${machine.host} worker`;
    this.handle = new WorkerHandle(
      {
        process: new WorkerProcess(name, end, () => this.end()),
        tally: machine.tally,
        place: machine.place,
        modules: undefined,
        concurrency: 1,
        cancelGrace: CANCEL_GRACE,
      },
      new Channel(left),
      maxItems === Infinity
        ? new PrefetchWindow(room - 1, 1, { isLocal: true })
        : new LimitedWindow(room - 1, 1, maxItems, { isLocal: true }),
    );
    this.#channel = new Channel(right);
    const received = this.#channel.receive((message) =>
      this.#take(message as PoolMessage)
    );
    received.catch(() => {}).finally(() => this.end());
    machine.workers.add(this);
  }

  /** The calls that it has, or the first items of chunks, and their grants. */
  get granted(): [Work, Grant | undefined][] {
    return this.#received.map(({ id, work }) => [
      work[0]!,
      this.#grants.get(id),
    ]);
  }

  /** The calls and items that it has. */
  get work(): Work[] {
    return this.#received.flatMap(({ work }) => work);
  }

  /** Whether it may run only so many items. */
  get isLimited(): boolean {
    return this.#maxItems < Infinity;
  }

  /** Ends the worker, and the run of its first call. */
  end(): void {
    if (this.isGone) return;
    this.isGone = true;
    this.machine.workers.delete(this);
    this.#running = this.work[0];
    if (this.#running !== undefined) this.#running.running--;
    this.#channel.close();
  }

  /** Takes note of the calls that it had, as the scheduler knows it. */
  lost({ begun, unbegun }: LostWorker): void {
    for (const call of begun) {
      const work = this.#ledger.workOf(call);
      // The scheduler doesn't know how many of the items have begun.
      if (work.length > 0) work[0]!.lost++;
      for (const one of work) one.isRerun = true;
    }
    for (const call of unbegun) {
      const [first] = this.#ledger.workOf(call);
      this.#ledger.check(
        first === undefined || first !== this.#running,
        () => `${first?.label} has begun, but counts as unbegun`,
      );
    }
  }

  /** Answers the first call, if there is any: it returns or throws. */
  answer(isReturn: boolean): void {
    const call = this.#received.shift();
    if (call === undefined || this.isGone) return;
    const { id, work } = call;
    this.#grants.delete(id);
    if (call.chunk !== undefined) this.#answerChunk(call, isReturn);
    else {
      const [one] = work as [Work];
      one.end(isReturn);
      if (isReturn) this.#send([MessageType.RESULTS, id, BUSY, [one.label]]);
      else this.#send([MessageType.FAILURE, id, BUSY, thrown(), []]);
    }
    this.#begin();
  }

  /** Answers a chunk: all items return, or the one in the middle throws. */
  #answerChunk({ id, work, chunk }: Received, isReturn: boolean): void {
    const { CHUNK_RESULTS, FAILURE, ITEM_FAILURE } = MessageType;
    const failing = isReturn ? -1 : Math.floor(work.length / 2);
    const isWhole = isReturn || chunk === "settled";
    const ended = isWhole ? work : work.slice(0, failing + 1);
    ended.forEach((item, index) => {
      if (index > 0) this.#beginItem(item);
      item.end(index !== failing);
    });
    const values = ended.map(({ label }, index) =>
      index === failing ? undefined : label
    );
    if (!isWhole) {
      return this.#send([FAILURE, id, BUSY, thrown(), values.slice(0, -1)]);
    }
    if (!isReturn) this.#send([ITEM_FAILURE, id, failing, thrown()]);
    this.#send([CHUNK_RESULTS, id, BUSY, values]);
  }

  #begin(): void {
    const item = this.#received[0]?.work[0];
    if (item !== undefined) this.#beginItem(item);
  }

  #beginItem(item: Work): void {
    const fault = item.begin();
    if (fault !== undefined) {
      this.#ledger.faults.push(`${item.label} begins, but ${fault}`);
    }
    this.#begun++;
    this.#ledger.check(
      this.#begun <= this.#maxItems,
      () => `A worker of ${this.#maxItems} items begins ${item.label}`,
    );
  }

  #take(message: PoolMessage): void {
    if (this.isGone) return;
    if (++this.#ledger.messages > MOST_MESSAGES) {
      this.#ledger.faults.push("Messages go back and forth without end");
      return this.end();
    }
    switch (message[0]) {
      case MessageType.CALLS: {
        const [, , id, , argumentLists] = message;
        argumentLists.forEach(([label], index) =>
          this.#arrive(id + index, [label as string], undefined)
        );
        return;
      }
      case MessageType.CHUNK:
        return this.#arrive(message[2], message[4] as string[], "whole");
      case MessageType.SETTLED_CHUNK:
        return this.#arrive(message[2], message[4] as string[], "settled");
      case MessageType.RESOURCES:
        return void this.#grants.set(message[1], message[2]);
      case MessageType.RECALL:
        return this.#giveBack(message[1], message[2], message[3]);
      case MessageType.CANCEL:
        return this.#cancel(message[1]);
    }
  }

  #arrive(id: number, labels: string[], chunk: Received["chunk"]): void {
    const work = labels.map((label) => this.#ledger.of(label));
    const before = this.work;
    this.#received.push({ id, work, chunk });
    for (const one of work) {
      this.#ledger.arrived(one);
      this.machine.checkPlacement(one);
      const isAlone = before.length === 0 ||
        !one.isIsolated && !before.some(({ isIsolated }) => isIsolated);
      this.#ledger.check(isAlone, () => `${one.label} isn't isolated`);
    }
    this.machine.checkGrants();
    this.onArrival?.(work);
    if (this.#received.length === 1) this.#begin();
  }

  /** Gives back what it hasn't begun, but for a part or some items. */
  #giveBack(parts: number, keep: number, cut: boolean): void {
    const waiting = this.#received.length - 1;
    const share = parts === 0 ? 0 : Math.floor(waiting / parts);
    const kept = Math.max(share, keep);
    const given = waiting > kept ? this.#received.splice(1 + kept) : [];
    for (const { id } of given) this.#grants.delete(id);
    const runs = given.reverse().flatMap(({ id }) => [id, 1, 0]);
    const first = this.#received[0];
    if (cut && waiting <= 0 && first !== undefined && first.work.length > 1) {
      first.work = first.work.slice(0, 1);
      runs.push(first.id, 1, 1);
    }
    this.#send([MessageType.RECALLED, runs]);
  }

  /** Cancels a call that it hasn't begun. */
  #cancel(id: number): void {
    const index = this.#received.findIndex((call) => call.id === id);
    if (index <= 0) return;
    this.#received.splice(index, 1);
    this.#grants.delete(id);
    this.#send([MessageType.FAILURE, id, 1, new Error("cancelled"), []]);
  }

  #send(message: unknown[]): void {
    if (this.isGone) return;
    this.#channel.writer.message(message);
    this.#channel.flush();
  }
}

function thrown(): TypeError {
  return new TypeError("thrown");
}
