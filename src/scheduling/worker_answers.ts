import type { ArgumentStream } from "../calls/argument_stream.ts";
import type { Call } from "../calls/call.ts";
import type { FailedAttempt } from "../calls/failed_attempt.ts";
import {
  type Begun,
  type ChunkResults,
  type End,
  type Failure,
  type ItemFailure,
  MessageType,
  type Recalled,
  type Results,
  StreamNumber,
  type Values,
  type WorkerMessage,
} from "../protocol/worker_messages.ts";
import type { RegisteredTask } from "../tasks/task_registry.ts";
import type { CallsInFlight } from "./calls_in_flight.ts";
import type { HostTally } from "./host_tally.ts";
import type { PrefetchWindow } from "./prefetch_window.ts";
import { RunClocks } from "./run_clocks.ts";

/**
 * Into how many calls the chunks are divided that a slow worker gives back: their
 * items may be slow, too, and then it must be possible to share them equally.
 */
const PIECES = 32;

/** The callbacks to a worker's handle. */
export interface WorkerAnswersEvents {
  /** Removes and returns a call that was answered. */
  take(id: number): Call;
  /** See {@linkcode WorkerEvents.judge}. */
  judge(call: Call, thrown: unknown): FailedAttempt | undefined;
  /** See {@linkcode WorkerEvents.rerun}. */
  rerun(call: Call, failed: FailedAttempt): void;
  /** Handles how long the worker was busy with calls of a task. */
  measured(task: RegisteredTask, calls: number, microseconds: number): void;
  /** Ends the run of a call that takes too long, with this error. */
  readonly expired: (call: Call, error: DOMException) => void;
  /** Handles that the worker has given back items of a chunk. */
  cut(items: number): void;
  /** Handles that the worker uses too much memory, and expects a recall. */
  full(): void;
  /** Handles calls that the worker has given back, in the order of their ids. */
  givenBack(calls: readonly Call[]): void;
}

/** Passes the messages of a worker on to its calls. */
export class WorkerAnswers {
  readonly #calls: CallsInFlight;
  readonly #window: PrefetchWindow;
  readonly #tally: HostTally;
  readonly #events: WorkerAnswersEvents;
  /** The `parts` of the Recall that isn't answered yet. */
  #recalledParts: number | undefined;
  /** Whether the worker begins nothing until it is asked to give back calls. */
  #isHeld = false;
  /** The clocks of calls whose run is limited; made for the first of them. */
  #clocks: RunClocks | undefined;

  /** Constructs the receiver of a worker's messages. */
  constructor(
    calls: CallsInFlight,
    window: PrefetchWindow,
    tally: HostTally,
    events: WorkerAnswersEvents,
  ) {
    this.#calls = calls;
    this.#window = window;
    this.#tally = tally;
    this.#events = events;
  }

  /** Whether the worker was asked to give back calls, and hasn't answered. */
  get isRecalling(): boolean {
    return this.#recalledParts !== undefined;
  }

  /** Whether the worker has begun nothing since it had answered all it had. */
  get isHeld(): boolean {
    return this.#isHeld;
  }

  /** Expects that the worker gives back calls. */
  expectRecalled(parts: number): void {
    this.#recalledParts = parts;
  }

