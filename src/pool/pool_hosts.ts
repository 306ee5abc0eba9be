import type { Placement } from "../calls/placement.ts";
import type { ManagedHost } from "../hosts/managed_host.ts";
import { unlabeledPlace, type WorkerPlace } from "../options/place.ts";
import { HostTally } from "../scheduling/host_tally.ts";
import { displayable } from "./display_stats.ts";
import {
  type ConnectedWorkers,
  type HostSituation,
  hostSituations,
} from "./host_situation.ts";
import type { HostStats, PoolStats } from "./stats.ts";

/** The place of hosts whose machines aren't described. */
const NO_PLACE = unlabeledPlace();

/** A host of a pool, and the figures of its workers. */
interface PoolHost {
  readonly host: ManagedHost;
  readonly tally: HostTally;
  /** Whether it is being removed. */
  isLeaving: boolean;
}

/** Why no worker is left. */
export interface Stranding {
  /** The reason in words. */
  readonly message: string;
  /** The error of a host, if there is one. */
  readonly cause: Error | undefined;
}

/** The hosts of a pool: their figures, and which of them may get workers. */
export class PoolHosts {
  readonly #hosts = new Map<ManagedHost, PoolHost>();
  /** The tasks of hosts that were removed. */
  readonly #removed = new HostTally("removed");
  /** Why calls for hosts that were removed fail, by name. */
  readonly #removals = new Map<string, Error>();
  readonly #hostTimeout: number;

  /**
   * Constructs it for the hosts that a pool has at first.
   *
   * @param hostTimeout How long calls wait for a lost host, in milliseconds.
   */
  constructor(hosts: readonly ManagedHost[], hostTimeout: number) {
    this.#hostTimeout = hostTimeout;
    for (const host of hosts) this.add(host);
  }

  /** The names of the hosts, without those that are being removed. */
  get names(): string[] {
    return this.#staying.map(({ host }) => host.name);
  }

  /** The hosts, without those that are being removed. */
  get present(): ManagedHost[] {
    return this.#staying.map(({ host }) => host);
  }

  /** How many tasks ran on all hosts, and how long they took, in microseconds. */
  get total(): { items: number; busy: number } {
    const tallies = [this.#removed, ...this.#all.map(({ tally }) => tally)];
    return {
      items: sum(tallies.map(({ done, failed }) => done + failed)),
      busy: sum(tallies.map(({ busy }) => busy)),
    };
  }

  /** How many workers the hosts should have, as far as known. */
  get totalWorkers(): number {
    return sum(this.#staying.map(({ host }) => host.workers));
  }

  /** Adds a host. */
  add(host: ManagedHost): void {
    this.#removals.delete(host.name);
    const tally = new HostTally(host.name);
    this.#hosts.set(host, { host, tally, isLeaving: false });
  }

  /** Returns whether any host has a name, even if it is being removed. */
  has(name: string): boolean {
    return this.#all.some(({ host }) => host.name === name);
  }

  /** Returns the hosts with a name, even if they are being removed. */
  named(name: string): ManagedHost[] {
    return this.#all.flatMap(({ host }) => host.name === name ? host : []);
  }

  /** Returns whether a host is being removed, or is none of these. */
  isLeaving(host: ManagedHost): boolean {
    return this.#hosts.get(host)?.isLeaving ?? true;
  }

  /** Expects no more workers of a host, which is about to be removed. */
  leave(host: ManagedHost): void {
    const { name } = host;
    this.#hosts.get(host)!.isLeaving = true;
    this.#removals.set(name, new Error(`The host ${name} was removed`));
  }

  /**
   * Removes a host whose workers have ended, if it is there; the pool's figures
   * keep its.
   */
  remove(host: ManagedHost): void {
    const known = this.#hosts.get(host);
    if (known === undefined) return;
    const { done, failed, busy } = known.tally;
    this.#removed.count(done, failed, busy);
    this.#hosts.delete(host);
  }

  /** Returns the figures of a host. */
  tallyOf(host: ManagedHost): HostTally {
    return this.#hosts.get(host)!.tally;
  }

  /** Returns whether a placement, or any, has or may get workers. */
  expects(placement: Placement | undefined): boolean {
    return this.#staying.some(({ host }) =>
      (placement === undefined || meets(host, placement)) &&
      host.expectsWorkers && this.#timeLeft(host) > 0
    );
  }

  /** Returns the names and machines of hosts that may get workers. */
  expectedPlaces(): [host: string, place: WorkerPlace][] {
    return this.#staying.flatMap(({ host }) =>
      host.place !== undefined && host.expectsWorkers
        ? [[host.name, host.place]]
        : []
    );
  }

