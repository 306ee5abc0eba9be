import {
  type Calls,
  type Chunk,
  MessageType,
  type Open,
  type Recall,
  ResultMode,
  type SettledChunk,
} from "../protocol/worker_messages.ts";
import { fromPool } from "../protocol/check_messages.ts";
import { malformed } from "../codec/texts.ts";
import { type AnnouncedCalls, CallPrefaces } from "./call_prefaces.ts";
import { CallStreams } from "./call_streams.ts";
import type { ExecutorEvents } from "./executor_events.ts";
import type { ResultWriter } from "./result_writer.ts";
import type { MaxMemory } from "./max_memory.ts";
import { ChunkProgress, type Job } from "./job.ts";
import { JobOutcomes } from "./job_outcomes.ts";
import { JobQueue } from "./job_queue.ts";
import { JobRunner } from "./job_runner.ts";
import {
  cancelled,
  now,
  queueMicrotask,
  restorePrimordials,
} from "./primordials.ts";
import { RunningTasks } from "./running_tasks.ts";
import { StreamingCalls } from "./streaming_calls.ts";
import { type LoadedTask, TaskTable } from "./task_table.ts";
import { TimeSlice } from "./time_slice.ts";
import { readAllMessages, yieldToEvents } from "../util/timers.ts";

/** A longer slice delays messages, so all of them are read after it. */
const LONG_SLICE_MILLISECONDS = 10;

/** The worker's memory, as far as an executor needs it. */
type Memory = Pick<MaxMemory, "excess">;

/**
 * Runs calls in the order of their arrival: sync tasks one after the other, and
 * async tasks at the same time, up to the pool's `concurrency`.
 */
export class Executor {
  readonly #results: ResultWriter;
  readonly #concurrency: number;
  /** Whether the thread and its environment belong to the program. */
  readonly #isInline: boolean;
  readonly #memory: Memory | undefined;
  /** How many tasks run at a time: none while calls should be given back. */
  #most: number;
  /** Whether the pool was told that the worker uses too much memory. */
  #isFull = false;
  readonly #tasks = new TaskTable();
  readonly #jobs = new JobQueue();
  readonly #prefaces = new CallPrefaces();
  readonly #running = new RunningTasks();
  readonly #loading = new Set<LoadedTask>();
  readonly #streams: CallStreams;
  readonly #outcomes: JobOutcomes;
  readonly #runner: JobRunner;
  /** Whether a call of {@linkcode Executor.#run} is scheduled. */
  #due = false;
  readonly #slice = new TimeSlice();

  /**
   * Constructs an executor that passes results to a writer.
   *
   * @param isInline Whether it runs tasks in the thread of the program.
   * @param memory The limit of the worker's memory, if there is one.
   */
  constructor(
    results: ResultWriter,
    concurrency: number,
    isInline = false,
    memory?: Memory,
  ) {
    this.#results = results;
    this.#concurrency = concurrency;
    this.#most = concurrency;
    this.#isInline = isInline;
    this.#memory = memory;
    const streams = new CallStreams(results, {
      paused: () => {
        this.#running.pause();
        this.#schedule();
      },
      resumed: () => {
        this.#running.resume();
        results.busy(now());
      },
    });
    const events: ExecutorEvents = {
      schedule: () => this.#schedule(),
      attempt: (work) => this.#attempt(work),
    };
    const jobs = this.#jobs;
    const running = this.#running;
    const streaming = new StreamingCalls(results, streams, running, events);
    const outcomes = new JobOutcomes(results, streams, streaming, jobs);
    this.#streams = streams;
    this.#outcomes = outcomes;
    this.#runner = new JobRunner({ streams, jobs, running, outcomes, events });
  }

  /** Whether no call has begun or waits, except those that are paused. */
  get isIdle(): boolean {
    return this.#running.count === 0 && this.#jobs.length === 0;
  }

