import type { Call } from "../calls/call.ts";

/** The calls of a worker that was lost. */
export interface UnansweredCalls {
  /** The calls that may have begun. */
  readonly begun: Call[];
  /** The calls that can't have begun, in the order in which they were sent. */
  readonly unbegun: Call[];
}

/**
 * The calls that are with a worker, in the order in which they were sent.
 *
 * A worker begins calls in that order, as many at once as its concurrency, and
 * doesn't begin the first call of a message before the results of the calls
 * that have ended are sent. So a call can't have begun if as many unanswered
 * calls as the concurrency precede its message.
 */
export class CallsInFlight {
  readonly #concurrency: number;
  readonly #calls = new Map<number, Call>();

  /** Constructs it without calls. */
  constructor(concurrency: number) {
    this.#concurrency = concurrency;
  }

  /** Adds a call that was sent. */
  add(call: Call): void {
    this.#calls.set(call.id, call);
  }

  /**
   * Checks that a call can be answered by a value.
   *
   * @throws {RangeError} If no call has this id, or the call is a chunk.
   */
  expect(id: number): void {
    if (this.#get(id).chunk !== undefined) throw misfit(id);
  }

  /**
   * Checks that a chunk can be answered by so many values: those of its first
   * items, if the values are large.
   *
   * @throws {RangeError} If no chunk of so many items has this id.
   */
  expectChunk(id: number, values: number): void {
    const { chunk, items } = this.#get(id);
    if (chunk === undefined || values === 0 || values > items) {
      throw misfit(id);
    }
  }

  /**
   * Checks that a call can have failed after so many values.
   *
   * @throws {RangeError} If no call with more items has this id.
   */
  expectFailure(id: number, before: number): void {
    if (before >= this.#get(id).items) throw misfit(id);
  }

  /**
   * Takes a call that was answered.
   *
   * @throws {RangeError} If no call has this id.
   */
  take(id: number): Call {
    const call = this.#get(id);
    this.#calls.delete(id);
    return call;
  }

  /** The calls, in the order in which they were sent. */
  [Symbol.iterator](): Iterator<Call> {
    return this.#calls.values();
  }

  /** Returns whether a call is among these. */
  has(call: Call): boolean {
    return this.#calls.get(call.id) === call;
  }

  /**
   * Whether all calls that may have begun were abandoned, and there is at
   * least one.
   */
  get isAbandoned(): boolean {
    let found = false;
    for (const call of this.#possiblyBegun()) {
      if (call.state !== "abandoned") return false;
      found = true;
    }
    return found;
  }

  /** The first call that may have begun and was abandoned. */
  get firstAbandoned(): Call | undefined {
    for (const call of this.#possiblyBegun()) {
      if (call.state === "abandoned") return call;
    }
    return undefined;
  }

  /**
   * Takes all calls of a lost worker.
   *
   * @param isComplete Whether everything that the worker sent was received. If
   * not, any of its calls may have begun.
   */
  takeAll(isComplete: boolean): UnansweredCalls {
    const calls = [...this.#calls.values()];
    const begun = isComplete ? [...this.#possiblyBegun()] : calls;
    this.#calls.clear();
    return { begun, unbegun: calls.slice(begun.length) };
  }

  #get(id: number): Call {
    const call = this.#calls.get(id);
    if (call === undefined) {
      throw new RangeError(`Malformed message: no call ${id} is in flight`);
    }
    return call;
  }

  *#possiblyBegun(): Generator<Call> {
    let before = 0;
    let inMessage = 0;
    let message = -1;
    for (const call of this.#calls.values()) {
      if (call.message !== message) {
        before += inMessage;
        if (before >= this.#concurrency) return;
        message = call.message;
        inMessage = 0;
      }
      inMessage++;
      yield call;
    }
  }
}

function misfit(id: number): RangeError {
  return new RangeError(
    `Malformed message: the answer to call ${id} doesn't fit it`,
  );
}
