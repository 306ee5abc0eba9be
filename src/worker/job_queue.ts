import { Queue } from "../util/queue.ts";
import { callId, type Job } from "./job.ts";

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
