import type { Call } from "../calls/call.ts";
import type { CallPreface } from "../calls/call_preface.ts";
import type { RegisteredTask } from "../tasks/task_registry.ts";
import type { Channel } from "../transport/channel.ts";
import type { FrameOrder } from "../transport/frame_writer.ts";
import { SlowFrames } from "../transport/slow_frames.ts";
import { MessageType, type PoolMessage } from "../protocol/worker_messages.ts";
import { sentByGetter, unsendableError } from "../codec/unsendable_error.ts";
import { UnsendablePart } from "../codec/unsendable_part.ts";
import { type ModuleSource, SentModules } from "./sent_modules.ts";
import { writePreface } from "./write_preface.ts";

/**
 * The size at which a list of calls is closed, so its first calls can start.
 */
const MAX_LIST_BYTES = 2 ** 18;

/** How many unsent bytes make the source of a stream wait. */
const MAX_BACKLOG_BYTES = 2 ** 20;

/** The callbacks of a writer of calls. */
export interface CallWriterEvents {
  /** Handles that a task is sent to the worker. */
  defined(task: number): void;
  /**
   * Handles that calls in later messages may arrive before those of a message,
   * which is large.
   */
  overtaken(message: number): void;
}

/**
 * Writes calls to a worker's channel, preceded by the tasks and modules that
 * they need. Consecutive calls of the same task share a message.
 *
 * A message passes large ones that it doesn't depend on.
 */
export class CallWriter {
  readonly #channel: Channel;
  readonly #modules: SentModules;
  readonly #events: CallWriterEvents;
  readonly #defined = new Set<number>();
  /** The arguments of a call with one: a list for each call would be garbage. */
  readonly #single: [argument: unknown] = [undefined];
  /** The large messages that define tasks, by task. */
  readonly #slowTasks: SlowFrames;
  /** The large messages with calls, by the numbers of these messages. */
  readonly #slowCalls: SlowFrames;
  /** The large messages about the streams of a call, by call. */
  readonly #slowStreams: SlowFrames;
  /** How many large messages are known. */
  #slowKnown = 0;
  #nextId = 0;
  #message = 0;
  /** The task of the open list of calls in the channel's writer. */
  #listTask: number | undefined;
  /** The group of the calls in that list. */
  #listGroup: object | undefined;
  /** What happens to the results of these calls. */
  #listMode: number | undefined;
  /** What the worker was told before them. */
  #listPreface: CallPreface | undefined;
  /** The number of the next call in that list, if its calls have numbers. */
  #listNumber = 0;
  /** What getters of values have caused that were being encoded. */
  #postponed: [message: PoolMessage, order: FrameOrder][] = [];
  /** The call and the stream whose values are in the open list, if any. */
  #valuesOf: { readonly id: number; readonly stream: number } | undefined;

  /**
   * Constructs a writer for a channel.
   *
   * @param modules The source of modules for a worker on another machine.
   */
  constructor(
    channel: Channel,
    modules: ModuleSource | undefined,
    events: CallWriterEvents,
  ) {
    this.#channel = channel;
    this.#modules = new SentModules(modules, (message) => this.post(message));
    this.#events = events;
    this.#slowTasks = new SlowFrames(channel.writer);
    this.#slowCalls = new SlowFrames(channel.writer);
    this.#slowStreams = new SlowFrames(channel.writer);
  }

  /** The numbers of the tasks that the worker knows. */
  get defined(): Iterable<number> {
    return this.#defined;
  }

  /** The id of the next call. */
  get nextId(): number {
    return this.#nextId;
  }

  /** The number of the message that contains the last call. */
  get message(): number {
    return this.#message;
  }

  /** Returns whether a message with calls is large and hasn't left as a whole. */
  isLeaving(message: number): boolean {
    return this.#slowCalls.has(message);
  }

  /**
   * Writes a call; {@linkcode CallWriter.flush} sends it.
   *
   * @returns The size in bytes of its arguments, and of its task if the worker
   * doesn't know it.
   * @throws {Error} If its task or its arguments can't be sent.
   */
  write(call: Call): number {
    try {
      return this.#write(call);
    } finally {
      this.#writePostponed();
    }
  }

