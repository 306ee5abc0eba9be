import type { Call } from "../calls/call.ts";
import { GracePeriod } from "./grace_period.ts";
import { CallsInFlight, type UnansweredCalls } from "./calls_in_flight.ts";
import type { PrefetchWindow } from "./prefetch_window.ts";
import type { RegisteredTask } from "../tasks/task_registry.ts";
import type { WorkerEnd } from "../spawner/spawner.ts";
import type { HostTally } from "../pool/stats.ts";
import type { Channel } from "../transport/channel.ts";
import {
  type ChunkResults,
  type Definition,
  type Failure,
  MessageType,
  type PoolMessage,
  type Results,
  type WorkerMessage,
} from "../protocol/worker_messages.ts";
import { fromWorker } from "../protocol/received.ts";
import { unsendableError } from "../codec/unsendable_error.ts";

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
  /**
   * Whether the worker is connected by TCP, where what it has sent can be lost
   * with the connection.
   */
  readonly overTcp?: boolean;
  /** How many calls the worker runs at once. */
  readonly concurrency: number;
  /** How long an abandoned call may go on, in milliseconds. */
  readonly cancelGrace: number;
  /**
   * Ends the worker's process.
   *
   * @param blameless Whether it isn't the worker's fault.
   */
  readonly kill: (blameless: boolean) => void;
  /** Sees to it that the worker's process ends, and tells how it did. */
  readonly end: () => Promise<WorkerEnd>;
}

/** A worker that is gone, and what it leaves. */
export interface LostWorker extends UnansweredCalls {
  /** How its process ended. */
  readonly end: WorkerEnd;
  /** Why its connection ended, if it broke. */
  readonly cause: unknown;
}

/**
 * A worker as the pool sees it: calls go out, and what became of each comes
 * back.
 */
export class WorkerHandle {
  /** What the worker is called in messages. */
  readonly name: string;
  /** How many calls may be with the worker. */
  readonly window: PrefetchWindow;
  /** Whether the worker is gone. */
  lost = false;
  /** Whether it has one call alone, or gets no more until it is free for one. */
  reserved: "alone" | "draining" | undefined;

  readonly #profile: WorkerProfile;
  readonly #channel: Channel;
  readonly #calls: CallsInFlight;
  readonly #defined = new Set<number>();
  readonly #sentModules = new Set<string>();
  #nextId = 0;
  /** The task of the list of calls that is open in the channel's writer. */
  #listTask: number | undefined;
  /** The group of the calls in it. */
  #listGroup: object | undefined;
  /** How many calls no one waits for that haven't been answered. */
  #abandoned = 0;
  readonly #grace: GracePeriod;
  #killed = false;

