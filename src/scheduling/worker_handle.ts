import type { Call, CallOwner } from "../calls/call.ts";
import { CallWriter, type ModuleSource } from "./call_writer.ts";
import { CallsInFlight, type UnansweredCalls } from "./calls_in_flight.ts";
import { GracePeriod } from "./grace_period.ts";
import type { HostTally } from "./host_tally.ts";
import type { PrefetchWindow } from "./prefetch_window.ts";
import type { WorkerEnd, WorkerProcess } from "../spawner/worker_process.ts";
import type { Channel } from "../transport/channel.ts";
import {
  type ChunkResults,
  type Failure,
  MessageType,
  type Results,
  type WorkerMessage,
} from "../protocol/worker_messages.ts";
import { fromWorker } from "../protocol/check_messages.ts";

/** What a pool knows about a worker. */
export interface WorkerProfile {
  /** The worker's process. */
  readonly process: WorkerProcess;
  /** Counts what the workers of its host have done. */
  readonly tally: HostTally;
  /** Where it gets modules from, if it is on another machine. */
  readonly modules: ModuleSource | undefined;
  /**
   * Whether the worker is connected by TCP, which can lose what the worker sent
   * last.
   */
  readonly overTcp?: boolean;
  /** How many calls the worker runs at once. */
  readonly concurrency: number;
  /** How long an abandoned call may go on, in milliseconds. */
  readonly cancelGrace: number;
}

/** A worker that was lost, and the calls that it leaves. */
export interface LostWorker extends UnansweredCalls {
  /** How its process ended. */
  readonly end: WorkerEnd;
  /** The error that ended its connection, if one did. */
  readonly cause: unknown;
}

/** A worker as the pool sees it: calls go out, and their outcomes come back. */
export class WorkerHandle implements CallOwner {
  /** The worker's name in messages. */
  readonly name: string;
  /** The worker's host. */
  readonly host: string;
  /** How many calls may be with the worker. */
  readonly window: PrefetchWindow;
  /** Whether the worker is lost. */
  lost = false;
  /**
   * Whether it runs one call in isolation, or gets no more calls until it is
   * free for one.
   */
  reservation: "isolated" | "draining" | undefined;

  readonly #profile: WorkerProfile;
  readonly #channel: Channel;
  readonly #writer: CallWriter;
  readonly #calls: CallsInFlight;
  /** How many abandoned calls haven't been answered. */
  #abandoned = 0;
  readonly #grace: GracePeriod;
  #killed = false;

