/** How many workers a host may have. */
export interface ScalingRange {
  /** How many workers are kept, whether or not there is work. */
  readonly min: number;
  /** How many workers there may be. */
  readonly max: number;
  /** How long a worker beyond `min` may be idle, in milliseconds. */
  readonly idle: number;
}

/** Work that waits for workers. */
export interface WaitingWork {
  /** Identifies the same kind of work in the next reading. */
  readonly key: unknown;
  /** The hosts where it may run; `undefined` for any. */
  readonly hosts: ReadonlySet<object> | undefined;
  /** How many calls and items wait. */
  readonly items: number;
  /** Whether further items follow, whose number isn't known. */
  readonly hasMore: boolean;
}

/** Workers that start and end together, and that have nothing to do. */
export interface IdleWorkers {
  /** How many workers these are. */
  readonly workers: number;
  /** How long all of them have been idle, in milliseconds. */
  readonly milliseconds: number;
}

/** The state of a host. */
export interface HostReading {
  /** The host. */
  readonly host: object;
  /** How many workers it may have; `undefined` if their number is fixed. */
  readonly range: ScalingRange | undefined;
  /** Whether the host can be used now. */
  readonly isUsable: boolean;
  /** How many workers are connected, without those that are to end. */
  readonly connected: number;
  /** How many workers were asked for and aren't connected yet. */
  readonly starting: number;
  /** How long a worker takes to start, in milliseconds. */
  readonly startTime: number;
  /** The least time between requests for further workers, in milliseconds. */
  readonly stepPause: number;
  /** Whether the host would start further workers now. */
  readonly mayGrow: boolean;
  /** The idle workers, those that have been so the longest first. */
  readonly idle: readonly IdleWorkers[];
}

/** The state of a pool. */
export interface PoolReading {
  /** The time, in milliseconds. */
  readonly now: number;
  /** The work that waits, each item counted once. */
  readonly work: readonly WaitingWork[];
  /**
   * How long an item keeps a worker busy, in microseconds; 0 if that is unknown.
   * If a worker runs several at once, they share the time.
   */
  readonly microseconds: number;
  /** How many calls a worker runs at once. */
  readonly concurrency: number;
  /** The hosts, in the order of the options. */
  readonly hosts: readonly HostReading[];
}

/** A change of the number of a host's workers. */
export interface HostChange {
  /** The host. */
  readonly host: object;
  /** How many workers it should have from now on. */
  readonly workers: number;
  /** How many of {@linkcode HostReading.idle}, from the first on, should end. */
  readonly ending: number;
}
