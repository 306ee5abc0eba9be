import type { Call } from "./call.ts";
import { WorkerLostError } from "./errors.ts";
import type { QueueWindow } from "./queue_window.ts";
import type { RegisteredTask } from "./task_registry.ts";
import type { HostTally } from "./stats.ts";
import type { Channel } from "./wire/channel.ts";
import {
  type ChunkResults,
  type Definition,
  type Failure,
  MessageType,
  type PoolMessage,
  type Results,
  type WorkerMessage,
} from "./wire/messages.ts";
import { unsendableError } from "./wire/unsendable.ts";

/** A list of calls is cut here, so that its first ones can start. */
const MAX_LIST_BYTES = 2 ** 18;

/** Where the code of modules comes from that a worker can't load itself. */
export interface ModuleSource {
  /** Whether a module has to be sent. */
  needsBundle(url: string): boolean;
  /** The module as code that stands alone, and what it is known by. */
  bundle(url: string): Promise<{ hash: string; code: string }>;
}

/** What a pool says about a worker. */
export interface WorkerProfile {
  /** What the worker is called in messages. */
  readonly name: string;
  /** Counts what the workers of its host have done. */
  readonly tally: HostTally;
  /** For a worker on another machine: where it gets modules from. */
  readonly modules: ModuleSource | undefined;
}

/**
 * A worker as the pool sees it: calls go out, and what became of each comes
 * back.
 */
export class WorkerLink {
  /** What the worker is called in messages. */
  readonly name: string;
  /** How many calls may be with the worker. */
  readonly window: QueueWindow;
  /** Why the worker is gone, once it is. */
  lost: WorkerLostError | undefined;

  readonly #channel: Channel;
  readonly #calls = new Map<number, Call>();
  readonly #defined = new Set<number>();
  readonly #tally: HostTally;
  readonly #modules: ModuleSource | undefined;
  readonly #sentModules = new Set<string>();
  #nextId = 0;
  /** The task of the list of calls that is open in the channel's writer. */
  #listTask: number | undefined;

  /** Constructs the pool's end of a worker's channel. */
  constructor(
    { name, tally, modules }: WorkerProfile,
    channel: Channel,
    window: QueueWindow,
  ) {
    this.name = name;
    this.#tally = tally;
    this.#modules = modules;
    this.#channel = channel;
    this.window = window;
  }

  /** Whether the worker runs at a host; `undefined` is any. */
  isAt(host: string | undefined): boolean {
    return host === undefined || host === this.#tally.name;
  }

  /** Whether what the host has done is counted there. */
  countsFor(tally: HostTally): boolean {
    return tally === this.#tally;
  }

  /**
   * Receives results until the worker is gone; calls that were with it fail.
   *
   * @param onReturn Called when calls have come back, with their number.
   * @returns The error that the worker's calls failed with.
   */
  async receive(onReturn: (calls: number) => void): Promise<WorkerLostError> {
    let cause: unknown;
    try {
      await this.#channel.receive((message, byteLength) =>
        onReturn(this.#settle(message as WorkerMessage, byteLength))
      );
    } catch (error) {
      cause = error;
    }
    return this.#lose(cause, onReturn);
  }

