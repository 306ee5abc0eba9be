import type { Offer } from "../scheduling/call_sources.ts";
import type { ChunkSize } from "./chunk_size.ts";
import type { MapCall } from "./map_call.ts";

/** The most bytes of results that may wait for the reader. */
const MAX_HELD_BYTES = 32 * 2 ** 20;

/** The most bytes in flight per worker, including expected results. */
const MAX_IN_FLIGHT_BYTES = 4 * 2 ** 20;

/**
 * How many more calls than the windows hold may be outstanding, per worker,
 * while the reader is busy. It may read no further.
 */
const CALLS_AHEAD = 16;

/** How many items per worker may be outstanding, unless chunks are large. */
const ITEMS_AHEAD = 8_192;

/**
 * How much faster a map grows if all workers are distant: it waits for each step
 * until results have come back from them.
 */
const DISTANT_GROWTH = 4;

/**
 * How many items per worker may be in flight or wait for a reader that is busy,
 * while other calls share the workers: these wait behind the items, and behind
 * their results.
 */
const SHARED_ITEMS = 3_000;

/**
 * Into how many chunks per worker the items that are left should be divided at
 * least. So the last ones can be shared, whatever they take.
 */
const LAST_CHUNKS = 2;

/** A paused map continues when this share of its outstanding calls is left. */
const LOW_WATER = 0.75;

/**
 * Decides whether a map may submit another call. It limits calls and bytes,
 * both in flight and waiting for the reader.
 */
export class FlowControl {
  readonly #chunkSize: ChunkSize;
  /** How many more calls the workers can take. */
  #room = 0;
  /** How many workers can take the map's calls. */
  #workers = 0;
  /** How many calls these workers run at once, in total. */
  #concurrency = 0;
  /** How many calls may be outstanding while the reader is busy. */
  #maxOutstanding = 0;
  /** How many calls may be outstanding while the reader waits. */
  #maxAhead = 0;
  /** How many submitted calls have values that weren't read yet. */
  #outstanding = 0;
  /** How many submitted calls have no outcome yet. */
  #inFlight = 0;
  /** How many calls may be in flight at least; each outcome raises this. */
  #maxInFlight = 0;
  /** By how many calls each outcome raises it. */
  #growth = 1;
  /** How many calls may be in flight, however many outcomes there were. */
  #maxShared = Infinity;
  /** The expected bytes of the calls in flight and their results. */
  #inFlightBytes = 0;
  /** The bytes of results that wait for the reader. */
  #heldBytes = 0;
  /** The calls for items that wait to run again. */
  readonly #delayed = new Set<MapCall>();
  /** Whether results that wait don't count: the reader collects all of them. */
  #isUnlimited = false;
  /** Whether calls have yielded values one by one. */
  #isYielding = false;
  /** A paused map continues when at most this many calls are outstanding. */
  #lowWater = -1;
  /** Whether the map is paused until its reader waits. */
  #needsReader = false;

  /** Constructs the flow control of a map that hasn't submitted any call. */
  constructor(chunkSize: ChunkSize) {
    this.#chunkSize = chunkSize;
  }

