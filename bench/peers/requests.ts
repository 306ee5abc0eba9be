/** What a driver is asked to do, as a line of JSON. */
export interface Request {
  readonly work: WorkKind;
  /** The amount of work. */
  readonly count: number;
  /**
   * The number of calls at once, or items in a chunk, bytes in a payload, or
   * microseconds that a task takes; 0 for other works.
   */
  readonly size: number;
  /** The folder with the files to pack. */
  readonly folder?: string;
  /** The paths in each batch of files to pack. */
  readonly batches?: readonly (readonly string[])[];
}

/** The kinds of work that drivers can do. */
export type WorkKind =
  | "run"
  | "map/for-await"
  | "map/to-array"
  | "chunks/for-await"
  | "chunks/to-array"
  | "trips"
  | "payload/in"
  | "payload/out"
  | "spin"
  | "primes"
  | "gzip";

/** How long a work took. */
export interface Answer {
  /** The time in the pool. */
  readonly seconds: number;
  /** The time that one process needs for the same, if that was measured. */
  readonly alone?: number;
  /** The microseconds of each round trip, if they were measured. */
  readonly times?: readonly number[];
}

/** A driver's first line: who the peer is, or why it is missing. */
export type Hello =
  | { readonly version: string; readonly runtime: string }
  | { readonly missing: string };