  /**
   * Writes a call; {@linkcode WorkerLink.flush} sends it.
   *
   * @returns Whether it could be written; if not, it has failed.
   */
  send(call: Call): boolean {
    const { writer } = this.#channel;
    try {
      this.#define(call.task);
      if (call.chunk === undefined) this.#openList(call.task.id);
    } catch (error) {
      return this.#refuse(call, error);
    }
    try {
      call.bytes = call.chunk === undefined
        ? writer.append(call.payload)
        : writer.message([
          MessageType.CHUNK,
          call.task.id,
          this.#nextId,
          call.chunk === "spread",
          call.payload,
        ]);
    } catch (reason) {
      const root = call.chunk === undefined ? "args" : "items";
      return this.#refuse(call, unsendableError(call.payload, root, reason));
    }
    if (call.chunk !== undefined) this.#listTask = undefined;
    this.#calls.set(this.#nextId, call);
    // Ids are unsigned 32-bit integers; a list has consecutive ones.
    this.#nextId = (this.#nextId + 1) >>> 0;
    if (this.#nextId === 0) this.#listTask = undefined;
    call.state = "sent";
    this.window.sent(call.bytes);
    return true;
  }

  /** Sends what was written. */
  flush(): void {
    this.#listTask = undefined;
    this.#channel.writer.endList();
    this.#channel.flush();
  }

  /** Tells the worker to forget a task, if it was told of it. */
  forget(task: number): void {
    if (!this.#defined.delete(task) || this.#channel.closed) return;
    this.#post([MessageType.FORGET, [task]]);
  }

  /** Ends the connection, which ends the worker. */
  close(): void {
    this.#channel.close();
  }

  /** Sends a message that isn't a call. */
  #post(message: PoolMessage): void {
    if (this.#channel.closed) return;
    this.#listTask = undefined;
    this.#channel.writer.message(message);
    this.#channel.flush();
  }

  /** Continues the open list, or begins one. */
  #openList(task: number): void {
    const { writer } = this.#channel;
    if (this.#listTask === task && writer.listByteLength < MAX_LIST_BYTES) {
      return;
    }
    writer.beginList([MessageType.CALLS, task, this.#nextId], false);
    this.#listTask = task;
  }

  #define(task: RegisteredTask): void {
    if (this.#defined.has(task.id)) return;
    if (task.base !== undefined) this.#define(task.base);
    this.#listTask = undefined;
    const definition = this.#provide(task.definition);
    try {
      this.#channel.writer.message([MessageType.DEFINE, task.id, definition]);
    } catch (reason) {
      throw definition.kind === "bound"
        ? unsendableError(definition.constants, "constants", reason)
        : reason;
    }
    this.#defined.add(task.id);
  }

  /** Sends along, as soon as it is there, the module that a task needs. */
  #provide(definition: Definition): Definition {
    if (definition.kind !== "module") return definition;
    const { url } = definition;
    const modules = this.#modules;
    if (modules === undefined || !modules.needsBundle(url)) return definition;
    if (!this.#sentModules.has(url)) {
      this.#sentModules.add(url);
      modules.bundle(url).then(
        ({ hash, code }) => this.#post([MessageType.MODULE, url, hash, code]),
        (error) => this.#post([MessageType.MODULE, url, "", error]),
      );
    }
    return { ...definition, sent: true };
  }

  #refuse(call: Call, error: unknown): false {
    call.state = "settled";
    call.fail(error);
    return false;
  }

  #settle(message: WorkerMessage, byteLength: number): number {
    switch (message[0]) {
      case MessageType.RESULTS:
        return this.#succeedAll(message, byteLength);
      case MessageType.CHUNK_RESULTS:
        return this.#succeedChunk(message, byteLength);
      case MessageType.FAILURE:
        return this.#fail(message, byteLength);
      default:
        throw new RangeError(
          `Malformed message: a worker sends no type ${message[0]}`,
        );
    }
  }

  #succeedAll(message: Results, byteLength: number): number {
    const [, firstId, busy, values] = message;
    if (values.length === 0) {
      throw new RangeError("Malformed message: there are no results in it");
    }
    const bytes = byteLength / values.length;
    const microseconds = busy / values.length;
    this.window.measured(values.length, busy, byteLength);
    this.#tally.count(values.length, 0, busy);
    for (let index = 0; index < values.length; index++) {
      this.#take(firstId + index).succeed(values[index], bytes, microseconds);
    }
    return values.length;
  }

  #succeedChunk(message: ChunkResults, byteLength: number): number {
    const [, id, busy, values] = message;
    this.window.measured(1, busy, byteLength);
    this.#tally.count(values.length, 0, busy);
    this.#take(id).succeed(values, byteLength, busy);
    return 1;
  }

  #fail(message: Failure, byteLength: number): number {
    const [, id, busy, thrown, before] = message;
    this.window.measured(1, busy, byteLength);
    this.#tally.count(before.length, 1, busy);
    this.#take(id).fail(thrown, before);
    return 1;
  }

  #take(id: number): Call {
    const call = this.#calls.get(id);
    if (call === undefined) {
      throw new RangeError(`Malformed message: no call ${id} is under way`);
    }
    this.#calls.delete(id);
    call.state = "settled";
    this.window.returned(call.bytes);
    return call;
  }

  #lose(cause: unknown, onReturn: (calls: number) => void): WorkerLostError {
    // First of all: nothing must be sent to it from now on.
    this.lost = new WorkerLostError(`The ${this.name} ended`, { cause });
    const calls = [...this.#calls.values()];
    this.#calls.clear();
    for (const call of calls) {
      call.state = "settled";
      this.window.returned(call.bytes);
      call.fail(
        new WorkerLostError(
          `The ${this.name} ended before the task '${call.task.name}' returned, which may or may not have run`,
          { cause },
        ),
      );
    }
    if (calls.length > 0) onReturn(calls.length);
    return this.lost;
  }
}