  /** Constructs the pool's end of a worker's channel. */
  constructor(
    profile: WorkerProfile,
    channel: Channel,
    window: PrefetchWindow,
  ) {
    this.name = profile.process.name;
    this.host = profile.tally.name;
    this.window = window;
    this.#profile = profile;
    this.#channel = channel;
    this.#writer = new CallWriter(channel, profile.modules);
    const { concurrency, cancelGrace } = profile;
    this.#calls = new CallsInFlight(concurrency);
    this.#grace = new GracePeriod(
      this.#calls,
      cancelGrace,
      () => this.#kill(),
    );
  }

  /**
   * Whether the worker is lost or is being killed. If its host was lost, its
   * connection may last a little longer, but it answers no more calls.
   */
  get isEnding(): boolean {
    return this.lost || this.#killed || this.#profile.process.isHostLost;
  }

  /** Whether calls may be sent to it. */
  get isOpen(): boolean {
    return !this.isEnding && this.reservation === undefined &&
      !this.#grace.isOver;
  }

  /** Whether another call may be sent to it now. */
  get hasRoom(): boolean {
    return this.isOpen && this.window.room > 0;
  }

  /** Returns whether the worker runs at a host; `undefined` is any host. */
  isAt(host: string | undefined): boolean {
    return host === undefined || host === this.host;
  }

  /** Returns whether `tally` counts what the worker does. */
  countsFor(tally: HostTally): boolean {
    return tally === this.#profile.tally;
  }

  /** The calls that are with the worker. */
  get calls(): Iterable<Call> {
    return this.#calls;
  }

  /**
   * Receives results until the worker is lost.
   *
   * @param onReturn Called with the number of calls that were answered.
   * @returns How the worker ended, and the calls that it hasn't answered.
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
      // Its calls will run elsewhere, so it must not go on with them.
      this.#profile.process.kill();
    }
    // First of all: nothing must be sent to it from now on.
    this.lost = true;
    this.#grace.close();
    const end = await this.#profile.process.end();
    const isComplete = !end.hostLost && !this.#mayMissResults(cause);
    return { ...this.#calls.takeAll(isComplete), end, cause };
  }

  /** Returns whether results of the lost worker may not have arrived. */
  #mayMissResults(cause: unknown): boolean {
    if (!this.#profile.overTcp) return false;
    // A worker that was killed for being stuck had sent everything before.
    if (this.#killed && !this.#channel.isWithinMessage) return false;
    return this.#channel.hidesResets || isReset(cause) ||
      isReset(this.#channel.writeError);
  }

  /**
   * Writes a call; {@linkcode WorkerHandle.flush} sends it. If it can't be
   * written, the call fails.
   */
  send(call: Call): void {
    const writer = this.#writer;
    const id = writer.nextId;
    let bytes: number;
    try {
      bytes = writer.write(call);
    } catch (error) {
      return call.fail(error);
    }
    call.send(this, id, writer.message, bytes);
    this.#calls.add(call);
    this.window.sent(bytes);
  }

  /** Sends what was written. */
  flush(): void {
    this.#writer.flush();
  }

  /** Tells the worker to forget a task, if the worker knows it. */
  forget(task: number): void {
    this.#writer.forget(task);
  }

  /**
   * Tells the worker that nobody waits for a call any more. If the call goes on
   * for too long, the worker is killed, as soon as that harms no other call.
   */
  release(call: Call): void {
    // The calls of a lost worker are about to be settled or moved.
    if (!this.#calls.has(call)) return;
    this.#writer.post([MessageType.CANCEL, call.id]);
    this.#abandoned++;
    this.#grace.watch();
  }

  /** Ends the connection, which ends the worker. */
  close(): void {
    this.#channel.close();
  }

  /**
   * Kills the worker, but keeps its connection: the results that it has sent
   * show which calls it has begun.
   */
  #kill(): void {
    this.#killed = true;
    this.#profile.process.kill(true);
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
    // All calls are checked before the first is settled.
    for (let index = 0; index < values.length; index++) {
      this.#calls.expect(firstId + index);
    }
    // Integers, which V8 passes on without boxing them.
    const bytes = Math.ceil(byteLength / values.length);
    const microseconds = Math.ceil(busy / values.length);
    this.window.measured(values.length, busy, byteLength);
    this.#profile.tally.count(values.length, 0, busy);
    for (let index = 0; index < values.length; index++) {
      this.#take(firstId + index).succeed(values[index], bytes, microseconds);
    }
    return values.length;
  }

  #succeedChunk(message: ChunkResults, byteLength: number): number {
    const [, id, busy, values] = message;
    this.#calls.expectChunk(id, values.length);
    this.window.measured(1, busy, byteLength);
    this.#profile.tally.count(values.length, 0, busy);
    this.#take(id).succeed(values, byteLength, busy);
    return 1;
  }

  #fail(message: Failure, byteLength: number): number {
    const [, id, busy, thrown, before] = message;
    this.#calls.expectFailure(id, before.length);
    this.window.measured(1, busy, byteLength);
    this.#profile.tally.count(before.length, 1, busy);
    this.#take(id).fail(thrown, before);
    return 1;
  }

  /** Takes a call that was answered. */
  #take(id: number): Call {
    const call = this.#calls.take(id);
    this.window.returned(call.bytes);
    if (call.state === "abandoned" && --this.#abandoned === 0) {
      this.#grace.watch();
    }
    return call;
  }
}

/** Returns whether a connection that ended so may have dropped data. */
function isReset(cause: unknown): boolean {
  return cause instanceof Deno.errors.ConnectionReset ||
    cause instanceof Deno.errors.ConnectionAborted ||
    cause instanceof Deno.errors.TimedOut;
}
