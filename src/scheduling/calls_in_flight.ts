import type { Call } from "../calls/call.ts";
import { CallRing } from "./call_ring.ts";
import { ResultMode } from "../protocol/worker_messages.ts";

/** The unanswered calls of a lost worker. */
export interface UnansweredCalls {
  /** The calls that may have begun. */
  readonly begun: Call[];
  /** The calls that can't have begun, in the order they were sent. */
  readonly unbegun: Call[];
}

/**
 * The calls that were sent to a worker and not yet answered, in the order they
 * were sent.
 *
 * A worker begins calls in that order and runs at most `concurrency` calls at
 * once. Before it begins the first call of a message, it sends the results of
 * all calls that have ended. So a call can't have begun if at least
 * `concurrency` unanswered calls precede its message. Calls that may have been
 * paused don't count, because others may have begun meanwhile. Neither do the
 * calls of large messages that others may have overtaken.
 */
export class CallsInFlight {
  readonly #concurrency: number;
  readonly #calls = new CallRing();
  /** The messages that later ones may have overtaken. */
  readonly #overtaken = new Set<number>();

  /** Constructs an empty list for a worker with the given concurrency. */
  constructor(concurrency: number) {
    this.#concurrency = concurrency;
  }

  /** Whether there are no calls. */
  get isEmpty(): boolean {
    return this.#first === undefined;
  }

  /** Adds a call that was sent. */
  add(call: Call): void {
    this.#calls.add(call);
  }

  /** Takes note that later calls may arrive before those of a message. */
  overtaken(message: number): void {
    if (this.#overtaken.has(message)) return;
    const first = this.#first;
    for (const before of this.#overtaken) {
      if (first === undefined || before < first.message) {
        this.#overtaken.delete(before);
      }
    }
    this.#overtaken.add(message);
  }

  get #first(): Call | undefined {
    for (const call of this.#calls) return call;
    return undefined;
  }

  /**
   * Checks that a single result fits the call.
   *
   * @throws {RangeError} If no call has this id, or if the call is a chunk or
   * its values are sent one by one.
   */
  expect(id: number): void {
    const { chunk, mode, hasYielded } = this.get(id);
    if (chunk !== undefined || mode === ResultMode.STREAM || hasYielded) {
      throw misfit(id);
    }
  }

  /**
   * Checks that the number of results fits the chunk. A worker may answer only
   * the first items if their results are large.
   *
   * @throws {RangeError} If no call has this id, if the call isn't a chunk or
   * its values are sent one by one, or if the number of results is 0 or exceeds
   * the number of items.
   */
  expectChunk(id: number, values: number): void {
    const { chunk, items, hasYielded } = this.get(id);
    if (
      chunk === undefined || values === 0 || values > items || hasYielded
    ) {
      throw misfit(id);
    }
  }

  /**
   * Checks that the number of results before an error fits the call.
   *
   * @throws {RangeError} If no call has this id, or if it has too few items.
   */
  expectFailure(id: number, before: number): void {
    if (before >= this.get(id).items) throw misfit(id);
  }

  /**
   * Returns a call whose values may be sent one by one.
   *
   * @throws {RangeError} If no call has this id, or it has a single result.
   */
  getStreaming(id: number): Call {
    const call = this.get(id);
    if (call.mode === ResultMode.VALUE) throw misfit(id);
    return call;
  }

  /**
   * Checks that a call can be given back.
   *
   * @throws {RangeError} If no call has this id, if it has certainly begun, or if
   * it may not run elsewhere.
   */
  expectUnbegun(id: number): void {
    const { isRepeatable, state, terms } = this.get(id);
    if (!isRepeatable || state === "paused" || terms.pinned) throw misfit(id);
  }

  /**
   * Checks that items of a chunk can be given back.
   *
   * @throws {RangeError} If no call has this id, or if it isn't a chunk that has
   * more items than the worker keeps.
   */
  expectCut(id: number, kept: number): void {
    const { chunk, items, hasYielded } = this.get(id);
    if (chunk === undefined || kept >= items || hasYielded) throw misfit(id);
  }

  /**
   * Removes and returns a call that was answered.
   *
   * @throws {RangeError} If no call has this id.
   */
  take(id: number): Call {
    return this.#calls.take(id) ?? unknown(id);
  }

  /** Puts another call in the place of one, with the same id. */
  replace(call: Call, other: Call): void {
    this.#calls.replace(call, other);
  }

  /** Returns an iterator over the calls, in the order they were sent. */
  [Symbol.iterator](): Iterator<Call> {
    return this.#calls[Symbol.iterator]();
  }

  /** Returns whether a call is in flight. */
  has(call: Call): boolean {
    return this.#calls.get(call.id) === call;
  }

  /**
   * Whether there are calls that may have begun, and all of them were
   * abandoned.
   */
  get isAbandoned(): boolean {
    let found = false;
    for (const call of this.#possiblyBegun()) {
      if (call.state !== "abandoned") return false;
      found = true;
    }
    return found;
  }

  /** The first abandoned call that may have begun. */
  get firstAbandoned(): Call | undefined {
    for (const call of this.#possiblyBegun()) {
      if (call.state === "abandoned") return call;
    }
    return undefined;
  }

  /**
   * Removes and returns all calls of a lost worker.
   *
   * @param isComplete Whether everything that the worker sent was received. If
   * not, all of its calls may have begun.
   * @param isLeaving Returns whether a message was not sent as a whole: its
   * calls can't have begun.
   * @param isHeld Whether the worker had no task that runs, and began none.
   */
  takeAll(
    isComplete: boolean,
    isLeaving?: (message: number) => boolean,
    isHeld = false,
  ): UnansweredCalls {
    const calls = [...this.#calls];
    const begun = this.#begunOf(calls, isComplete, isHeld);
    this.#calls.clear();
    const unbegun = calls.slice(begun.length);
    if (isLeaving === undefined) return { begun, unbegun };
    const { true: left = [], false: rest = [] } = Object.groupBy(
      begun,
      ({ message }) => isLeaving(message) ? "true" : "false",
    );
    return { begun: rest, unbegun: [...left, ...unbegun] };
  }

  #begunOf(calls: Call[], isComplete: boolean, isHeld: boolean): Call[] {
    // With a higher concurrency, others may run on.
    if (isHeld && this.#concurrency === 1) return [];
    // The first one has begun.
    return isComplete && calls.length > 1 ? [...this.#possiblyBegun()] : calls;
  }

  /**
   * Returns a call that was not yet answered.
   *
   * @throws {RangeError} If no call has this id.
   */
  get(id: number): Call {
    return this.#calls.get(id) ?? unknown(id);
  }

  *#possiblyBegun(): Generator<Call> {
    let before = 0;
    let inMessage = 0;
    let message = -1;
    for (const call of this.#calls) {
      if (call.message !== message) {
        before += inMessage;
        if (before >= this.#concurrency) return;
        message = call.message;
        inMessage = 0;
      }
      const counts = !call.mayHavePaused && !this.#overtaken.has(message);
      if (counts) inMessage++;
      yield call;
    }
  }
}

function unknown(id: number): never {
  throw new RangeError(`Malformed message: no call ${id} is in flight`);
}

function misfit(id: number): RangeError {
  return new RangeError(
    `Malformed message: the answer to call ${id} doesn't fit it`,
  );
}
