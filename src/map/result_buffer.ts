import type { MapCall } from "./map_call.ts";
import type { Thrown } from "./thrown.ts";
import { Queue } from "../util/queue.ts";

/** The state of the next results in a buffer. */
export type NextResults = "values" | "thrown" | "waiting" | "empty";

/** A buffer's callbacks to its map. */
export interface ResultBufferEvents {
  /** Handles a call whose values were all read. */
  read(call: MapCall): void;
  /** Handles that a call is next to be read; it may not be submitted yet. */
  needs(call: MapCall): void;
  /** Returns whether more calls for a part of the items may be added. */
  grows(part: number): boolean;
}

/**
 * The calls of a map from their submission until all their values are read, in
 * the order of the items or of their arrival.
 */
export class ResultBuffer {
  readonly #isOrdered: boolean;
  readonly #events: ResultBufferEvents;
  /** The calls to read; in an unordered buffer, only those that arrived. */
  readonly #calls = new Queue<MapCall>();
  /** The part of the items that is being read, and the calls for later parts. */
  #part = 0;
  #later: MapCall[][] = [];
  /** In an unordered buffer, the calls that haven't arrived. */
  readonly #expected = new Set<MapCall>();
  /** Those among them that have values to read. */
  readonly #yielding = new Set<MapCall>();
  /** The calls that have arrived and can't be read yet. */
  #held: Set<MapCall> | undefined;
  /** The call that is being read, and whether its values were taken. */
  #current: MapCall | undefined;
  #isTaken = false;

  /** Constructs an empty buffer. */
  constructor(isOrdered: boolean, events: ResultBufferEvents) {
    this.#isOrdered = isOrdered;
    this.#events = events;
  }

  /**
   * Prepares for items in parts. Calls for parts of odd numbers are added in
   * reverse order, and before the part before them is complete.
   *
   * @param last The number of the last part.
   */
  divide(last: number): void {
    this.#later = Array.from({ length: last + 1 }, () => []);
  }

  /** Adds a submitted call. */
  push(call: MapCall): void {
    if (!this.#isOrdered) this.#expected.add(call);
    else if (call.part === this.#part) this.#calls.push(call);
    else this.#later[call.part]!.push(call);
  }

  /** Adds a submitted call for items that another call left unprocessed. */
  pushNext(call: MapCall): void {
    if (!this.#isOrdered) this.#expected.add(call);
  }

  /** Keeps a call that arrives from being read, until it is released. */
  hold(call: MapCall): void {
    this.#held ??= new Set();
    this.#held.add(call);
  }

  /** Lets a call that is held be read. */
  release(call: MapCall): void {
    if (this.#held?.delete(call) && !this.#isOrdered) this.#calls.push(call);
  }

  /**
   * Marks a call as arrived.
   *
   * @returns `false` if the call was dropped before.
   */
  arrived(call: MapCall): boolean {
    if (this.#isOrdered) return true;
    if (!this.#expected.delete(call)) {
      this.#held?.delete(call);
      return false;
    }
    if (this.#isHeld(call)) return true;
    if (!this.#yielding.delete(call)) this.#calls.push(call);
    return true;
  }

  /** Marks a call that hasn't arrived as having values to read. */
  yielded(call: MapCall): void {
    if (this.#isOrdered || !this.#expected.has(call)) return;
    if (this.#yielding.has(call)) return;
    this.#yielding.add(call);
    this.#calls.push(call);
  }

  /**
   * Moves to the next results.
   *
   * @returns Their state: values, an error, or not arrived; `"empty"` if there
   * are no calls.
   */
  advance(): NextResults {
    for (;;) {
      const current = this.#current;
      if (current !== undefined) {
        if (!this.#isTaken && current.values.length > 0) return "values";
        this.#isTaken = false;
        if (current.nextBatch()) continue;
        if (!current.hasArrived) {
          if (this.#isOrdered && !current.isDropped) return "waiting";
          // It comes again with its next values.
          this.#yielding.delete(current);
          this.#current = undefined;
          continue;
        }
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
        if (this.#nextPart()) continue;
        const isWaiting = this.#expected.size > 0 ||
          this.#held !== undefined && this.#held.size > 0;
        return isWaiting ? "waiting" : "empty";
      }
      if (!head.isReadable || this.#isHeld(head)) return "waiting";
      this.#current = this.#calls.shift();
    }
  }

  /** Moves on to the next part of the items if the calls of this one were read. */
  #nextPart(): boolean {
    if (this.#part + 1 >= this.#later.length) return false;
    if (this.#events.grows(this.#part)) return false;
    const part = ++this.#part;
    const calls = this.#later[part]!;
    this.#later[part] = [];
    if (part % 2 === 1) calls.reverse();
    for (const call of calls) this.#calls.push(call);
    return true;
  }

  /** Takes the values that {@linkcode ResultBuffer.advance} moved to. */
  take(): readonly unknown[] {
    this.#isTaken = true;
    return this.#current!.values;
  }

  /** The error that {@linkcode ResultBuffer.advance} moved to. */
  get thrown(): Thrown | undefined {
    return this.#current?.thrown;
  }

  /** Abandons the calls that can't be read without waiting. */
  abandonUnread(): void {
    const calls = [...this.#calls.drain(), ...this.#expected];
    this.#expected.clear();
    this.#yielding.clear();
    const current = this.#current;
    if (current?.hasArrived === false) current.abandon();
    let isReadable = current?.isDropped !== true || !this.#isOrdered;
    isReadable = this.#abandonNext(current) && isReadable;
    for (const call of calls) {
      const isKept = isReadable && this.#isComplete(call);
      if (isKept) this.#calls.push(call);
      else call.abandon();
      if (this.#isOrdered) isReadable = isKept;
      isReadable = this.#abandonNext(call) && isReadable;
    }
    for (const call of this.#later.splice(0).flat()) {
      call.abandon();
      this.#abandonNext(call);
    }
    this.#held = undefined;
  }

  /**
   * Abandons the calls that follow a call, from the first one on that can't be
   * read.
   *
   * @returns Whether all of them can be read.
   */
  #abandonNext(call: MapCall | undefined): boolean {
    if (call === undefined || !this.#isOrdered) return true;
    let last = call;
    while (this.#isComplete(last) && last.next !== undefined) {
      if (!this.#isComplete(last.next)) break;
      last = last.next;
    }
    const first = last.next;
    for (let next = first; next !== undefined; next = next.next) next.abandon();
    last.follow(undefined);
    return first === undefined;
  }

  /** Returns whether a call has arrived, and isn't held. */
  #isComplete(call: MapCall): boolean {
    return call.hasArrived && !this.#isHeld(call);
  }

  /** Abandons all calls and drops all results. */
  clear(): void {
    this.abandonUnread();
    this.#current = undefined;
    this.#calls.drain();
  }

  /** Returns whether a call has arrived, and can't be read yet. */
  #isHeld(call: MapCall): boolean {
    return this.#held !== undefined && this.#held.has(call);
  }
}
