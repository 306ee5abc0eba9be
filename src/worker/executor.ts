import { setImmediate } from "node:timers";
import { Queue } from "../util/queue.ts";
import {
  type Calls,
  type Chunk,
  MessageType,
} from "../protocol/worker_messages.ts";
import { fromPool } from "../protocol/received.ts";
import type { ResultWriter } from "./result_writer.ts";
import { DOMException, now, restorePrimordials } from "./primordials.ts";
import { runTask, TaskContext } from "./task_context.ts";
import { type LoadedTask, TaskTable } from "./task_table.ts";
import { prepareThrown } from "./thrown.ts";

/** How long tasks run before results leave and messages are read, in ms. */
const SLICE_MILLISECONDS = 1;

/** Items of a chunk that run before the clock is looked at again. */
const ITEMS_PER_LOOK = 16;

/** A message's worth of work, of which the items before `next` have begun. */
interface Job {
  readonly task: LoadedTask;
  /** The id of the first item, or of the whole chunk. */
  readonly id: number;
  readonly items: readonly unknown[];
  /** Whether an item is a list of arguments. */
  readonly spread: boolean;
  next: number;
  /** Set if the items' values leave together. */
  readonly chunk: ChunkProgress | undefined;
}

interface ChunkProgress {
  readonly values: unknown[];
  unsettled: number;
  /** The first item that has failed, if one has, and what it threw. */
  failedAt: number;
  thrown: unknown;
}

/**
 * Runs the calls that arrive, in their order: sync tasks one after the other,
 * async ones at the same time up to the pool's `concurrency`.
 */
export class Executor {
  readonly #results: ResultWriter;
  readonly #concurrency: number;
  readonly #tasks = new TaskTable();
  readonly #jobs = new Queue<Job>();
  /** Async tasks that have begun and not ended. */
  #active = 0;
  /** Their contexts, by the id of their call. */
  readonly #contexts = new Map<number, Set<TaskContext>>();
  /**
   * Calls that were cancelled and answered before they began, and the chunk
   * that was cancelled with items that haven't begun.
   */
  readonly #cancelled = new Set<number>();
  /** Whether {@linkcode Executor.#run} will be called anyway. */
  #due = false;
  readonly #loading = new Set<LoadedTask>();
  #sliceEnd = 0;
  #looks = 0;

  /** Constructs an executor that hands on results to be sent. */
  constructor(results: ResultWriter, concurrency: number) {
    this.#results = results;
    this.#concurrency = concurrency;
  }

  /**
   * Takes a message of the pool.
   *
   * @throws {RangeError} If it is none that a pool sends.
   */
  receive(received: unknown[]): void {
    const message = fromPool(received);
    switch (message[0]) {
      case MessageType.CALLS:
        return this.#addCalls(message);
      case MessageType.CHUNK:
        return this.#addChunk(message);
      case MessageType.DEFINE:
        return this.#tasks.define(message[1], message[2]);
      case MessageType.MODULE: {
        const [, url, hash, code] = message;
        return this.#tasks.modules.provide(url, hash, code);
      }
      case MessageType.CANCEL:
        return this.#cancel(message[1]);
      case MessageType.FORGET:
        for (const task of message[1]) this.#tasks.forget(task);
        return;
    }
  }