  /** Constructs the pool's end of a worker's channel. */
  constructor(
    profile: WorkerProfile,
    channel: Channel,
    window: PrefetchWindow,
  ) {
    this.name = profile.name;
    this.#profile = profile;
    const { concurrency, cancelGrace } = profile;
    this.#calls = new CallsInFlight(concurrency);
    this.#grace = new GracePeriod(
      this.#calls,
      cancelGrace,
      () => this.#kill(),
    );
    this.#channel = channel;
    this.window = window;
  }

  /** Whether the worker is gone, or is being ended. */
  get isEnding(): boolean {
    return this.lost || this.#killed;
  }

  /** Whether calls may be sent to it. */
  get isOpen(): boolean {
    return !this.isEnding && this.reserved === undefined &&
      !this.#grace.isOver;
  }

  /** Whether another call may be sent to it now. */
  get hasRoom(): boolean {
    return this.isOpen && this.window.room > 0;
  }

  /** Whether the worker runs at a host; `undefined` is any. */
  isAt(host: string | undefined): boolean {
    return host === undefined || host === this.#profile.tally.name;
  }

  /** Whether what the host has done is counted there. */
  countsFor(tally: HostTally): boolean {
    return tally === this.#profile.tally;
  }

  /**
   * Receives results until the worker is gone.
   *
   * @param onReturn Called when calls have come back, with their number.
   * @returns What became of the worker, and which calls it hasn't answered.
   */
  async receive(onReturn: (calls: number) => void): Promise<LostWorker> {
    let cause: unknown;
    try {
      await this.#channel.receive((message, byteLength) => {
        const calls = this.#settle(fromWorker(message), byteLength);
        if (this.#abandoned > 0) this.#grace.watch();
        onReturn(calls);
      });
    } catch (error) {
      cause = error;
      // What it has yet to do is done elsewhere, so it must do no more.
      this.#profile.kill(false);
    }
    // First of all: nothing must be sent to it from now on.
    this.lost = true;
    this.#grace.close();
    const end = await this.#profile.end();
    const isComplete = !end.hostLost && !this.#hasLost(cause);
    return { ...this.#calls.takeAll(isComplete), end, cause };
  }

  /** Whether what the worker has sent may not have come, if it is lost. */
  #hasLost(cause: unknown): boolean {
    if (!this.#profile.overTcp) return false;
    // One that was ended as it did one thing for too long has sent nothing
    // meanwhile that was still to come.
    if (this.#killed && !this.#channel.isWithinMessage) return false;
    return this.#channel.hidesResets || isReset(cause) ||
      isReset(this.#channel.writeError);
  }

  /**
   * Writes a call; {@linkcode WorkerHandle.flush} sends it.
   *
   * @returns Whether it could be written; if not, it has failed.
   */
  send(call: Call): boolean {
    const { writer } = this.#channel;
    try {
      this.#define(call.task);
      if (call.chunk === undefined) this.#openList(call);
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
      return this.#refuse(call, unsendableError(root, reason));
    }
    if (call.chunk !== undefined) {
      this.#listTask = undefined;
      this.#calls.beginMessage();
    }
    this.#calls.add(this.#nextId, call);
    // Ids are unsigned 32-bit integers; a list has consecutive ones.
    this.#nextId = (this.#nextId + 1) >>> 0;
    if (this.#nextId === 0) this.#listTask = undefined;
    call.state = "sent";
    call.holder = this;
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

  /**
   * Notes that no one waits for a call any more. If it goes on for too long,
   * the worker is ended, as soon as that costs no other call.
   */
  abandon(call: Call): void {
    call.state = "abandoned";
    const id = this.#calls.idOf(call);
    // The worker is lost, and what becomes of its calls is about to be seen to.
    if (id === undefined) return;
    this.#post([MessageType.CANCEL, id]);
    this.#abandoned++;
    this.#grace.watch();
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
  #openList({ task, terms }: Call): void {
    const { writer } = this.#channel;
    if (
      this.#listTask === task.id && this.#listGroup === terms.group &&
      writer.listByteLength < MAX_LIST_BYTES
    ) return;
    writer.beginList([MessageType.CALLS, task.id, this.#nextId], false);
    this.#calls.beginMessage();
    this.#listTask = task.id;
    this.#listGroup = terms.group;
  }

  /**
   * Ends the worker, and not its connection: what it has sent still has to be
   * read to know what it has begun.
   */
  #kill(): void {
    this.#killed = true;
    this.#profile.kill(true);
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
        ? unsendableError("constants", reason)
        : reason;
    }
    this.#defined.add(task.id);
  }

  /** Sends along, as soon as it is there, the module that a task needs. */
  #provide(definition: Definition): Definition {
    if (definition.kind !== "module") return definition;
    const { url } = definition;
    const { modules } = this.#profile;
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
    }
  }

  #succeedAll(message: Results, byteLength: number): number {
    const [, firstId, busy, values] = message;
    // All or none are settled: what is counted must be what has come back.
    for (let index = 0; index < values.length; index++) {
      this.#calls.expect(firstId + index);
    }
    const bytes = byteLength / values.length;
    const microseconds = busy / values.length;
    this.window.measured(values.length, busy, byteLength);
    this.#profile.tally.count(values.length, 0, busy);
    for (let index = 0; index < values.length; index++) {
      const call = this.#take(firstId + index);
      if (this.#settles(call)) call.succeed(values[index], bytes, microseconds);
    }
    return values.length;
  }

  #succeedChunk(message: ChunkResults, byteLength: number): number {
    const [, id, busy, values] = message;
    this.#calls.expectChunk(id, values.length);
    this.window.measured(1, busy, byteLength);
    this.#profile.tally.count(values.length, 0, busy);
    const call = this.#take(id);
    if (this.#settles(call)) call.succeed(values, byteLength, busy);
    return 1;
  }

  #fail(message: Failure, byteLength: number): number {
    const [, id, busy, thrown, before] = message;
    this.#calls.expectFailure(id, before.length);
    this.window.measured(1, busy, byteLength);
    this.#profile.tally.count(before.length, 1, busy);
    const call = this.#take(id);
    if (this.#settles(call)) call.fail(thrown, before);
    return 1;
  }

  #take(id: number): Call {
    const call = this.#calls.take(id);
    call.holder = undefined;
    this.window.returned(call.bytes);
    return call;
  }

  /** Settles a call that was answered, and says whether someone waits for it. */
  #settles(call: Call): boolean {
    const isAwaited = call.state !== "abandoned";
    call.state = "settled";
    if (isAwaited) return true;
    if (--this.#abandoned === 0) this.#grace.watch();
    return false;
  }
}

/** Whether a connection that ended so didn't wait for all to be sent. */
function isReset(cause: unknown): boolean {
  return cause instanceof Deno.errors.ConnectionReset ||
    cause instanceof Deno.errors.ConnectionAborted ||
    cause instanceof Deno.errors.TimedOut;
}