  /**
   * Handles a message of the pool.
   *
   * @param byteLength The size of its frame, in bytes.
   * @throws {RangeError} If the message is malformed.
   */
  receive(received: unknown[], byteLength: number): void {
    const message = fromPool(received);
    switch (message[0]) {
      case MessageType.CALLS:
        return this.#addCalls(message);
      case MessageType.CHUNK:
      case MessageType.SETTLED_CHUNK:
        return this.#addChunk(message);
      case MessageType.DEFINE:
        return this.#tasks.define(message[1], message[2]);
      case MessageType.MODULE: {
        const [, url, hash, code] = message;
        return this.#tasks.modules.provide(url, hash, code);
      }
      case MessageType.CANCEL:
        return this.#cancel(message[1]);
      case MessageType.RECALL:
        return this.#recall(message);
      case MessageType.RESOURCES:
        return this.#streams.assigned.assign(message[1], message[2]);
      case MessageType.NUMBERED:
        return this.#prefaces.number(message);
      case MessageType.WATCH:
        return this.#prefaces.watch(message);
      case MessageType.FORGET:
        for (const task of message[1]) this.#tasks.forget(task);
        return;
      case MessageType.OPEN:
        return this.#open(message);
      case MessageType.VALUES:
        return this.#streams.receive(message, byteLength);
      case MessageType.CREDIT:
        return this.#streams.grant(message);
      case MessageType.CLOSE:
        return this.#streams.close(message);
    }
  }

  /** Begins nothing more, and aborts the tasks that run. */
  stop(): void {
    this.#jobs.clear();
    this.#running.abortAll();
    this.#streams.abortAll();
  }

