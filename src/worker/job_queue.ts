import { Queue } from "../util/queue.ts";
import { callId, type Job } from "./job.ts";

/** Calls that are given back: a run of whole calls, or the end of a chunk. */
export interface GivenBack {
  /** The id of the first call. */
  readonly id: number;
  /** How many calls with consecutive ids are given back. */
  readonly calls: number;
  /** How many of its items the chunk keeps; 0 for whole calls. */
  readonly kept: number;
  /** The job of the calls. */
  readonly job: Job;
}

/** The jobs to run, in the order of their arrival. */
export class JobQueue {
  readonly #jobs = new Queue<Job>();
  /**
   * Cancelled calls that are still in the queue. All of them have been answered,
   * except chunks that have begun.
   */
  readonly #cancelled = new Set<number>();

  /** The number of jobs with items that haven't begun. */
  get length(): number {
    return this.#jobs.length;
  }

  /** Appends a job. */
  push(job: Job): void {
    this.#jobs.push(job);
  }

  /** Returns the first job, or `undefined` if there is none. */
  peek(): Job | undefined {
    return this.#jobs.peek();
  }

  /** Removes the first job. */
  shift(): void {
    this.#jobs.shift();
  }

  /** Removes all jobs. */
  clear(): void {
    this.#jobs.drain();
    this.#cancelled.clear();
  }

  /** Removes a job that has begun, if it is still in the queue. */
  detach(job: Job): void {
    // Only the first job can have begun.
    if (this.#jobs.peek() === job) this.#jobs.shift();
  }

  /**
   * Cancels a call if it is in the queue.
   *
   * @returns Whether to answer the call now, because none of it has begun.
   */
  cancel(id: number): boolean {
    if (this.#cancelled.has(id)) return false;
    const first = this.#jobs.peek();
    const hasBegun = first?.id === id && first.chunk !== undefined &&
      first.next > 0;
    if (!hasBegun && !this.#waits(id)) return false;
    this.#cancelled.add(id);
    return !hasBegun;
  }

  /** Whether cancelled calls are in the queue. */
  get hasCancelled(): boolean {
    return this.#cancelled.size > 0;
  }

  /** Returns whether a call was cancelled, and forgets that it was. */
  takeCancelled(id: number): boolean {
    return this.#cancelled.size > 0 && this.#cancelled.delete(id);
  }

  /** Does the same for a job that hasn't begun, if all its calls were cancelled. */
  takeCancelledJob(job: Job): boolean {
    if (this.#cancelled.size === 0) return false;
    const length = job.chunk === undefined ? job.items.length : 1;
    for (let index = 0; index < length; index++) {
      if (!this.#cancelled.has(callId(job, index))) return false;
    }
    for (let index = 0; index < length; index++) {
      this.#cancelled.delete(callId(job, index));
    }
    return true;
  }

  /**
   * Removes items that haven't begun, from the last one on.
   *
   * @param parts One part in this many stays; 0: nothing stays.
   * @param keep How many items stay at least.
   * @param mayCut Whether a chunk that has begun may be cut.
   */
  giveBack(parts: number, keep: number, mayCut: boolean): GivenBack[] {
    const unbegun = this.#jobs.toArray()
      .reduce((sum, job) => sum + this.#countUnbegun(job, mayCut), 0);
    const share = parts === 0 ? 0 : Math.floor(unbegun / parts);
    let left = unbegun - Math.max(share, keep);
    const given: GivenBack[] = [];
    while (left > 0) {
      const job = this.#jobs.peekLast();
      if (job === undefined) break;
      const count = Math.min(left, this.#countUnbegun(job, mayCut));
      const isStuck = count === 0 && job.chunk !== undefined && job.next > 0;
      if (isStuck) break;
      left -= count;
      if (job.chunk === undefined) given.push(...this.#takeCalls(job, count));
      else if (count > 0) given.push(this.#cut(job, count));
      // Cancelled calls that are left were answered.
      if (left > 0) this.#forgetCancelled(job);
      if (left > 0 || job.next === job.items.length) this.#jobs.pop();
    }
    return given;
  }

  /** Returns how many items of a job could be given back. */
  #countUnbegun(job: Job, mayCut: boolean): number {
    const { items, next, chunk } = job;
    if (chunk !== undefined) {
      const isKept = this.#cancelled.has(job.id) || chunk.failed ||
        chunk.isLarge || next > 0 && !mayCut;
      return isKept ? 0 : items.length - next;
    }
    if (this.#cancelled.size === 0) return items.length - next;
    let count = 0;
    for (let index = next; index < items.length; index++) {
      if (!this.#cancelled.has(callId(job, index))) count++;
    }
    return count;
  }

  /** Takes calls from the end of a job. */
  #takeCalls(job: Job, count: number): GivenBack[] {
    const given: GivenBack[] = [];
    let calls = 0;
    for (let left = count; left > 0;) {
      const id = callId(job, job.items.length - 1);
      job.items.pop();
      const isCancelled = this.takeCancelled(id);
      if (!isCancelled) {
        calls++;
        left--;
      }
      const isRunOver = calls > 0 && (isCancelled || left === 0);
      if (!isRunOver) continue;
      given.push({ id: isCancelled ? id + 1 : id, calls, kept: 0, job });
      calls = 0;
    }
    return given;
  }

  /** Takes items from the end of a chunk. */
  #cut(job: Job, count: number): GivenBack {
    job.items.length -= count;
    const kept = job.items.length;
    return { id: job.id, calls: 1, kept, job };
  }

  #forgetCancelled(job: Job): void {
    if (this.#cancelled.size === 0) return;
    for (let index = job.next; index < job.items.length; index++) {
      this.#cancelled.delete(callId(job, index));
    }
  }

  /** Whether a call is in the queue and hasn't begun. */
  #waits(id: number): boolean {
    return this.#jobs.some(({ id: first, items, next, chunk }) => {
      if (chunk !== undefined) return first === id && next === 0;
      // Ids count up, and start again at 0 after 2 ** 32 - 1.
      const index = (id - first) >>> 0;
      return index >= next && index < items.length;
    });
  }
}