  #write(call: Call): number {
    const taskBytes = this.#define(call.task);
    if (this.#valuesOf !== undefined) this.#endList();
    const { preface } = call.terms;
    const bytes = preface === undefined
      ? this.#writeCall(call)
      : this.#writeAnnounced(call, preface);
    // Ids are unsigned 32-bit integers; a list has consecutive ids.
    this.#nextId = (this.#nextId + 1) >>> 0;
    if (this.#nextId === 0) this.#endList();
    return taskBytes + bytes;
  }

  /** Writes and sends a message that isn't a call. */
  post(message: PoolMessage, order: FrameOrder = "passing"): void {
    if (this.#channel.closed) return;
    if (this.#channel.writer.isEncoding) {
      this.#postponed.push([message, order]);
      return;
    }
    this.#endList();
    try {
      this.#channel.writer.message(message, undefined, order);
    } finally {
      this.#writePostponed();
    }
    this.#isSlow();
    this.#channel.flush();
  }

  /** Tells the worker that a call is cancelled. */
  cancel(id: number): void {
    const message: PoolMessage = [MessageType.CANCEL, id];
    this.post(message);
    // If the worker doesn't have the call yet, the second message counts.
    const { hasSlowFrames } = this.#channel.writer;
    if (hasSlowFrames) this.post(message, "following");
  }

  /** Tells the worker that a stream of a call has ended. */
  closeStream(id: number, stream: number, errors: unknown[]): void {
    const { CLOSE } = MessageType;
    this.post(
      [CLOSE, id, stream, errors],
      this.#orderOf(this.#slowStreams, id),
    );
  }

  /**
   * Writes a value of a call's stream; {@linkcode CallWriter.flush} sends it.
   *
   * @returns Its size in bytes.
   * @throws {DOMException} If it can't be sent.
   */
  writeValue(id: number, stream: number, value: unknown): number {
    const { writer } = this.#channel;
    if (writer.isEncoding) throw sentByGetter("value");
    const isOpen = this.#valuesOf?.id === id &&
      this.#valuesOf.stream === stream && writer.isListOpen &&
      writer.listByteLength < MAX_LIST_BYTES;
    if (!isOpen) this.#endList();
    // The header of the message counts too.
    const before = writer.byteLength;
    if (!isOpen) {
      const order = this.#orderOf(this.#slowStreams, id);
      writer.beginList([MessageType.VALUES, id, stream], false, order);
      this.#valuesOf = { id, stream };
    }
    let bytes = 0;
    try {
      writer.append(value);
      bytes = writer.byteLength - before;
    } catch (reason) {
      this.#endList();
      throw unsendableError("value", reason);
    } finally {
      this.#writePostponed();
    }
    return bytes;
  }

  /**
   * Waits until the written values of a call's streams have left; `undefined` if
   * they were copied.
   */
  drained(id: number): Promise<void> | undefined {
    const { writer } = this.#channel;
    const mustWait = writer.borrowsMemory ||
      writer.byteLength > MAX_BACKLOG_BYTES;
    if (!mustWait) return undefined;
    this.#endList();
    // Large messages about others needn't have left.
    return this.#slowStreams.has(id)
      ? this.#channel.drained()
      : this.#channel.flushed();
  }

  /** Tells the worker to forget a task, if the task was sent to it. */
  forget(task: number): void {
    if (!this.#defined.delete(task)) return;
    this.post([MessageType.FORGET, [task]], "following");
    if (this.#channel.writer.hasSlowFrames) this.#slowTasks.add(task);
  }

  /** Sends everything written so far. */
  flush(): void {
    // Whoever writes flushes, too.
    if (this.#channel.writer.isEncoding) return;
    this.#endList();
    this.#channel.flush();
  }

  /** Writes what was postponed while values were encoded. */
  #writePostponed(): void {
    if (this.#postponed.length === 0) return;
    const postponed = this.#postponed;
    this.#postponed = [];
    for (const [message, order] of postponed) this.post(message, order);
  }

  #endList(): void {
    const values = this.#valuesOf;
    const hasCalls = this.#listTask !== undefined;
    this.#listTask = undefined;
    this.#valuesOf = undefined;
    this.#channel.writer.endList();
    if (hasCalls) this.#wroteCalls();
    else if (values !== undefined && this.#isSlow()) {
      this.#slowStreams.add(values.id);
    }
  }

  /** Returns whether a large message was written since the last question. */
  #isSlow(): boolean {
    const { slowWritten } = this.#channel.writer;
    const isSlow = slowWritten !== this.#slowKnown;
    this.#slowKnown = slowWritten;
    return isSlow;
  }

  /** Takes note of a message with calls. */
  #wroteCalls(): void {
    if (this.#isSlow()) return this.#slowCalls.add(this.#message);
    if (!this.#channel.writer.hasSlowFrames) return;
    for (const message of this.#slowCalls.keys) this.#events.overtaken(message);
  }

  #orderOf(slow: SlowFrames, key: number): FrameOrder {
    return slow.has(key) ? "following" : "passing";
  }

  #writeCall(call: Call): number {
    if (call.chunk !== undefined) return this.#writeChunk(call);
    const hasStreams = (call.streams?.indexes.length ?? 0) > 0;
    return hasStreams ? this.#writeOpen(call) : this.#append(call);
  }

  /** Writes a call of which the worker must know something before. */
  #writeAnnounced(call: Call, preface: CallPreface): number {
    let bytes: number;
    try {
      bytes = this.#writeCall(call);
    } catch (reason) {
      this.#endList();
      // The next call will have this id.
      this.#announce(0, preface, false);
      throw reason;
    }
    this.#listNumber = call.number + 1;
    // If its worker is killed, no other call may have begun in its message.
    if (preface.runTimeout !== undefined) this.#endList();
    return bytes;
  }

  /** Writes the preface of the next call: see {@linkcode writePreface}. */
  #announce(number: number, preface: CallPreface, isCertain = true): void {
    const call = { id: this.#nextId, number };
    writePreface(this.#channel.writer, call, preface, isCertain);
  }

  /** Writes a call with streams as arguments. */
  #writeOpen(call: Call): number {
    const { task, mode, payload, streams, terms } = call;
    const { indexes } = streams!;
    this.#endList();
    if (terms.preface !== undefined) this.#announce(call.number, terms.preface);
    let bytes: number;
    try {
      bytes = this.#channel.writer.message(
        [MessageType.OPEN, task.id, this.#nextId, mode, payload, indexes],
        undefined,
        this.#orderOf(this.#slowTasks, task.id),
      );
    } catch (reason) {
      throw unsendableError("args", reason);
    }
    this.#message++;
    this.#wroteCalls();
    return bytes;
  }

  #append(call: Call): number {
    const { writer } = this.#channel;
    this.#openList(call);
    try {
      const bytes = writer.append(this.#argumentsOf(call), true);
      if (bytes > MAX_LIST_BYTES) this.#separate(call);
      return bytes;
    } catch (reason) {
      throw unsendableError("args", reason);
    } finally {
      this.#single[0] = undefined;
    }
  }

  #argumentsOf(call: Call): readonly unknown[] {
    if (!call.isUnary) return call.payload;
    this.#single[0] = call.argument;
    return this.#single;
  }

  /** Keeps a large call from holding up others in its message. */
  #separate(call: Call): void {
    const { writer } = this.#channel;
    const removed = writer.removeLarge();
    if (removed === undefined) return;
    this.#endList();
    this.#openList(call);
    writer.restore(removed);
  }