  #addCalls([, number, id, mode, items]: Calls): void {
    this.#jobs.push({
      task: this.#tasks.get(number),
      id,
      items,
      spread: true,
      mode,
      next: 0,
      chunk: undefined,
      announced: this.#prefaces.take(id),
    });
    this.#schedule();
  }

  /** Adds a call with streams as arguments. */
  #open([type, number, id, mode, args, indexes]: Open): void {
    if (indexes.some((index) => index >= args.length)) {
      throw malformed(`a message of type ${type} has no such argument`);
    }
    const streams = this.#streams.openInputs(id, indexes.length);
    for (const [at, index] of indexes.entries()) args[index] = streams[at];
    this.#addCalls([MessageType.CALLS, number, id, mode, [args]]);
  }

  #addChunk([type, number, id, spread, items]: Chunk | SettledChunk): void {
    const task = this.#tasks.get(number);
    const settles = type === MessageType.SETTLED_CHUNK;
    const chunk = new ChunkProgress(items.length, settles);
    const mode = settles ? ResultMode.VALUE : ResultMode.FLATTEN;
    this.#jobs.push({
      task,
      id,
      items,
      spread,
      mode,
      next: 0,
      chunk,
      announced: this.#prefaces.take(id),
    });
    this.#schedule();
  }

  /** Runs jobs at the end of this turn, after all messages of this turn. */
  #schedule(): void {
    if (this.#due) return;
    this.#due = true;
    queueMicrotask(this.#runNow);
  }

  async #runAfter(promise: Promise<void>): Promise<void> {
    this.#due = true;
    await promise;
    this.#runNow();
  }

  // Arrow functions in fields, so a turn doesn't create closures.
  readonly #runNow = () => {
    this.#due = false;
    this.#attempt(this.#runJobs);
  };

  readonly #runJobs = () => this.#run();

  /** Does work that fails only if a task has broken this worker. */
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
    this.#slice.begin(begin);
    if (this.#memory !== undefined) this.#checkMemory(begin, this.#memory);
    while (this.#step());
    this.#results.flush();
    if (this.isIdle) this.#results.idle();
  }

  /** Begins the next call or items; returns whether to go on in this turn. */
  #step(): boolean {
    const job = this.#jobs.peek();
    if (job === undefined || this.#isAtLimit) return false;
    if (job.next === 0 && this.#jobs.takeCancelledJob(job)) {
      this.#jobs.shift();
      return true;
    }
    // A module may look at its GPUs when it is loaded.
    if (job.next === 0 && this.#concurrency === 1 && !this.#isInline) {
      this.#streams.assigned.expose(job.id);
    }
    if (!this.#isLoaded(job.task)) return false;
    if (job.announced?.isWatched) this.#report(job.id, job.announced);
    // If this worker is lost, the pool must know which job hasn't begun.
    if (job.next === 0 && this.#results.hasUnsent) return this.#drain();
    if (job.chunk === undefined) this.#runner.begin(job, job.next++);
    else this.#beginItems(job, job.chunk);
    if (job.next === job.items.length) this.#jobs.detach(job);
    if (this.#results.isFull) return this.#drain();
    const late = this.#slice.late();
    if (late < 0) return true;
    // The event loop first handles its other events. Reading all messages takes
    // time, but the pool may need calls back that wait behind long ones.
    const isLong = late > LONG_SLICE_MILLISECONDS && this.#jobs.length > 0;
    this.#runAfter(isLong ? readAllMessages() : yieldToEvents());
    return false;
  }

  /** Reports that a watched call is about to begin. */
  #report(id: number, announced: AnnouncedCalls): void {
    announced.isWatched = false;
    this.#results.begun(id);
  }

  get #isAtLimit(): boolean {
    return this.#running.count >= this.#most;
  }

  /**
   * Looks between two tasks whether the worker uses too much memory. If so, it
   * begins nothing until the pool has taken back what it can.
   */
  #checkMemory(time: number, memory: Memory): void {
    const isBetween = this.#running.count < this.#concurrency;
    if (this.#isFull || !isBetween) return;
    const bytes = memory.excess(time);
    if (bytes === 0) return;
    this.#isFull = true;
    this.#most = 0;
    const job = this.#jobs.peek();
    // The pool sends the rest of a chunk again.
    if (job?.chunk !== undefined && job.next > 0 && !job.chunk.isStreaming) {
      this.#outcomes.skipRest(job, job.chunk);
      this.#jobs.detach(job);
    }
    this.#results.full(bytes);
  }

  /** Sends results before the next work begins. */
  #drain(): false {
    this.#runAfter(this.#results.drained());
    return false;
  }

  /** Whether a task is loaded; if not, loads it, then runs its calls. */
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
    while (job.next < length && !this.#isAtLimit && !chunk.isStreaming) {
      if (chunk.failed || chunk.isLarge) {
        return this.#outcomes.skipRest(job, chunk);
      }
      const first = job.next;
      const isSingle = job.spread || job.task.seesThis ||
        job.announced !== undefined || this.#jobs.hasCancelled;
      if (isSingle) this.#runner.begin(job, job.next++);
      else this.#runner.runItems(job, chunk, this.#slice.itemsLeft);
      if (this.#slice.isOverAfter(job.next - first)) break;
    }
    restorePrimordials();
  }

  /**
   * Aborts the running tasks of a call. A call that hasn't begun is answered at
   * once, as the pool would otherwise believe that it keeps the worker busy.
   */
  #cancel(id: number): void {
    this.#running.abort(id);
    this.#streams.abort(id);
    if (!this.#jobs.cancel(id)) return;
    this.#results.busy(now());
    this.#results.thrown(id, cancelled());
    this.#streams.end(id);
    this.#results.flush();
    // If its task is still loading, other calls may have waited behind it.
    this.#schedule();
  }

  /** Gives back calls that haven't begun, for other workers. */
  #recall([, parts, keep, mayCut]: Recall): void {
    this.#most = this.#concurrency;
    const given = this.#jobs.giveBack(parts, keep, mayCut);
    this.#results.recalled(
      given.flatMap(({ id, calls, kept }) => [id, calls, kept]),
    );
    for (const { id, calls, kept, job } of given) {
      const { chunk } = job;
      if (kept === 0) {
        for (let call = id; call < id + calls; call++) this.#streams.end(call);
      } else if (chunk?.skip(chunk.length - kept)) {
        this.#outcomes.sendChunk(job, chunk);
      }
    }
    this.#schedule();
  }
}
