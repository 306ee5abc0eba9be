import type { KeepAlive } from "../util/keep_alive.ts";
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
  /** The host where its calls must run; `undefined` for any. */
  readonly host?: string | undefined;
  /**
   * How many items it hasn't submitted; `Infinity` if that is unknown, which is
   * the default.
   */
  readonly left?: number;
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

/**
 * The sources of a scheduler, which take turns. They keep the program alive
 * while any of them waits for a worker to connect.
 */
export class CallSources {
  readonly #keepAlive: KeepAlive;
  readonly #workers: WorkerSet;
  readonly #now: () => number;
  #sources: CallSource[] = [];
  /** The hosts that the sources have calls for; `undefined` means any. */
  readonly #hosts = new Set<string | undefined>();
  #isWaiting = false;
  /** The index of the source that comes first. */
  #turn = 0;
  /** Whether other calls came since the last turn. */
  #hasOthers = false;
  /** Until when the workers count as shared; 0 if they don't. */
  #sharedUntil = 0;

  /**
   * Constructs an empty set of sources.
   *
   * @param workers The scheduler's workers; others may be added later.
   * @param now Returns the time, in milliseconds.
   */
  constructor(
    keepAlive: KeepAlive,
    workers: WorkerSet,
    now: () => number = () => performance.now(),
  ) {
    this.#keepAlive = keepAlive;
    this.#workers = workers;
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

  /** Stops the sources for each host for which `reasonFor` returns an error. */
  stop(reasonFor: (host: string | undefined) => Error | undefined): void {
    if (this.#sources.length === 0) return;
    for (const host of [...this.#hosts]) {
      if (reasonFor(host) === undefined) continue;
      for (const source of this.#sources.filter((one) => one.host === host)) {
        // Each source has its own reader, which gets its own error.
        source.stop(reasonFor(host)!);
      }
    }
    this.prune();
  }

  /** Checks again whether a source waits for a worker to connect. */
  workersChanged(): void {
    const isWaiting = [...this.#hosts].some((host) => !this.#workers.has(host));
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
   * Asks the sources, in turn, for calls to fill the room that is left.
   *
   * @param waiting Returns how many calls wait for a host.
   */
  pull(waiting: (host: string | undefined) => number): void {
    const sources = this.#sources;
    const { length } = sources;
    const hasOthers = this.#hasOthers;
    this.#hasOthers = false;
    if (length === 0) return;
    const areShared = this.#areShared(hasOthers);
    this.#turn = (this.#turn + 1) % length;
    const full = new Set<string | undefined>();
    for (let index = 0; index < length; index++) {
      const source = sources[(this.#turn + index) % length]!;
      const { host } = source;
      if (source.ended || full.has(host)) continue;
      const room = this.#workers.room(host) - waiting(host);
      if (room > 0) {
        const capacity = this.#workers.capacity(host);
        // Distant workers would be idle with few calls in flight.
        const isShared = areShared && !capacity.isDistant;
        source.pull({ room, isShared, ...capacity });
      } else full.add(host);
      if (full.size === this.#hosts.size) break;
    }
    this.prune();
  }

  /** Returns whether other calls use the workers now, or did so lately. */
  #areShared(hasOthers: boolean): boolean {
    if (hasOthers) this.#sharedUntil = this.#now() + SHARED_MILLISECONDS;
    else if (this.#sharedUntil === 0) return false;
    else if (this.#now() >= this.#sharedUntil) this.#sharedUntil = 0;
    return this.#sharedUntil > 0;
  }

  #changed(): void {
    this.#hosts.clear();
    for (const { host } of this.#sources) this.#hosts.add(host);
    this.workersChanged();
  }
}
