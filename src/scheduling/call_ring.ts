import type { Call } from "../calls/call.ts";

/** The length of a new ring. All lengths are powers of 2. */
const MIN_LENGTH = 16;

/** A ring is halved if it has more than this many places for each call. */
const MAX_PLACES_PER_CALL = 8;

/**
 * Calls by id, in the order they were sent. Ids count up, so the place of a call
 * in an array follows from its id. A `Map` would be copied again and again while
 * calls come and go.
 */
export class CallRing {
  /** The call with an id is at the index of its lowest bits. */
  #places = makePlaces(MIN_LENGTH);
  #mask = MIN_LENGTH - 1;
  /** How many calls have a place. */
  #count = 0;
  /** The most calls since the last turn. */
  #peak = 0;
  /** No call that has a place was sent before the one with this id. */
  #first = 0;
  /** The id after that of the last call. */
  #next = 0;
  /** The calls whose places are used by later ones, in the order they were sent. */
  readonly #overtaken = new Map<number, Call>();

  /** How many places there are for calls, free and used. */
  get length(): number {
    return this.#places.length;
  }

  /** Adds a call. Its id should follow that of the call before. */
  add(call: Call): void {
    const { id } = call;
    if (id !== this.#next) this.#skipTo(id);
    if (this.#count === 0) this.#first = id;
    if ((id & this.#mask) === 0) this.#turn();
    if (this.#places[id & this.#mask] !== undefined) this.#makeRoom(id);
    this.#places[id & this.#mask] = call;
    this.#next = (id + 1) >>> 0;
    if (++this.#count > this.#peak) this.#peak = this.#count;
  }

  /** Returns the call with an id, if there is one. */
  get(id: number): Call | undefined {
    const call = this.#places[id & this.#mask];
    if (call !== undefined && call.id === id) return call;
    return this.#overtaken.size === 0 ? undefined : this.#overtaken.get(id);
  }

  /** Puts another call in the place of one, with the same id. */
  replace(call: Call, other: Call): void {
    const place = call.id & this.#mask;
    if (this.#places[place] === call) this.#places[place] = other;
    else this.#overtaken.set(call.id, other);
  }

  /** Removes and returns the call with an id, if there is one. */
  take(id: number): Call | undefined {
    const place = id & this.#mask;
    const call = this.#places[place];
    if (call !== undefined && call.id === id) {
      this.#places[place] = undefined;
      this.#count--;
      return call;
    }
    if (this.#overtaken.size === 0) return undefined;
    const overtaken = this.#overtaken.get(id);
    this.#overtaken.delete(id);
    return overtaken;
  }

  /** Removes all calls. */
  clear(): void {
    this.#overtaken.clear();
    this.#places = makePlaces(MIN_LENGTH);
    this.#mask = MIN_LENGTH - 1;
    this.#count = 0;
  }

  /** Yields the calls in the order they were sent. Don't add any meanwhile. */
  *[Symbol.iterator](): Generator<Call> {
    yield* this.#overtaken.values();
    this.#advance();
    for (let id = this.#first; id !== this.#next; id = (id + 1) >>> 0) {
      const call = this.#places[id & this.#mask];
      if (call !== undefined) yield call;
    }
  }

  /** Moves the first id to the first call, which takes amortized constant time. */
  #advance(): void {
    if (this.#count === 0) {
      this.#first = this.#next;
      return;
    }
    const { length } = this;
    if (((this.#next - this.#first) >>> 0) > length) {
      this.#first = (this.#next - length) >>> 0;
    }
    while (this.#places[this.#first & this.#mask] === undefined) {
      this.#first = (this.#first + 1) >>> 0;
    }
  }

  /** Begins with the first place again. */
  #turn(): void {
    this.#advance();
    const { length } = this;
    if (length > MIN_LENGTH && this.#peak * MAX_PLACES_PER_CALL < length) {
      this.#resize(length / 2);
    }
    this.#peak = this.#count;
  }

  /** Makes room for a call whose place is taken. */
  #makeRoom(id: number): void {
    const { length } = this;
    if (this.#count * 2 > length) return this.#resize(length * 2);
    const place = id & this.#mask;
    this.#overtake(this.#places[place]!);
    this.#places[place] = undefined;
  }

  /** Continues with an id that isn't the next. */
  #skipTo(id: number): void {
    this.#advance();
    this.#next = id;
    this.#refill(this.#reset(this.#places.length), 0);
  }

  #resize(length: number): void {
    this.#advance();
    this.#refill(this.#reset(length), length);
  }

  /** Empties all places; returns them, first to last. */
  #reset(length: number): (Call | undefined)[] {
    const at = this.#first & this.#mask;
    const places = this.#places;
    this.#places = makePlaces(length);
    this.#mask = length - 1;
    return [...places.slice(at), ...places.slice(0, at)];
  }

  /** Gives the last `most` ids their places again. */
  #refill(calls: readonly (Call | undefined)[], most: number): void {
    for (const call of calls) {
      if (call === undefined) continue;
      if (((this.#next - call.id) >>> 0) > most) this.#overtake(call);
      else this.#places[call.id & this.#mask] = call;
    }
  }

  #overtake(call: Call): void {
    this.#overtaken.set(call.id, call);
    this.#count--;
  }
}

function makePlaces(length: number): (Call | undefined)[] {
  return new Array<Call | undefined>(length).fill(undefined);
}
