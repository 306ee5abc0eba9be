import type { Channel } from "../transport/channel.ts";
import type { FrameOrder } from "../transport/frame_writer.ts";
import { SlowFrames } from "../transport/slow_frames.ts";
import { MessageType } from "../protocol/worker_messages.ts";
import { TooLarge, UnsendablePart } from "../codec/unsendable_part.ts";
import { sentByGetter, unsendableError } from "../codec/unsendable_error.ts";
import type { CreditAmount } from "../streams/credit.ts";
import { logError, now, queueMicrotask } from "./primordials.ts";
import { dropValues, yieldsValues } from "./value_source.ts";

/** The size in bytes at which a new list of results begins. */
const MAX_LIST_BYTES = 2 ** 18;

/** How many bytes of unsent results make the next task wait. */
const MAX_BACKLOG_BYTES = 2 ** 20;

/**
 * Writes the outcomes of calls, and how long the worker was busy with them.
 *
 * Messages about other calls may overtake a large one.
 */
export class ResultWriter {
  readonly #channel: Channel;
  /** The large messages about the streams of a call, by call. */
  readonly #slowStreams: SlowFrames;
  /** How many large messages are known. */
  #slowKnown = 0;
  /** The id of the next result in the open list; -1 if no list is open. */
  #nextId = -1;
  /** The call and the number of the stream whose values the open list has. */
  #streamOf = -1;
  #streamNumber = 0;
  /** The start of the busy time not yet reported; 0 if the worker is idle. */
  #busySince = 0;
  /** How long it was busy before that without a report, in milliseconds. */
  #unreported = 0;

  /** Constructs a writer to the pool's channel. */
  constructor(channel: Channel) {
    this.#channel = channel;
    this.#slowStreams = new SlowFrames(channel.writer);
  }

  /** Whether results must be sent before another task begins. */
  get isFull(): boolean {
    const { writer } = this.#channel;
    // The next task might change the memory of this one's result.
    return writer.borrowsMemory || writer.byteLength > MAX_BACKLOG_BYTES;
  }

  /** Whether there are results that haven't been sent. */
  get hasUnsent(): boolean {
    return this.#channel.writer.byteLength > 0 || this.#channel.isWriting;
  }

  /** Marks the worker as busy since `time`, unless it already was. */
  busy(time: number): void {
    if (this.#busySince === 0) this.#busySince = time;
  }

  /** Marks the worker as idle. */
  idle(): void {
    if (this.#busySince !== 0) this.#unreported += now() - this.#busySince;
    this.#busySince = 0;
  }

  /** Writes the value of a call. */
  value(id: number, value: unknown): void {
    const { writer } = this.#channel;
    const isOpen = id === this.#nextId && writer.isListOpen &&
      writer.listByteLength <= MAX_LIST_BYTES && !this.#slowStreams.has(id);
    if (!isOpen) this.#beginResults(id);
    this.#nextId = id + 1;
    try {
      const bytes = writer.append(value);
      if (bytes > MAX_LIST_BYTES) this.#separate(id);
    } catch (reason) {
      this.thrown(id, unsendableResult(value, reason));
    }
  }

  /** Keeps a large result from holding up others in its message. */
  #separate(id: number): void {
    const { writer } = this.#channel;
    const removed = writer.removeLarge();
    if (removed === undefined) return;
    this.#beginResults(id);
    this.#nextId = id + 1;
    writer.restore(removed);
  }

  #beginResults(id: number): void {
    this.#endList();
    const { RESULTS } = MessageType;
    this.#channel.writer.beginList([RESULTS, id], true, this.#orderOf(id));
  }

