import { ResultMode } from "../protocol/worker_messages.ts";
import { FLATTEN_CREDIT, STREAM_CREDIT } from "../streams/credit.ts";
import type { CallStreams } from "./call_streams.ts";
import type { ExecutorEvents } from "./executor_events.ts";
import { callId, type ChunkProgress, ItemValues, type Job } from "./job.ts";
import { OutputStream } from "./output_stream.ts";
import { cancelled, restorePrimordials } from "./primordials.ts";
import type { ResultWriter } from "./result_writer.ts";
import type { RunningTasks } from "./running_tasks.ts";
import { runTask, TaskContext } from "./task_context.ts";
import { prepareThrown } from "./thrown.ts";
import { isPromiseLike } from "../util/is_promise_like.ts";
import { yieldsValues } from "./value_source.ts";

/** The calls whose values are sent one by one, while the tasks yield them. */
export class StreamingCalls {
  readonly #results: ResultWriter;
  readonly #streams: CallStreams;
  readonly #running: RunningTasks;
  readonly #events: ExecutorEvents;

  /** Constructs the streaming calls of an executor. */
  constructor(
    results: ResultWriter,
    streams: CallStreams,
    running: RunningTasks,
    events: ExecutorEvents,
  ) {
    this.#results = results;
    this.#streams = streams;
    this.#running = running;
    this.#events = events;
  }

  /** Sends what a call's value yields, then answers the call. */
  stream(job: Job, index: number, value: unknown, context: TaskContext): void {
    this.#run(
      job,
      callId(job, index),
      context,
      (output) => output.sendAll(value, context, job.task),
    );
  }

  /**
   * Sends the values of a chunk in the order of its items, then answers the
   * chunk. Runs the items that haven't begun one after another.
   *
   * @param context The context of the first item that yields values.
   */
  streamChunk(job: Job, chunk: ChunkProgress, context: TaskContext): void {
    this.#run(
      job,
      job.id,
      context,
      async (output) => {
        try {
          await this.#sendItems(job, chunk, context, output);
        } finally {
          chunk.drop();
        }
      },
    );
  }

  async #run(
    job: Job,
    id: number,
    context: TaskContext,
    send: (output: OutputStream) => Promise<void> | undefined,
  ): Promise<void> {
    const results = this.#results;
    const running = this.#running;
    const { schedule, attempt } = this.#events;
    running.add(id, context);
    const isEager = job.mode === ResultMode.STREAM;
    const most = isEager ? STREAM_CREDIT : FLATTEN_CREDIT;
    const credit = this.#streams.openOutput(id, most);
    const output = new OutputStream(id, results, credit, isEager, {
      paused: () => this.#streams.pause(id),
      resumed: () => this.#streams.resume(id),
    });
    let answer = () => results.end(id);
    try {
      await send(output);
    } catch (error) {
      answer = () => results.thrown(id, prepareThrown(error, job.task));
    }
    attempt(() => {
      running.delete(id, context);
      TaskContext.end(context);
      answer();
      this.#streams.end(id);
      schedule();
    });
  }

  async #sendItems(
    job: Job,
    chunk: ChunkProgress,
    context: TaskContext,
    output: OutputStream,
  ): Promise<void> {
    const { items } = job;
    for (let index = 0; index < items.length; index++) {
      if (TaskContext.isAborted(context)) throw cancelled();
      const hasBegun = index < job.next;
      let value = hasBegun
        ? await chunk.take(index)
        : this.#begin(job, job.next++, context);
      if (isPromiseLike(value)) {
        output.flushSoon();
        value = await value;
      }
      restorePrimordials();
      const sending = value instanceof ItemValues
        ? this.#sendItem(job, value, context, output)
        : !hasBegun && yieldsValues(value)
        ? output.sendAll(value, context, job.task)
        : output.send(value);
      if (sending !== undefined) await sending;
      const yielding = output.yieldIfDue();
      if (yielding !== undefined) await yielding;
    }
  }

  /** Sends what an item yields that began before the call was streaming. */
  async #sendItem(
    { id, task }: Job,
    { source, context }: ItemValues,
    first: TaskContext,
    output: OutputStream,
  ): Promise<void> {
    if (context === first) return await output.sendAll(source, context, task);
    this.#running.watch(id, context);
    try {
      await output.sendAll(source, context, task);
    } finally {
      this.#running.unwatch(id, context);
      TaskContext.end(context);
    }
  }

  #begin(job: Job, index: number, context: TaskContext): unknown {
    const item = job.items[index];
    const args = job.spread ? item as unknown[] : [item];
    if (job.announced !== undefined) TaskContext.number(context, job, index);
    return runTask(job.task.run!, context, args);
  }
}
