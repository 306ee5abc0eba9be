import type { MapCall, Thrown } from "./map_call.ts";
import { Queue } from "../util/queue.ts";

/** What a reader finds next in a buffer. */
export type NextResult = "value" | "thrown" | "waiting" | "empty";

/** What a buffer reports to its map. */
export interface ResultBufferEvents {
  /** Notes that all values of a call were read. */
  read(call: MapCall): void;
  /** Notes that a call comes next that may not have been submitted. */
  needs(call: MapCall): void;
}

/**
 * The calls of a map from their submission until their values are read, in the
 * order of the items or in that of their arrival.
 */
export class ResultBuffer {
  readonly #isOrdered: boolean;
  readonly #events: ResultBufferEvents;
  /** The calls to read; if the buffer isn't ordered, only arrived ones. */
  readonly #calls = new Queue<MapCall>();
  /** The calls that haven't arrived, if the buffer isn't ordered. */
  readonly #expected = new Set<MapCall>();
  /** The call that is being read, and the index of its next value. */
  #current: MapCall | undefined;
  #index = 0;

  /** Constructs a buffer without calls. */
  constructor(isOrdered: boolean, events: ResultBufferEvents) {
    this.#isOrdered = isOrdered;
    this.#events = events;
  }

  /** Adds a call that was submitted. */
  push(call: MapCall): void {
    if (this.#isOrdered) this.#calls.push(call);
    else this.#expected.add(call);
  }

  /** Adds a call that was submitted and follows another one. */
  pushNext(call: MapCall): void {
    if (!this.#isOrdered) this.#expected.add(call);
  }

  /**
   * Notes that a call's outcome has arrived.
   *
   * @returns Whether the call wasn't dropped meanwhile.
   */
  arrived(call: MapCall): boolean {
    if (this.#isOrdered) return true;
    if (!this.#expected.delete(call)) return false;
    this.#calls.push(call);
    return true;
  }

  /**
   * Moves on to the next result.
   *
   * @returns Whether it is a value, or an error, or has not arrived; `"empty"`
   * if there are no calls.
   */
  advance(): NextResult {
    for (;;) {
      const current = this.#current;
      if (current !== undefined) {
        if (this.#index < current.values.length) return "value";
        if (current.thrown !== undefined) return "thrown";
        this.#current = undefined;
        this.#events.read(current);
        if (this.#isOrdered && current.next !== undefined) {
          this.#calls.unshift(current.next);
          this.#events.needs(current.next);
        }
      }
      const head = this.#calls.peek();
      if (head === undefined) {
        return this.#expected.size > 0 ? "waiting" : "empty";
      }
      if (!head.hasArrived) return "waiting";
      this.#current = this.#calls.shift();
      this.#index = 0;
    }
  }

  /** Takes the value that {@linkcode ResultBuffer.advance} has found. */
  takeValue(): unknown {
    return this.#current!.values[this.#index++];
  }

  /** Appends all values of the current call to a list. */
  takeValues(results: unknown[]): void {
    const { values } = this.#current!;
    for (; this.#index < values.length; this.#index++) {
      results.push(values[this.#index]);
    }
  }

  /** The error that {@linkcode ResultBuffer.advance} has found. */
  get thrown(): Thrown | undefined {
    return this.#current?.thrown;
  }

  /** Abandons the calls that a reader would have to wait for. */
  abandonUnread(): void {
    const calls = [...this.#calls.drain(), ...this.#expected];
    this.#expected.clear();
    let isReadable = this.#abandonNext(this.#current);
    for (const call of calls) {
      isReadable &&= call.hasArrived;
      if (isReadable) this.#calls.push(call);
      else call.abandon();
      isReadable = this.#abandonNext(call) && isReadable;
    }
  }

  /** Abandons the calls that follow one; returns whether there were none. */
  #abandonNext(call: MapCall | undefined): boolean {
    if (call?.next === undefined || !this.#isOrdered) return true;
    let next: MapCall | undefined = call.next;
    for (; next !== undefined; next = next.next) next.abandon();
    call.follow(undefined);
    return false;
  }

  /** Abandons all calls and drops all results. */
  clear(): void {
    this.abandonUnread();
    this.#current = undefined;
    this.#calls.drain();
  }
}
