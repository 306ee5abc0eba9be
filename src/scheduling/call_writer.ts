import type { Call } from "../calls/call.ts";
import type { RegisteredTask } from "../tasks/task_registry.ts";
import type { Channel } from "../transport/channel.ts";
import {
  type Definition,
  MessageType,
  type PoolMessage,
} from "../protocol/worker_messages.ts";
import { unsendableError } from "../codec/unsendable_error.ts";
import { UnsendablePart } from "../codec/unsendable_part.ts";

/**
 * The size at which a list of calls is closed, so its first calls can start.
 */
const MAX_LIST_BYTES = 2 ** 18;

/** How many unsent bytes make the source of a stream wait. */
const MAX_BACKLOG_BYTES = 2 ** 20;

/** Provides the code of modules that remote workers can't load themselves. */
export interface ModuleSource {
  /** Returns whether a module must be sent. */
  needsBundle(url: string): boolean;
  /**
   * Returns a module's code, bundled with all its imports, and the code's hash.
   */
  bundle(url: string): Promise<{ hash: string; code: string }>;
}

/**
 * Writes calls to a worker's channel, preceded by the tasks and modules that
 * they need. Consecutive calls of the same task share a message.
 */
export class CallWriter {
  readonly #channel: Channel;
  readonly #modules: ModuleSource | undefined;
  readonly #onDefine: (task: number) => void;
  readonly #defined = new Set<number>();
  readonly #sentModules = new Set<string>();
  /** The arguments of a call with one: a list for each call would be garbage. */
  readonly #single: [argument: unknown] = [undefined];
  #nextId = 0;
  #message = 0;
  /** The task of the open list of calls in the channel's writer. */
  #listTask: number | undefined;
  /** The group of the calls in that list. */
  #listGroup: object | undefined;
  /** What happens to the results of these calls. */
  #listMode: number | undefined;
  /** The call and the stream whose values are in the open list, if any. */
  #valuesOf: { readonly id: number; readonly stream: number } | undefined;