  #addCalls([, task, id, argumentLists]: Calls): void {
    this.#add(task, id, true, argumentLists);
  }

  #addChunk([, task, id, spread, items]: Chunk): void {
    this.#add(task, id, spread, items, {
      values: new Array(items.length),
      unsettled: items.length,
      failedAt: Infinity,
      thrown: undefined,
    });
  }

  /** Queues a job, and runs after all messages that this turn brings. */
  #add(
    task: number,
    id: number,
    spread: boolean,
    items: readonly unknown[],
    chunk?: ChunkProgress,
  ): void {
    const job = { task: this.#tasks.get(task), id, spread, items, chunk };
    this.#jobs.push({ ...job, next: 0 });
    this.#schedule();
  }

  /** Runs at the end of this turn, after all that it brings. */
  #schedule(): void {
    if (!this.#due) this.#runAfter(Promise.resolve());
  }

  async #runAfter(promise: Promise<void>): Promise<void> {
    this.#due = true;
    await promise;
    this.#due = false;
    this.#attempt(() => this.#run());
  }

  /** Does what can only fail if a task has spoilt this worker. */
  #attempt(work: () => void): void {
    try {
      restorePrimordials();
      work();
    } catch (error) {
      this.#results.abort(error);
    }
  }

  #run(): void {
    const begin = now();
    this.#results.busy(begin);
    this.#sliceEnd = begin + SLICE_MILLISECONDS;
    while (this.#step());
    this.#results.flush();
    if (this.#active === 0 && this.#jobs.length === 0) this.#results.idle();
  }

  /** Begins what is next, and says whether to go on in this turn. */
  #step(): boolean {
    const job = this.#jobs.peek();
    if (job === undefined || this.#active >= this.#concurrency) return false;
    if (job.next === 0 && this.#isCancelled(job)) {
      this.#jobs.shift();
      return true;
    }
    if (!this.#isLoaded(job.task)) return false;
    if (job.next === 0 && this.#results.hasUnsent) return this.#sendFirst();
    if (job.chunk === undefined) this.#begin(job, job.next++);
    else this.#beginItems(job, job.chunk);
    restorePrimordials();
    if (job.next === job.items.length) this.#jobs.shift();
    if (this.#results.isFull) {
      this.#runAfter(this.#results.drained());
      return false;
    }
    if (now() < this.#sliceEnd) return true;
    // Not sooner than what the event loop has to do by now.
    this.#runAfter(new Promise((resolve) => setImmediate(resolve)));
    return false;
  }

  /**
   * Lets results leave before another message's work begins, so that, should
   * this worker be lost, the pool knows what can't have begun.
   */
  #sendFirst(): false {
    this.#runAfter(this.#results.drained());
    return false;
  }

  /** Whether a task is ready; if not, it is loaded, and runs after that. */
  #isLoaded(task: LoadedTask): boolean {
    if (task.run !== undefined) return true;
    if (this.#loading.has(task)) return false;
    const loading = task.load();
    if (loading === undefined) return true;
    this.#loading.add(task);
    loading.then(() => {
      this.#loading.delete(task);
      this.#schedule();
    });
    return false;
  }

  /** Begins items of a chunk until the time slice is over. */
  #beginItems(job: Job, chunk: ChunkProgress): void {
    const { length } = job.items;
    while (job.next < length && this.#active < this.#concurrency) {
      if (chunk.failedAt !== Infinity) return this.#skipRest(job, chunk);
      this.#begin(job, job.next++);
      if (
        ++this.#looks % ITEMS_PER_LOOK === 0 &&
        now() >= this.#sliceEnd
      ) return;
    }
  }

  #begin(job: Job, index: number): void {
    const id = job.chunk === undefined ? job.id + index : job.id;
    if (this.#cancelled.size > 0 && this.#cancelled.delete(id)) {
      if (job.chunk !== undefined) this.#threw(job, index, cancelled());
      return;
    }
    const run = job.task.run!;
    const item = job.items[index];
    const context = new TaskContext();
    let value: unknown;
    let later: boolean;
    try {
      value = runTask(run, context, job.spread ? item as unknown[] : [item]);
      later = isPromiseLike(value);
    } catch (error) {
      restorePrimordials();
      return this.#threw(job, index, error);
    }
    if (!later) return this.#returned(job, index, value);
    restorePrimordials();
    this.#active++;
    this.#addContext(id, context);
    this.#finish(job, index, value, () => {
      this.#active--;
      this.#removeContext(id, context);
    });
  }

  /** Awaits what a task returned: whatever its then() does, it ends once. */
  async #finish(
    job: Job,
    index: number,
    value: unknown,
    end: () => void,
  ): Promise<void> {
    let work: () => void;
    try {
      const result = await value;
      work = () => this.#returned(job, index, result);
    } catch (error) {
      work = () => this.#threw(job, index, error);
    }
    this.#attempt(() => {
      end();
      work();
      this.#schedule();
    });
  }

  /**
   * Tells what is under way that no one waits for it. What hasn't begun is
   * answered at once: the pool would take it for what keeps the worker busy.
   */
  #cancel(id: number): void {
    for (const context of this.#contexts.get(id) ?? []) context.abort();
    const job = this.#jobs.peek();
    const hasBegun = job?.id === id && job.chunk !== undefined && job.next > 0;
    if (this.#cancelled.has(id) || !hasBegun && !this.#waits(id)) return;
    this.#cancelled.add(id);
    if (hasBegun) return;
    this.#results.busy(now());
    this.#results.thrown(id, cancelled());
    this.#results.flush();
    // It may have been what the others waited for, as its task is loading.
    this.#schedule();
  }

  /** Whether a call is queued that hasn't begun. */
  #waits(id: number): boolean {
    return this.#jobs.some(({ id: first, items, next, chunk }) => {
      if (chunk !== undefined) return first === id && next === 0;
      // Ids count up, and begin anew at 2 ** 32.
      const index = (id - first) >>> 0;
      return index >= next && index < items.length;
    });
  }

  /** Whether all of a job that is to begin was cancelled, which is forgotten. */
  #isCancelled({ id, items, chunk }: Job): boolean {
    if (this.#cancelled.size === 0) return false;
    const length = chunk === undefined ? items.length : 1;
    for (let index = 0; index < length; index++) {
      if (!this.#cancelled.has(id + index)) return false;
    }
    for (let index = 0; index < length; index++) {
      this.#cancelled.delete(id + index);
    }
    return true;
  }

  #addContext(id: number, context: TaskContext): void {
    const contexts = this.#contexts.get(id);
    if (contexts === undefined) this.#contexts.set(id, new Set([context]));
    else contexts.add(context);
  }

  #removeContext(id: number, context: TaskContext): void {
    const contexts = this.#contexts.get(id)!;
    contexts.delete(context);
    if (contexts.size === 0) this.#contexts.delete(id);
  }

  #returned(job: Job, index: number, value: unknown): void {
    const { chunk } = job;
    if (chunk !== undefined) {
      chunk.values[index] = value;
      return this.#settleItems(job, chunk, 1);
    }
    restorePrimordials();
    this.#results.value(job.id + index, value);
  }

  #threw(job: Job, index: number, error: unknown): void {
    const { chunk } = job;
    const thrown = prepareThrown(error, job.task);
    if (chunk === undefined) {
      return this.#results.thrown(job.id + index, thrown);
    }
    if (index < chunk.failedAt) {
      chunk.failedAt = index;
      chunk.thrown = thrown;
    }
    this.#settleItems(job, chunk, 1);
  }

  /** Doesn't begin a chunk's further items, which would be in vain. */
  #skipRest(job: Job, chunk: ChunkProgress): void {
    const left = job.items.length - job.next;
    job.next = job.items.length;
    this.#cancelled.delete(job.id);
    this.#settleItems(job, chunk, left);
  }

  #settleItems(job: Job, chunk: ChunkProgress, count: number): void {
    chunk.unsettled -= count;
    if (chunk.unsettled > 0) return;
    restorePrimordials();
    if (chunk.failedAt === Infinity) this.#results.chunk(job.id, chunk.values);
    else {
      const before = chunk.values.slice(0, chunk.failedAt);
      this.#results.thrown(job.id, chunk.thrown, before);
    }
  }
}

function cancelled(): DOMException {
  return new DOMException("The task was cancelled", "AbortError");
}

function isPromiseLike(value: unknown): value is PromiseLike<unknown> {
  return typeof value === "object" && value !== null &&
    typeof (value as PromiseLike<unknown>).then === "function";
}