  /**
   * Handles a message.
   *
   * @param byteLength The size of its frame, in bytes.
   * @returns How many calls it answers.
   * @throws {RangeError} If it doesn't fit the calls in flight.
   */
  receive(message: WorkerMessage, byteLength: number): number {
    switch (message[0]) {
      case MessageType.RESULTS:
        return this.#succeedAll(message, byteLength);
      case MessageType.CHUNK_RESULTS:
        return this.#succeedChunk(message, byteLength);
      case MessageType.FAILURE:
        return this.#fail(message, byteLength);
      case MessageType.ITEM_FAILURE:
        this.#failItem(message);
        return 0;
      case MessageType.VALUES:
        return this.#receive(message, byteLength);
      case MessageType.END:
        return this.#finish(message, byteLength);
      case MessageType.CREDIT: {
        const [, id, stream, values, bytes] = message;
        const isPort = stream === StreamNumber.PORT;
        const receiver = isPort
          ? this.#calls.get(id).openMessages()
          : this.#input(id, stream);
        receiver.grant({ values, bytes });
        return 0;
      }
      case MessageType.STOP: {
        const [, id, stream, reason] = message;
        this.#input(id, stream).end(reason);
        return 0;
      }
      case MessageType.RECALLED:
        this.#takeBack(message);
        return 0;
      case MessageType.FULL:
        this.#isHeld = true;
        this.#events.full();
        return 0;
      case MessageType.BEGUN:
        this.#begin(message);
        return 0;
    }
  }