  /**
   * Returns whether another call may be submitted now.
   *
   * @param isAwaited Whether the reader waits for a result: then the calls after
   * it aren't ahead of the reader.
   */
  isOpen(isAwaited: boolean): boolean {
    if (this.#room <= 0 || this.#isLoaded) return false;
    const most = Math.min(this.#mostInFlight, this.#maxShared);
    if (this.#inFlight >= most) return false;
    if (this.#delayed.size >= this.#workers * ITEMS_AHEAD) return false;
    if (this.#isUnlimited) return true;
    // Calls whose values wait are unfinished, and take memory at the workers.
    const max = isAwaited && !this.#isYielding
      ? this.#maxAhead
      : this.#maxOutstanding;
    if (this.#outstanding < max && this.#heldBytes <= MAX_HELD_BYTES) {
      return true;
    }
    this.#needsReader = !isAwaited;
    this.#lowWater = Math.floor(Math.min(this.#outstanding, max) * LOW_WATER);
    return false;
  }

  /**
   * Handles that the reader waits.
   *
   * @returns Whether a paused map may continue.
   */
  awaited(): boolean {
    const needsReader = this.#needsReader;
    this.#needsReader = false;
    return needsReader;
  }

  /** Whether so many results wait that no more should be added. */
  get isFull(): boolean {
    return this.#outstanding >= this.#maxAhead ||
      this.#heldBytes > MAX_HELD_BYTES;
  }

  /** Whether so much waits for a reader that is busy that nothing is submitted. */
  get waitsForReader(): boolean {
    return !this.#isUnlimited &&
      (this.#outstanding >= this.#maxOutstanding ||
        this.#heldBytes > MAX_HELD_BYTES);
  }

  /** How many workers can take the map's calls. */
  get workers(): number {
    return this.#workers;
  }

  /** Returns how many of the items that are left a chunk should have at most. */
  share(left: number): number {
    return Math.ceil(left / (LAST_CHUNKS * this.#workers));
  }

  /** Removes the limits of results that wait. */
  lift(): void {
    this.#isUnlimited = true;
  }

  /** Sets the limits from an offer of the scheduler. */
  offer(offer: Offer): void {
    const { room, isShared, workers, concurrency, capacity, isDistant } = offer;
    this.#growth = isDistant ? DISTANT_GROWTH : 1;
    this.#chunkSize.setGrowth(isDistant ? DISTANT_GROWTH : 2);
    const chunks = this.#chunksFor(ITEMS_AHEAD);
    this.#room = room;
    this.#workers = workers;
    this.#concurrency = concurrency;
    this.#maxShared = isShared
      ? Math.max(concurrency, workers * this.#chunksFor(SHARED_ITEMS))
      : Infinity;
    this.#maxAhead = workers * chunks;
    this.#maxOutstanding = Math.min(
      capacity + workers * CALLS_AHEAD,
      this.#maxAhead,
      this.#maxShared,
    );
  }

  /** Adds a submitted call. */
  submitted(call: MapCall): void {
    this.#room--;
    this.#outstanding++;
    this.#inFlight++;
    this.#inFlightBytes += call.expectedBytes;
  }

  /** Takes note of a call that waits to run again, and uses no room. */
  delayed(call: MapCall): void {
    this.#delayed.add(call);
    this.#outstanding--;
    this.#inFlight--;
    this.#inFlightBytes -= call.expectedBytes;
  }

  /** Adds such a call again. */
  resumed(call: MapCall): void {
    if (this.#delayed.delete(call)) this.submitted(call);
  }

  /** Adds a call that nothing runs: its results wait for the reader. */
  recalled(call: MapCall): void {
    this.#outstanding++;
    this.#heldBytes += call.resultBytes;
  }

  /** Adds the bytes by which a call is larger than expected. */
  grown(bytes: number): void {
    this.#inFlightBytes += bytes;
  }

  /** Moves a call from in flight to waiting for the reader. */
  arrived(call: MapCall): void {
    // A call that waits can be ended.
    if (this.#delayed.size > 0) this.resumed(call);
    this.#maxInFlight = this.#mostInFlight + this.#growth;
    this.#inFlight--;
    this.#inFlightBytes -= call.expectedBytes;
    this.#heldBytes += call.resultBytes;
  }

  /** Adds values that wait for the reader, while their call is in flight. */
  held(bytes: number): void {
    this.#isYielding = true;
    this.#heldBytes += bytes;
  }

  /**
   * Removes such values, which were read.
   *
   * @returns Whether a paused map may continue.
   */
  released(bytes: number): boolean {
    const wasFull = this.#heldBytes > MAX_HELD_BYTES;
    this.#heldBytes -= bytes;
    return wasFull && this.#heldBytes <= MAX_HELD_BYTES;
  }

  /**
   * Removes a call whose values were all read.
   *
   * @returns Whether a paused map may continue.
   */
  read(call: MapCall): boolean {
    this.#outstanding--;
    this.#heldBytes -= call.resultBytes;
    if (this.#outstanding > this.#lowWater) return false;
    this.#lowWater = -1;
    return true;
  }

  /** How many calls may be in flight, unless other calls share the workers. */
  get #mostInFlight(): number {
    return Math.max(this.#concurrency * this.#growth, this.#maxInFlight);
  }

  /** Returns how many chunks, at least two, have this many items. */
  #chunksFor(items: number): number {
    return Math.max(2, Math.ceil(items / this.#chunkSize.items));
  }

  /** Whether the byte limit is reached, with at least one call per worker. */
  get #isLoaded(): boolean {
    return this.#inFlight >= this.#workers &&
      this.#inFlightBytes >= this.#workers * MAX_IN_FLIGHT_BYTES;
  }
}