  /** Returns how messages about a call are sent: its streams stay in order. */
  #orderOf(id: number): FrameOrder {
    return this.#slowStreams.has(id) ? "following" : "passing";
  }

  /**
   * Writes a value of a call's stream.
   *
   * @param root The value's name in the message of an error.
   * @returns Its size in bytes.
   * @throws {DOMException} If it can't be sent.
   */
  streamValue(
    id: number,
    stream: number,
    value: unknown,
    root: string,
  ): number {
    const { writer } = this.#channel;
    if (writer.isEncoding) throw sentByGetter(root);
    const isOpen = id === this.#streamOf && stream === this.#streamNumber &&
      writer.isListOpen && writer.listByteLength <= MAX_LIST_BYTES;
    if (!isOpen) this.#endList();
    // The header of the message counts too.
    const before = writer.byteLength;
    if (!isOpen) {
      const { VALUES } = MessageType;
      writer.beginList([VALUES, id, stream], false, this.#orderOf(id));
      this.#streamOf = id;
      this.#streamNumber = stream;
    }
    try {
      writer.append(value);
    } catch (reason) {
      this.#endList();
      throw unsendableError(root, reason);
    }
    return writer.byteLength - before;
  }

  /** Writes the end of a call whose values were streamed. */
  end(id: number): void {
    this.#endList();
    this.#channel.writer
      .message(
        [MessageType.END, id, this.#took()],
        undefined,
        this.#orderOf(id),
      );
  }

  /** Sends credit for a stream of a call. */
  grant(id: number, stream: number, { values, bytes }: CreditAmount): void {
    this.#post([MessageType.CREDIT, id, stream, values, bytes]);
  }

  /** Asks the pool to stop a stream of a call. */
  stop(id: number, stream: number, reason: unknown): void {
    try {
      this.#post([MessageType.STOP, id, stream, reason]);
    } catch {
      // The reason can't be sent, but the pool must learn that nobody reads.
      this.#post([MessageType.STOP, id, stream, undefined]);
    }
  }

  /** Writes that a watched call is about to begin. */
  begun(id: number): void {
    this.#endList();
    this.#channel.writer.message([MessageType.BEGUN, id]);
  }

  /** Gives back calls that haven't begun. */
  recalled(runs: number[]): void {
    this.#post([MessageType.RECALLED, runs]);
  }

  /**
   * Reports that the worker uses too much memory, and how much, in bytes, after
   * all results of calls that have begun.
   */
  full(bytes: number): void {
    this.#post([MessageType.FULL, bytes], "following");
  }

  #post(message: unknown[], order: FrameOrder = "passing"): void {
    if (this.#channel.writer.isEncoding) {
      // A getter of a value that is being sent has caused it.
      return queueMicrotask(() => this.#post(message, order));
    }
    this.#endList();
    this.#channel.writer.message(message, undefined, order);
    this.#channel.flush();
  }

  /** Writes the values of a chunk's items. */
  chunk(id: number, values: readonly unknown[]): void {
    this.#endList();
    const { CHUNK_RESULTS } = MessageType;
    try {
      this.#channel.writer
        .message([CHUNK_RESULTS, id, this.#took()], values, this.#orderOf(id));
    } catch (reason) {
      // Either one value can't be sent, or the values together are too large.
      const index = takeIndex(values, reason) ?? 0;
      const error = unsendableError("result", reason);
      this.thrown(id, error, values.slice(0, index));
    }
  }

  /**
   * Writes the values of a chunk's items, after the errors of those that threw.
   * The values have `undefined` for these.
   */
  settledChunk(id: number, values: readonly unknown[]): void {
    const sendable = [...values];
    for (;;) {
      this.#endList();
      const { CHUNK_RESULTS } = MessageType;
      try {
        // In strict order, the errors arrive before.
        this.#channel.writer
          .message([CHUNK_RESULTS, id, this.#took()], sendable, "strict");
        return;
      } catch (reason) {
        const index = takeIndex(sendable, reason);
        if (index === undefined) {
          return this.thrown(id, unsendableError("result", reason));
        }
        const error = unsendableResult(sendable[index], reason);
        this.itemThrown(id, index, error);
        sendable[index] = undefined;
      }
    }
  }

  /** Writes the error of an item of a chunk whose other items go on. */
  itemThrown(id: number, index: number, thrown: unknown): void {
    this.#endList();
    const { writer } = this.#channel;
    const { ITEM_FAILURE } = MessageType;
    try {
      writer.message([ITEM_FAILURE, id, index, thrown], undefined, "strict");
    } catch (reason) {
      const error = unsendableError("thrown value", reason);
      writer.message([ITEM_FAILURE, id, index, error], undefined, "strict");
    }
  }

  /** Writes the error of a call, and the values of a chunk's earlier items. */
  thrown(id: number, thrown: unknown, before: readonly unknown[] = []): void {
    this.#endList();
    const { writer } = this.#channel;
    const { FAILURE } = MessageType;
    const order = this.#orderOf(id);
    try {
      writer.message([FAILURE, id, this.#took(), thrown], before, order);
    } catch (reason) {
      const index = takeIndex(before, reason);
      const root = index === undefined ? "thrown value" : "result";
      const error = unsendableError(root, reason);
      const sendable = reason instanceof TooLarge ? [] : before.slice(0, index);
      writer.message([FAILURE, id, 0, error], sendable, order);
    }
  }

  /** Closes the connection, because further results could be wrong. */
  abort(reason: unknown): void {
    logError("A task has broken the worker, which ends:", reason);
    this.#channel.close();
  }

  /** Sends everything that was written. */
  flush(): void {
    this.#endList();
    this.#channel.flush();
  }

  /** Sends everything that was written, and waits until it is sent. */
  drained(): Promise<void> {
    this.#endList();
    return this.#channel.drained();
  }

  #endList(): void {
    if (this.#streamOf >= 0) {
      const { writer } = this.#channel;
      writer.endList();
      // Large messages of other kinds may be among those that are new.
      if (writer.slowWritten !== this.#slowKnown) {
        this.#slowStreams.add(this.#streamOf);
      }
      this.#slowKnown = writer.slowWritten;
      this.#streamOf = -1;
      return;
    }
    if (this.#nextId < 0) return;
    this.#nextId = -1;
    this.#channel.writer.endList(this.#took());
  }

  /** Returns for how many microseconds the worker was busy without a report. */
  #took(): number {
    const time = now();
    const since = this.#busySince === 0 ? 0 : time - this.#busySince;
    const microseconds = Math.round((since + this.#unreported) * 1_000);
    this.#unreported = 0;
    if (this.#busySince !== 0) this.#busySince = time;
    return Math.min(microseconds, 2 ** 32 - 1);
  }
}

/** Makes the error for a task's result that can't be sent. */
function unsendableResult(value: unknown, reason: unknown): Error {
  const cause = unsendableError("result", reason);
  if (!yieldsValues(value)) return cause;
  dropValues(value);
  return new TypeError(
    "The task returned a generator or a stream, which run(), submit(), runOnAll() and maps with settled() or 'retry' can't send: call the task with stream(), or with map() without these, which yields its values in order",
    { cause },
  );
}

/** Returns the index of the value in an error's path, and removes that step. */
function takeIndex(
  values: readonly unknown[],
  reason: unknown,
): number | undefined {
  const isAboutPart = reason instanceof UnsendablePart &&
    !(reason instanceof TooLarge);
  if (!isAboutPart) return undefined;
  const step = reason.steps.at(-1);
  if (step?.container !== values) return undefined;
  reason.steps.pop();
  return step.access as number;
}
