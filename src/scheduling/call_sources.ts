import type { Placement } from "../calls/placement.ts";
import type { KeepAlive } from "../util/keep_alive.ts";
import type { ResourceCalls } from "./resource_calls.ts";
import type { HostCapacity } from "./worker_group.ts";
import type { WorkerSet } from "./worker_set.ts";

/** What the scheduler offers a source: room for calls, on how many workers. */
export interface Offer extends HostCapacity {
  /** How many more calls the workers can take now. */
  readonly room: number;
  /**
   * Whether calls that aren't from sources use the workers too, and these aren't
   * distant. Such calls wait behind those of a source, so it should have few in
   * flight.
   */
  readonly isShared: boolean;
}

/**
 * How long workers count as shared after a call that isn't from a source, in
 * milliseconds.
 */
const SHARED_MILLISECONDS = 100;

/** A source, such as a map, that submits calls when workers have room. */
export interface CallSource {
  /** Where its calls may run; `undefined` for anywhere. */
  readonly placement?: Placement | undefined;
  /**
   * The priority of its calls; the default is 0. Sources of a higher priority
   * are asked first.
   */
  readonly priority?: number | undefined;
  /**
   * How many items it hasn't submitted; `Infinity` if that is unknown, which is
   * the default.
   */
  readonly left?: number;
  /** The name of its task, if it has one. */
  readonly task?: string;
  /** What keeps it from submitting calls, even if workers have room. */
  readonly waitsFor?: "reader" | "input" | undefined;
  /** Whether the source will submit no more calls. */
  readonly ended: boolean;
  /**
   * Submits up to `offer.room` calls, now or later. The source must wake the
   * scheduler when it ends, and when it can submit more calls than it could
   * now.
   */
  pull(offer: Offer): void;
  /** Stops submitting calls, for the given reason. */
  stop(reason: Error): void;
}

/** Returns how many calls wait, of a placement and at least a priority. */
type Waiting = (placement: Placement | undefined, priority: number) => number;

/**
 * The sources of a scheduler, which take turns. They keep the program alive
 * while any of them waits for a worker to connect.
 */
export class CallSources {
  readonly #keepAlive: KeepAlive;
  readonly #workers: WorkerSet;
  readonly #resources: ResourceCalls;
  readonly #now: () => number;
  #sources: CallSource[] = [];
  /** The sources of each priority, the highest first. */
  #tiers: CallSource[][] = [];
  /** The placements of the calls of the sources. */
  readonly #placements = new Set<Placement | undefined>();
  #isWaiting = false;
  /** Decides which of the sources of a priority comes first. */
  #turn = 0;
  /** Whether other calls came since the last turn. */
  #hasOthers = false;
  /** Until when the workers count as shared; 0 if they don't. */
  #sharedUntil = 0;

  /**
   * Constructs an empty set of sources.
   *
   * @param workers The scheduler's workers; others may be added later.
   * @param resources Knows how many calls that take resources can run.
   * @param now Returns the time, in milliseconds.
   */
  constructor(
    keepAlive: KeepAlive,
    workers: WorkerSet,
    resources: ResourceCalls,
    now: () => number = () => performance.now(),
  ) {
    this.#keepAlive = keepAlive;
    this.#workers = workers;
    this.#resources = resources;
    this.#now = now;
  }

  /** How many sources there are. */
  get length(): number {
    return this.#sources.length;
  }

  /** Adds a source, unless it was already added. */
  add(source: CallSource): void {
    if (this.#sources.includes(source)) return;
    this.#sources.push(source);
    this.#changed();
  }

  /** The sources that may submit calls. */
  get running(): readonly CallSource[] {
    return this.#sources.filter(({ ended }) => !ended);
  }

  /** Drops the sources that have ended. */
  prune(): void {
    if (!this.#sources.some(({ ended }) => ended)) return;
    this.#sources = this.#sources.filter(({ ended }) => !ended);
    this.#changed();
  }

  /** Stops the sources with a placement for which `reasonFor` returns an error. */
  stop(
    reasonFor: (placement: Placement | undefined) => Error | undefined,
  ): void {
    if (this.#sources.length === 0) return;
    for (const placement of [...this.#placements]) {
      if (reasonFor(placement) === undefined) continue;
      const sources = this.#sources.filter((one) =>
        one.placement === placement
      );
      for (const source of sources) {
        // Each source has its own reader, which gets its own error.
        source.stop(reasonFor(placement)!);
      }
    }
    this.prune();
  }

  /** Checks again whether a source waits for a worker to connect. */
  workersChanged(): void {
    const isWaiting = [...this.#placements]
      .some((placement) => !this.#workers.has(placement));
    if (isWaiting === this.#isWaiting) return;
    this.#isWaiting = isWaiting;
    if (isWaiting) this.#keepAlive.hold();
    else this.#keepAlive.release();
  }

  /** Takes note of a call that isn't from a source. */
  otherCame(): void {
    this.#hasOthers = true;
  }

  /**
   * Asks the sources for calls to fill the room that is left. Those of the same
   * priority take turns.
   *
   * @param waiting Returns how many calls with a placement wait that have at
   * least this priority.
   */
  pull(waiting: Waiting): void {
    const hasOthers = this.#hasOthers;
    this.#hasOthers = false;
    if (this.#sources.length === 0) return;
    const areShared = this.#areShared(hasOthers);
    this.#turn = (this.#turn + 1) >>> 0;
    const full = new Set<Placement | undefined>();
    for (const sources of this.#tiers) {
      this.#pullFrom(sources, waiting, areShared, full);
      if (full.size === this.#placements.size) break;
    }
    this.prune();
  }

  /**
   * Asks sources of one priority.
   *
   * @param full The placements whose workers have no room.
   */
  #pullFrom(
    sources: readonly CallSource[],
    waiting: Waiting,
    areShared: boolean,
    full: Set<Placement | undefined>,
  ): void {
    const { length } = sources;
    for (let index = 0; index < length; index++) {
      const source = sources[(this.#turn + index) % length]!;
      const { placement, priority = 0 } = source;
      if (source.ended || full.has(placement)) continue;
      const workers = placement?.needs === undefined
        ? this.#workers
        : this.#resources;
      const room = workers.room(placement!) - waiting(placement, priority);
      if (room > 0) {
        const capacity = workers.capacity(placement!);
        // Distant workers would be idle with few calls in flight.
        const isShared = areShared && !capacity.isDistant;
        source.pull({ room, isShared, ...capacity });
      } else full.add(placement);
      if (full.size === this.#placements.size) return;
    }
  }

  /** Returns whether other calls use the workers now, or did so lately. */
  #areShared(hasOthers: boolean): boolean {
    if (hasOthers) this.#sharedUntil = this.#now() + SHARED_MILLISECONDS;
    else if (this.#sharedUntil === 0) return false;
    else if (this.#now() >= this.#sharedUntil) this.#sharedUntil = 0;
    return this.#sharedUntil > 0;
  }

  #changed(): void {
    this.#placements.clear();
    for (const { placement } of this.#sources) this.#placements.add(placement);
    const tiers = Map.groupBy(this.#sources, ({ priority = 0 }) => priority);
    this.#tiers = [...tiers].sort(([one], [other]) => other - one)
      .map(([, sources]) => sources);
    this.workersChanged();
  }
}
