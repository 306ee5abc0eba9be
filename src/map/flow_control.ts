import type { Offer } from "../scheduling/call_sources.ts";
import type { ChunkSize } from "./chunk_size.ts";
import type { MapCall } from "./map_call.ts";

/** The most results that may wait for their reader, in bytes. */
const MAX_HELD_BYTES = 32 * 2 ** 20;

/** The most that may be in flight per worker, results included, in bytes. */
const MAX_IN_FLIGHT_BYTES = 4 * 2 ** 20;

/** Calls per worker, beyond the windows, whose results may wait for others. */
const CALLS_AHEAD = 16;

/** Items per worker that may be taken before their results are read. */
const ITEMS_AHEAD = 32_768;

/** The share of the outstanding calls that is left when a map goes on. */
const LOW_WATER = 0.75;

/**
 * Decides whether a map may submit another call: back-pressure from its reader
 * and from the workers, in calls and in bytes.
 */
export class FlowControl {
  readonly #chunkSize: ChunkSize;
  /** How many more calls the workers can take. */
  #room = 0;
  /** How many workers there are for them. */
  #workers = 0;
  /** How many calls they run at once. */
  #concurrency = 0;
  /** How many calls may be outstanding. */
  #maxOutstanding = 0;
  /** Calls that were submitted and whose values weren't all read. */
  #outstanding = 0;
  /** Calls that were submitted and haven't arrived. */
  #inFlight = 0;
  /** How many may be: more with each that arrives, as their size is known. */
  #maxInFlight = 0;
  /** What these and their results are expected to take. */
  #inFlightBytes = 0;
  /** Results that wait for their reader. */
  #heldBytes = 0;
  /** The map goes on once no more calls than this are outstanding. */
  #lowWater = -1;

  /** Constructs the flow control of a map that has submitted nothing. */
  constructor(chunkSize: ChunkSize) {
    this.#chunkSize = chunkSize;
  }

  /** Whether another call may be submitted now. */
  get isOpen(): boolean {
    if (this.#room <= 0 || this.#isLoaded) return false;
    if (this.#inFlight >= Math.max(this.#concurrency, this.#maxInFlight)) {
      return false;
    }
    if (
      this.#outstanding < this.#maxOutstanding &&
      this.#heldBytes <= MAX_HELD_BYTES
    ) return true;
    const most = Math.min(this.#outstanding, this.#maxOutstanding);
    this.#lowWater = Math.floor(most * LOW_WATER);
    return false;
  }

  /** Takes an offer of the scheduler. */
  offer({ room, workers, concurrency, capacity }: Offer): void {
    const chunks = Math.ceil(ITEMS_AHEAD / this.#chunkSize.items);
    this.#room = room;
    this.#workers = workers;
    this.#concurrency = concurrency;
    this.#maxOutstanding = Math.min(
      capacity + workers * CALLS_AHEAD,
      workers * Math.max(2, chunks),
    );
  }

  /** Notes that a call was submitted. */
  submitted(call: MapCall): void {
    this.#room--;
    this.#outstanding++;
    this.#inFlight++;
    this.#inFlightBytes += call.expectedBytes;
  }

  /** Notes that a call takes so many bytes more than was expected. */
  grown(bytes: number): void {
    this.#inFlightBytes += bytes;
  }

  /** Notes that a call's outcome has arrived. */
  arrived(call: MapCall): void {
    this.#maxInFlight = Math.max(this.#concurrency, this.#maxInFlight) + 1;
    this.#inFlight--;
    this.#inFlightBytes -= call.expectedBytes;
    this.#heldBytes += call.resultBytes;
  }

  /**
   * Notes that all values of a call were read.
   *
   * @returns Whether the map waited for that to go on.
   */
  read(call: MapCall): boolean {
    this.#outstanding--;
    this.#heldBytes -= call.resultBytes;
    if (this.#outstanding > this.#lowWater) return false;
    this.#lowWater = -1;
    return true;
  }

  /** Whether each worker can have a call, and no more bytes may be in flight. */
  get #isLoaded(): boolean {
    return this.#inFlight >= this.#workers &&
      this.#inFlightBytes >= this.#workers * MAX_IN_FLIGHT_BYTES;
  }
}