  /**
   * Constructs a writer for a channel.
   *
   * @param modules The source of modules for a worker on another machine.
   * @param onDefine Called with the number of each task that is sent.
   */
  constructor(
    channel: Channel,
    modules: ModuleSource | undefined,
    onDefine: (task: number) => void,
  ) {
    this.#channel = channel;
    this.#modules = modules;
    this.#onDefine = onDefine;
    channel.writer.useParts();
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

  /**
   * Writes a call; {@linkcode CallWriter.flush} sends it.
   *
   * @returns The size of its arguments in bytes.
   * @throws {Error} If its task or its arguments can't be sent.
   */
  write(call: Call): number {
    this.#define(call.task);
    this.#valuesOf = undefined;
    const bytes = call.chunk !== undefined
      ? this.#writeChunk(call)
      : (call.streams?.indexes.length ?? 0) > 0
      ? this.#writeOpen(call)
      : this.#append(call);
    // Ids are unsigned 32-bit integers; a list has consecutive ids.
    this.#nextId = (this.#nextId + 1) >>> 0;
    if (this.#nextId === 0) this.#listTask = undefined;
    return bytes;
  }

  /** Writes and sends a message that isn't a call. */
  post(message: PoolMessage): void {
    if (this.#channel.closed) return;
    this.#endList();
    this.#channel.writer.message(message);
    this.#channel.flush();
  }

  /**
   * Does the same for a message that doesn't depend on those that are being sent.
   * It isn't held up by a large one.
   */
  postUrgently(message: PoolMessage): void {
    if (this.#channel.isSendingParts) this.#channel.sendUrgently(message);
    else this.post(message);
  }

  /** Tells the worker that a call is cancelled. */
  cancel(id: number): void {
    const message: PoolMessage = [MessageType.CANCEL, id];
    // If the worker doesn't have the call yet, the second message counts.
    if (this.#channel.isSendingParts) this.#channel.sendUrgently(message);
    this.post(message);
  }

  /**
   * Writes a value of a call's stream; {@linkcode CallWriter.flush} sends it.
   *
   * @returns Its size in bytes.
   * @throws {DOMException} If it can't be sent.
   */
  writeValue(id: number, stream: number, value: unknown): number {
    const { writer } = this.#channel;
    const isOpen = this.#valuesOf?.id === id &&
      this.#valuesOf.stream === stream && writer.isListOpen &&
      writer.listByteLength < MAX_LIST_BYTES;
    if (!isOpen) this.#endList();
    // The header of the message counts too.
    const before = writer.byteLength;
    if (!isOpen) {
      writer.beginList([MessageType.VALUES, id, stream], false);
      this.#valuesOf = { id, stream };
    }
    try {
      writer.append(value);
    } catch (reason) {
      this.#endList();
      throw unsendableError("value", reason);
    }
    return writer.byteLength - before;
  }

  /** Waits until written values have left; `undefined` if they were copied. */
  drained(): Promise<void> | undefined {
    const { writer } = this.#channel;
    const mustWait = writer.borrowsMemory ||
      writer.byteLength > MAX_BACKLOG_BYTES;
    if (!mustWait) return undefined;
    this.#endList();
    return this.#channel.drained();
  }

  /** Tells the worker to forget a task, if the task was sent to it. */
  forget(task: number): void {
    if (!this.#defined.delete(task)) return;
    this.post([MessageType.FORGET, [task]]);
  }

  /** Sends everything written so far. */
  flush(): void {
    this.#endList();
    this.#channel.flush();
  }

  #endList(): void {
    this.#listTask = undefined;
    this.#valuesOf = undefined;
    this.#channel.writer.endList();
  }

  /** Writes a call with streams as arguments. */
  #writeOpen(call: Call): number {
    const { task, mode, payload, streams } = call;
    const { indexes } = streams!;
    this.#endList();
    let bytes: number;
    try {
      bytes = this.#channel.writer.message(
        [MessageType.OPEN, task.id, this.#nextId, mode, payload, indexes],
      );
    } catch (reason) {
      throw unsendableError("args", reason);
    }
    this.#message++;
    return bytes;
  }

  #append(call: Call): number {
    this.#openList(call);
    try {
      return this.#channel.writer.append(this.#argumentsOf(call), true);
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

  #writeChunk(call: Call): number {
    const { CHUNK } = MessageType;
    const { task, chunk, payload } = call;
    const isSpread = chunk === "spread";
    let bytes: number;
    try {
      bytes = this.#channel.writer
        .message([CHUNK, task.id, this.#nextId, isSpread], payload);
    } catch (reason) {
      throw unsendableError("items", reason);
    }
    this.#listTask = undefined;
    this.#message++;
    return bytes;
  }

  /** Begins a list, unless the call fits in the open one. */
  #openList({ task, terms, mode }: Call): void {
    const { writer } = this.#channel;
    if (
      this.#listTask === task.id && this.#listGroup === terms.group &&
      this.#listMode === mode && writer.listByteLength < MAX_LIST_BYTES
    ) return;
    writer.beginList([MessageType.CALLS, task.id, this.#nextId, mode], false);
    this.#message++;
    this.#listTask = task.id;
    this.#listGroup = terms.group;
    this.#listMode = mode;
  }

  #define(task: RegisteredTask): void {
    if (this.#defined.has(task.id)) return;
    if (task.base !== undefined) this.#define(task.base);
    this.#listTask = this.#valuesOf = undefined;
    const definition = this.#provide(task.definition);
    try {
      this.#channel.writer.message([MessageType.DEFINE, task.id, definition]);
    } catch (reason) {
      // The last step leads from the definition to its constants.
      if (reason instanceof UnsendablePart) reason.steps.pop();
      throw definition.kind === "bound"
        ? unsendableError("constants", reason)
        : reason;
    }
    this.#defined.add(task.id);
    this.#onDefine(task.id);
  }

  /**
   * Returns the definition to send; sends a needed module once it is bundled.
   */
  #provide(definition: Definition): Definition {
    if (definition.kind !== "module") return definition;
    const { url } = definition;
    const modules = this.#modules;
    if (modules === undefined || !modules.needsBundle(url)) return definition;
    if (!this.#sentModules.has(url)) {
      this.#sentModules.add(url);
      modules.bundle(url).then(
        ({ hash, code }) => this.post([MessageType.MODULE, url, hash, code]),
        (error) => this.post([MessageType.MODULE, url, "", error]),
      );
    }
    return { ...definition, sent: true };
  }
}
