import { ResultMode } from "../protocol/worker_messages.ts";
import type { CallStreams } from "./call_streams.ts";
import { callId, type ChunkProgress, ItemValues, type Job } from "./job.ts";
import type { JobQueue } from "./job_queue.ts";
import { restorePrimordials } from "./primordials.ts";
import type { ResultWriter } from "./result_writer.ts";
import type { StreamingCalls } from "./streaming_calls.ts";
import { TaskContext } from "./task_context.ts";
import { prepareThrown } from "./thrown.ts";
import { yieldsValues } from "./value_source.ts";

/** Answers calls with what their tasks return, yield or throw. */
export class JobOutcomes {
  readonly #results: ResultWriter;
  readonly #streams: CallStreams;
  readonly #streaming: StreamingCalls;
  readonly #jobs: JobQueue;

  /** Constructs the outcomes of an executor's jobs. */
  constructor(
    results: ResultWriter,
    streams: CallStreams,
    streaming: StreamingCalls,
    jobs: JobQueue,
  ) {
    this.#results = results;
    this.#streams = streams;
    this.#streaming = streaming;
    this.#jobs = jobs;
  }

  /** Handles what a task has returned or resolved to. */
  returned(
    job: Job,
    index: number,
    value: unknown,
    context: TaskContext,
  ): void {
    const { chunk, mode } = job;
    const isStreamed = mode === ResultMode.STREAM ||
      typeof value === "object" && mode === ResultMode.FLATTEN &&
        yieldsValues(value);
    if (isStreamed) return this.#stream(job, index, value, context);
    TaskContext.release(context, !job.task.seesThis);
    if (chunk === undefined) {
      restorePrimordials();
      const id = callId(job, index);
      this.#results.value(id, value);
      this.#streams.end(id);
    } else if (chunk.returned(index, value) && !chunk.isStreaming) {
      this.sendChunk(job, chunk);
    }
  }

  /**
   * Handles what a task has thrown.
   *
   * @param context The context of the task; `undefined` if it didn't begin.
   */
  threw(
    job: Job,
    index: number,
    error: unknown,
    context: TaskContext | undefined,
  ): void {
    const { chunk } = job;
    if (context !== undefined) TaskContext.end(context);
    const thrown = prepareThrown(error, job.task);
    if (chunk === undefined) {
      const id = callId(job, index);
      this.#results.thrown(id, thrown);
      this.#streams.end(id);
      return;
    }
    if (chunk.settles) this.#results.itemThrown(job.id, index, thrown);
    if (chunk.threw(index, thrown) && !chunk.isStreaming) {
      this.sendChunk(job, chunk);
    }
  }

  /**
   * Skips the rest of a chunk. If the chunk has failed, nobody would get these
   * values; if its values are large, the pool sends the rest again.
   */
  skipRest(job: Job, chunk: ChunkProgress): void {
    const rest = job.items.length - job.next;
    job.next = job.items.length;
    this.#jobs.takeCancelled(job.id);
    if (chunk.skip(rest)) this.sendChunk(job, chunk);
  }

  /** Sends the values of a chunk, and its error if it has failed. */
  sendChunk({ id }: Job, chunk: ChunkProgress): void {
    restorePrimordials();
    if (chunk.settles) this.#results.settledChunk(id, chunk.values);
    else if (!chunk.failed) this.#results.chunk(id, chunk.values);
    else this.#results.thrown(id, chunk.thrown, chunk.values);
    this.#streams.end(id);
  }

  /** Sends a value of a call or of a chunk's item in parts. */
  #stream(
    job: Job,
    index: number,
    value: unknown,
    context: TaskContext,
  ): void {
    restorePrimordials();
    const { chunk } = job;
    if (chunk === undefined) {
      return this.#streaming.stream(job, index, value, context);
    }
    const isFirst = !chunk.isStreaming;
    chunk.yields(index, new ItemValues(value as object, context));
    if (!isFirst) return;
    // Items that were skipped begin after all.
    job.next = Math.min(job.next, chunk.length);
    this.#jobs.detach(job);
    if (this.#jobs.takeCancelled(job.id)) TaskContext.abort(context);
    this.#streaming.streamChunk(job, chunk, context);
  }
}