  /** Returns whether a host is removed, even if it still has workers. */
  isRemoved(name: string): boolean {
    return this.#removals.has(name);
  }

  /** Returns the reason why a host can't be used, if known. */
  errorOf(name: string): Error | undefined {
    return this.named(name).find(({ error }) => error !== undefined)?.error ??
      this.#removals.get(name);
  }

  /** Returns why a pool without workers won't get any, if so. */
  get stranding(): Stranding | undefined {
    if (this.expects(undefined)) return undefined;
    const hosts = this.#all.map(({ host }) => host);
    const cause = hosts.find(({ error }) => error !== undefined)?.error;
    const waited = hosts.some(({ lostSince }) => lostSince !== undefined)
      ? `, and no host came back within the 'hostTimeout' of ${this.#hostTimeout} ms`
      : "";
    const message = `No worker is left${waited}: ${cause?.message}`;
    return { message, cause };
  }

  /** How long until calls wait for a lost host no longer, in milliseconds. */
  get untilTimeout(): number {
    const left = this.#all.map(({ host }) => this.#timeLeft(host));
    return Math.min(...left.filter((milliseconds) => milliseconds > 0));
  }

  /**
   * Returns why hosts where a placement, or any, may run have too few workers.
   *
   * @param connected Returns which workers of a host are connected and get no
   * calls.
   */
  situations(
    placement: Placement | undefined,
    connected: (tally: HostTally) => ConnectedWorkers,
  ): HostSituation[] {
    return this.#staying
      .filter(({ host }) => placement === undefined || meets(host, placement))
      .flatMap(({ host, tally }) =>
        hostSituations(host, tally.workers, connected(tally))
      );
  }

  /** Returns the figures of a pool that has these hosts. */
  stats(workers: number, queued: number): PoolStats {
    const hosts = this.#all.map(statsOf);
    const { done, failed } = this.#removed;
    return displayable({
      workers,
      queued,
      running: sum(hosts.map(({ running }) => running)),
      done: done + sum(hosts.map(({ done }) => done)),
      failed: failed + sum(hosts.map(({ failed }) => failed)),
      hosts,
    });
  }

  get #all(): PoolHost[] {
    return [...this.#hosts.values()];
  }

  get #staying(): PoolHost[] {
    return this.#all.filter(({ isLeaving }) => !isLeaving);
  }

  /** Returns how much longer calls wait for a lost host, in milliseconds. */
  #timeLeft({ lostSince = Infinity }: ManagedHost): number {
    return lostSince + this.#hostTimeout - performance.now();
  }
}

/** Returns whether the machines of a host are known to meet a placement. */
function meets(
  { name, place = NO_PLACE }: ManagedHost,
  placement: Placement,
): boolean {
  return placement.matches(name, place);
}

function statsOf({ host, tally }: PoolHost): HostStats {
  return {
    name: host.name,
    kind: host.kind,
    workers: tally.workers,
    running: tally.running,
    done: tally.done,
    failed: tally.failed,
    busy: tally.busy / 1_000,
    lost: host.lostWorkers,
    pending: host.pending,
    error: host.error,
  };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