  #writeChunk(call: Call): number {
    const { CHUNK, SETTLED_CHUNK } = MessageType;
    const { task, chunk, payload, kind, terms } = call;
    const type = kind.settles ? SETTLED_CHUNK : CHUNK;
    const isSpread = chunk === "spread";
    this.#endList();
    if (terms.preface !== undefined) this.#announce(call.number, terms.preface);
    let bytes: number;
    try {
      bytes = this.#channel.writer
        .message(
          [type, task.id, this.#nextId, isSpread],
          payload,
          this.#orderOf(this.#slowTasks, task.id),
        );
    } catch (reason) {
      throw unsendableError("items", reason);
    }
    this.#message++;
    this.#wroteCalls();
    return bytes;
  }

  /** Begins a list, unless the call fits in the open one. */
  #openList(call: Call): void {
    const { task, terms, mode } = call;
    const { preface } = terms;
    const { writer } = this.#channel;
    if (
      this.#listTask === task.id && this.#listGroup === terms.group &&
      this.#listMode === mode && this.#listPreface === preface &&
      writer.listByteLength < MAX_LIST_BYTES &&
      (preface === undefined || this.#listNumber === call.number)
    ) return;
    this.#endList();
    if (preface !== undefined) this.#announce(call.number, preface);
    writer.beginList(
      [MessageType.CALLS, task.id, this.#nextId, mode],
      false,
      this.#orderOf(this.#slowTasks, task.id),
    );
    this.#message++;
    this.#listTask = task.id;
    this.#listGroup = terms.group;
    this.#listMode = mode;
    this.#listPreface = preface;
  }

  /** Defines a task, unless the worker knows it; returns the size in bytes. */
  #define(task: RegisteredTask): number {
    if (this.#defined.has(task.id)) return 0;
    const { base } = task;
    let bytes = base === undefined ? 0 : this.#define(base);
    this.#endList();
    const definition = this.#modules.provide(task.definition);
    const needed = base !== undefined && this.#slowTasks.has(base.id)
      ? base.id
      : task.id;
    try {
      bytes += this.#channel.writer.message(
        [MessageType.DEFINE, task.id, definition],
        undefined,
        this.#orderOf(this.#slowTasks, needed),
      );
    } catch (reason) {
      // The last step leads from the definition to its constants.
      if (reason instanceof UnsendablePart) reason.steps.pop();
      throw definition.kind === "bound"
        ? unsendableError("constants", reason)
        : reason;
    }
    if (this.#isSlow()) this.#slowTasks.add(task.id);
    this.#defined.add(task.id);
    this.#events.defined(task.id);
    return bytes;
  }
}
