import type {
  HostChange,
  HostReading,
  IdleWorkers,
  PoolReading,
  ScalingRange,
  WaitingWork,
} from "./readings.ts";

/** A host whose number of workers may change. */
interface Elastic {
  readonly reading: HostReading;
  readonly range: ScalingRange;
  /** How many workers it should have. */
  workers: number;
}

/**
 * Decides how many workers hosts should have.
 *
 * A host grows if the waiting work would take the present workers longer than a
 * further worker takes to start: by as many workers as bring it below that, but
 * at most doubling with each step. A worker ends after it was idle for a while.
 */
export class ScalingPolicy {
  /** When a host grew last. */
  readonly #steps = new WeakMap<object, number>();
  /** When work was last waiting for a host. */
  readonly #needed = new WeakMap<object, number>();
  /** Since when work has had an unknown number of items, by its key. */
  readonly #unknown = new Map<unknown, number>();

  /**
   * Returns the hosts whose number of workers should change, and expects that it
   * does.
   */
  decide(reading: PoolReading): HostChange[] {
    const elastic = reading.hosts.flatMap((reading): Elastic[] => {
      const { range, connected, starting } = reading;
      const workers = connected + starting;
      return range === undefined ? [] : [{ reading, range, workers }];
    });
    this.#keepMinimum(elastic, reading.now);
    const soonest = elastic.toSorted((one, other) =>
      one.reading.startTime - other.reading.startTime
    );
    const works = inOrder(reading.work);
    this.#watchUnknown(works, reading.now);
    for (const work of works) this.#grow(work, soonest, reading);
    return elastic.flatMap((host) => this.#changeOf(host, reading.now));
  }

  #keepMinimum(hosts: readonly Elastic[], now: number): void {
    for (const one of hosts) {
      const { reading: { host, isUsable, mayGrow }, range: { min } } = one;
      if (one.workers >= min || !isUsable || !mayGrow) continue;
      one.workers = min;
      this.#steps.set(host, now);
    }
  }

  /** Grows hosts, first those whose workers start soonest. */
  #grow(
    work: WaitingWork,
    soonest: readonly Elastic[],
    reading: PoolReading,
  ): void {
    const { now, concurrency } = reading;
    const { key, items, hasMore } = work;
    const unknownFor = now - (this.#unknown.get(key) ?? Infinity);
    const isHere = ({ host }: HostReading) => work.hosts?.has(host) ?? true;
    const hosts = soonest.filter(({ reading }) => isHere(reading));
    const connected = reading.hosts.filter(isHere)
      .reduce((sum, { connected }) => sum + connected, 0);
    // Each further worker must have something to do.
    const most = hasMore
      ? Infinity
      : connected + Math.ceil(items / concurrency);
    for (const host of hosts) {
      this.#needed.set(host.reading.host, now);
      const present = countPresent(reading, soonest, isHere);
      const isLong = unknownFor >= host.reading.startTime;
      const needed = isLong && reading.microseconds > 0
        ? Infinity
        : neededWorkers(
          items * reading.microseconds / 1_000,
          present,
          host.reading.startTime,
        );
      this.#step(host, Math.min(needed, most) - present, now);
    }
  }

  /** Takes note of the work that has an unknown number of items. */
  #watchUnknown(works: readonly WaitingWork[], now: number): void {
    const unknown = works.filter(({ hasMore }) => hasMore)
      .map(({ key }) => [key, this.#unknown.get(key) ?? now] as const);
    this.#unknown.clear();
    for (const [key, since] of unknown) this.#unknown.set(key, since);
  }

  /** Grows a host by a number of workers, or as far as it may. */
  #step(one: Elastic, missing: number, now: number): void {
    const { reading: { host, isUsable, mayGrow, stepPause }, range } = one;
    const room = Math.min(missing, range.max - one.workers);
    if (room <= 0 || !isUsable || !mayGrow) return;
    const since = now - (this.#steps.get(host) ?? -Infinity);
    if (one.workers > 0 && since < stepPause) return;
    this.#steps.set(host, now);
    one.workers += Math.min(room, Math.max(1, one.workers));
  }

  #changeOf(
    { reading, range, workers }: Elastic,
    now: number,
  ): HostChange[] {
    const { host, connected, starting, idle } = reading;
    const present = connected + starting;
    if (workers !== present) return [{ host, workers, ending: 0 }];
    // What starts for work that is gone comes before workers that have run some.
    const spare = Math.max(0, present - range.min);
    const isNeeded = now - (this.#needed.get(host) ?? -Infinity) < range.idle;
    const calledOff = isNeeded ? 0 : Math.min(starting, spare);
    const ending = countEnding(idle, range.idle, spare - calledOff);
    const ended = idle.slice(0, ending)
      .reduce((sum, { workers }) => sum + workers, 0);
    if (calledOff + ended === 0) return [];
    return [{ host, workers: present - calledOff - ended, ending }];
  }
}

/** Returns the work for certain hosts before the rest, which includes it all. */
function inOrder(work: readonly WaitingWork[]): WaitingWork[] {
  const waiting = work.filter(({ items, hasMore }) => items > 0 || hasMore);
  const bound = waiting.filter(({ hosts }) => hosts !== undefined);
  if (bound.length === waiting.length) return bound;
  const all = {
    key: undefined,
    hosts: undefined,
    items: waiting.reduce((sum, { items }) => sum + items, 0),
    hasMore: waiting.some(({ hasMore }) => hasMore),
  };
  return [...bound, all];
}

/**
 * Counts the workers that hosts have and will soon have: a lost host, or a queue
 * that lets workers wait, may take long.
 */
function countPresent(
  { hosts }: PoolReading,
  elastic: readonly Elastic[],
  isHere: (host: HostReading) => boolean,
): number {
  let present = 0;
  for (const host of hosts.filter(isHere)) {
    const { connected, starting, isUsable, mayGrow } = host;
    const own = elastic.find(({ reading }) => reading === host);
    const isSoon = isUsable && mayGrow;
    present += isSoon ? own?.workers ?? connected + starting : connected;
  }
  return present;
}

/**
 * Returns how many workers finish the waiting work in the time that a worker
 * takes to start, at least one.
 */
function neededWorkers(
  work: number,
  present: number,
  startTime: number,
): number {
  return Math.max(Math.ceil(work / startTime), present === 0 ? 1 : 0);
}

/** Returns how many groups of idle workers, from the first on, should end. */
function countEnding(
  idle: readonly IdleWorkers[],
  most: number,
  spare: number,
): number {
  let ending = 0;
  let left = spare;
  for (const { workers, milliseconds } of idle) {
    if (milliseconds < most || workers > left) break;
    left -= workers;
    ending++;
  }
  return ending;
}
