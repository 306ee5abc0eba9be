import type { Call } from "../calls/call.ts";

/** The calls of a worker that was lost. */
export interface UnansweredCalls {
  /** Those that may have begun. */
  readonly begun: Call[];
  /** Those that can't have begun, in the order in which they were sent. */
  readonly unbegun: Call[];
}

/**
 * The calls that are with a worker, in the order in which they were sent.
 *
 * A worker begins calls in that order, as many at once as its concurrency, and
 * doesn't begin a message's first call before the results of what has ended
 * have left. So one whose message has as many unanswered calls before it as
 * the concurrency can't have begun.
 */
export class CallsInFlight {
  readonly #concurrency: number;
  readonly #calls = new Map<number, Call>();
  #message = 0;

  /** Constructs it without calls. */
  constructor(concurrency: number) {
    this.#concurrency = concurrency;
  }

  /** Lets the calls that are added from now on be part of another message. */
  beginMessage(): void {
    this.#message++;
  }

  /** Adds a call under its id. */
  add(id: number, call: Call): void {
    call.message = this.#message;
    call.id = id;
    this.#calls.set(id, call);
  }

  /**
   * Checks that a call can be answered by a value.
   *
   * @throws {RangeError} If there is none with this id, or it is a chunk.
   */
  expect(id: number): void {
    if (this.#get(id).chunk !== undefined) throw misfit(id);
  }

  /**
   * Checks that a chunk can be answered by so many values.
   *
   * @throws {RangeError} If there is none of so many items with this id.
   */
  expectChunk(id: number, values: number): void {
    const { chunk, payload } = this.#get(id);
    if (chunk === undefined || payload.length !== values) throw misfit(id);
  }

  /**
   * Checks that a call can have failed after so many values.
   *
   * @throws {RangeError} If there is none with this id and more items.
   */
  expectFailure(id: number, before: number): void {
    const { chunk, payload } = this.#get(id);
    const items = chunk === undefined ? 1 : payload.length;
    if (before >= items) throw misfit(id);
  }

  /**
   * Takes a call that was answered.
   *
   * @throws {RangeError} If there is none with this id.
   */
  take(id: number): Call {
    const call = this.#get(id);
    this.#calls.delete(id);
    return call;
  }

  /** The id of a call, if it is among these. */
  idOf(call: Call): number | undefined {
    return this.#calls.get(call.id) === call ? call.id : undefined;
  }

  /**
   * Whether all of the calls that may have begun were abandoned, and there is
   * one.
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
   * Takes all calls, as the worker is lost.
   *
   * @param isComplete Whether all that the worker has sent was received. If it
   * isn't, any of its calls may have begun.
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
      throw new RangeError(`Malformed message: no call ${id} is under way`);
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
    `Malformed message: what answers call ${id} doesn't fit it`,
  );
}