  /** Begins to time a call. */
  #begin([, id]: Begun): void {
    const call = this.#calls.get(id);
    const limit = call.terms.preface?.runTimeout;
    const clocks = this.#clocks ??= new RunClocks(this.#events.expired);
    if (limit === undefined || clocks.has(call)) throw unwatched(id);
    clocks.begin(call, limit);
  }

  /** Stops timing a call that was answered or abandoned. */
  ended(call: Call): void {
    this.#clocks?.end(call);
  }

  /** Stops timing all calls, because the worker is lost. */
  close(): void {
    this.#clocks?.close();
  }

  /** Delivers values that a task has yielded, or its messages. */
  #receive([, id, stream, values]: Values, byteLength: number): number {
    if (stream === StreamNumber.OUTPUT) {
      this.#calls.getStreaming(id).yielded(values, byteLength);
      return 0;
    }
    if (stream !== StreamNumber.PORT) throw noStream(id, stream);
    this.#calls.get(id).openMessages().receive(values, byteLength);
    return 0;
  }

  /**
   * Returns a stream that is an argument of a call.
   *
   * @throws {RangeError} If no call has this id, or it has no such argument.
   */
  #input(id: number, stream: number): ArgumentStream {
    const input = this.#calls.get(id).streams?.input(stream);
    if (input === undefined) throw noStream(id, stream);
    return input;
  }

  /** Delivers the end of a call's values. */
  #finish([, id, busy]: End, byteLength: number): number {
    const { items } = this.#calls.getStreaming(id);
    this.#window.measured(1, busy, byteLength);
    this.#tally.count(items, 0, busy);
    this.#events.take(id).finish(busy);
    return 1;
  }

  #succeedAll(message: Results, byteLength: number): number {
    const [, firstId, busy, values] = message;
    // Check all calls before settling the first one.
    for (let index = 0; index < values.length; index++) {
      this.#calls.expect(firstId + index);
    }
    // V8 doesn't box integers.
    const bytes = Math.ceil(byteLength / values.length);
    const microseconds = Math.ceil(busy / values.length);
    this.#measured(firstId, values.length, busy, byteLength);
    this.#tally.count(values.length, 0, busy);
    for (let index = 0; index < values.length; index++) {
      this.#events.take(firstId + index).succeed(
        values[index],
        bytes,
        microseconds,
      );
    }
    return values.length;
  }

  #succeedChunk(message: ChunkResults, byteLength: number): number {
    const [, id, busy, values] = message;
    this.#calls.expectChunk(id, values.length);
    this.#window.measured(1, busy, byteLength);
    const { failedItems } = this.#calls.get(id);
    this.#tally.count(values.length - failedItems, failedItems, busy);
    this.#events.take(id).succeed(values, byteLength, busy);
    return 1;
  }

  /** Delivers the error of an item whose chunk goes on. */
  #failItem([, id, index, thrown]: ItemFailure): void {
    const call = this.#calls.get(id);
    const { kind, chunk, items } = call;
    if (!kind.settles || chunk === undefined || index >= items) {
      throw new RangeError(
        `Malformed message: call ${id} has no item ${index} that may fail alone`,
      );
    }
    call.itemFailed(index, thrown);
  }

  #fail(message: Failure, byteLength: number): number {
    const [, id, busy, thrown, before] = message;
    this.#calls.expectFailure(id, before.length);
    this.#measured(id, 1, busy, byteLength);
    this.#tally.count(before.length, 1, busy);
    const failed = this.#events.judge(this.#calls.get(id), thrown);
    const call = this.#events.take(id);
    if (failed?.pause !== undefined) this.#events.rerun(call, failed);
    else if (failed === undefined) call.fail(thrown, before, 1);
    else call.fail(failed.reason, before, failed.attempts);
    return 1;
  }

  /** Takes note of how long calls with consecutive ids took. */
  #measured(id: number, calls: number, busy: number, bytes: number): void {
    this.#window.measured(calls, busy, bytes);
    const { chunk, task } = this.#calls.get(id);
    if (chunk === undefined) this.#events.measured(task, calls, busy);
  }

  /** Takes back calls that the worker won't begin. */
  #takeBack([, runs]: Recalled): void {
    const parts = this.#recalledParts;
    if (parts === undefined) {
      throw new RangeError("Malformed message: no calls were recalled");
    }
    this.#recalledParts = undefined;
    this.#isHeld = false;
    const calls: Call[] = [];
    const cut = new Set<number>();
    const pieces = this.#window.isSlow && parts > 1 ? piecesOf(runs) : 1;
    try {
      // The last calls come first.
      for (let at = runs.length - 3; at >= 0; at -= 3) {
        const id = runs[at]!;
        const kept = runs[at + 2]!;
        if (kept > 0) {
          cut.add(id);
          calls.push(...this.#cut(id, kept, Math.max(1, parts - 1)));
          continue;
        }
        for (let next = id; next < id + runs[at + 1]!; next++) {
          if (cut.has(next)) throw givenBackTwice(next);
          calls.push(...this.#takeUnbegun(next, pieces));
        }
      }
    } finally {
      // If the message is malformed, nothing else has the calls before.
      this.#events.givenBack(calls);
    }
  }

  /**
   * Removes and returns a call that was given back, unless it was cancelled.
   *
   * @param pieces Into how many calls a chunk is divided.
   */
  #takeUnbegun(id: number, pieces: number): Call[] {
    this.#calls.expectUnbegun(id);
    const call = this.#events.take(id);
    if (call.state !== "sent") {
      call.fail(undefined);
      return [];
    }
    if (call.hasTwin) {
      const left = call.leaveToTwin();
      return left === undefined ? [] : [left];
    }
    const kept = Math.ceil(call.items / pieces);
    const rest = kept < call.items ? call.cut(kept, pieces - 1, 0) : [];
    call.requeue();
    return [call, ...rest];
  }

  /** Cuts a chunk, and returns calls for the items that were given back. */
  #cut(id: number, kept: number, parts: number): Call[] {
    this.#calls.expectCut(id, kept);
    const call = this.#calls.get(id);
    const { bytes, items } = call;
    const rest = call.cut(kept, parts, this.#window.silence * 1_000);
    this.#window.shrunk(bytes, call.bytes);
    this.#events.cut(items - kept);
    return rest;
  }
}

function noStream(id: number, stream: number): RangeError {
  return new RangeError(
    `Malformed message: call ${id} has no stream ${stream} of this kind`,
  );
}

function unwatched(id: number): RangeError {
  return new RangeError(`Malformed message: no call ${id} is watched`);
}

function givenBackTwice(id: number): RangeError {
  return new RangeError(
    `Malformed message: call ${id} is both cut and given back`,
  );
}

/** Returns into how many calls each chunk is divided that is given back. */
function piecesOf(runs: readonly number[]): number {
  let calls = 0;
  for (let at = 1; at < runs.length; at += 3) calls += runs[at]!;
  return Math.ceil(PIECES / calls);
}
