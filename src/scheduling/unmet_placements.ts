import { withoutFrames } from "../calls/caller_trace.ts";
import type { Placement } from "../calls/placement.ts";
import { BrokenPoolError } from "../errors/broken_pool_error.ts";
import type { WorkerPlace } from "../options/place.ts";
import { formatAmount } from "../util/parse_amount.ts";
import type { CallSources } from "./call_sources.ts";
import type { PendingQueue } from "./pending_queue.ts";
import type { WorkerSet } from "./worker_set.ts";

/** The most machines that a message lists. */
const MAX_LISTED = 8;

/** What is known of the pool's hosts. */
export interface KnownHosts {
  /**
   * Returns whether the pool has or may get a worker that could run calls with a
   * placement; `undefined`: any worker.
   */
  expects(placement: Placement | undefined): boolean;
  /** Returns whether a host is removed, even if it still has workers. */
  isRemoved?(host: string): boolean;
  /** Returns the names and machines of hosts that may get workers. */
  expectedPlaces?(): Iterable<readonly [host: string, place: WorkerPlace]>;
  /** Returns the reason why a host can't be used, if known. */
  hostError(host: string): Error | undefined;
}

/** The placements that no worker meets, and none will. */
export class UnmetPlacements {
  readonly #workers: WorkerSet;
  readonly #hosts: KnownHosts;

  /** Constructs the set of placements that a set of workers doesn't meet. */
  constructor(workers: WorkerSet, hosts: KnownHosts) {
    this.#workers = workers;
    this.#hosts = hosts;
  }

  /** Returns whether calls with a placement can't run and mustn't wait. */
  has(placement: Placement | undefined): placement is Placement {
    if (placement === undefined || placement.isAnywhere) return false;
    if (placement.mayWait) return false;
    const { host } = placement;
    const isRemoved = host !== undefined &&
      (this.#hosts.isRemoved?.(host) ?? false);
    return (isRemoved || !this.#workers.has(placement)) &&
      !this.#hosts.expects(placement);
  }

  /** Returns the error for a call whose placement is unmet. */
  error(placement: Placement): BrokenPoolError {
    const { host } = placement;
    const cause = host === undefined ? undefined : this.#hosts.hostError(host);
    const why = cause === undefined ? "" : `: ${cause.message}`;
    const message = placement.isHostOnly
      ? `There is no worker on the host '${host}', where the task must run${why}`
      : `No worker can run the task, which asks for ${placement}${why}; there is ${this.available}. Change 'where', 'resources' or the hosts, or let calls wait with onUnmet: "wait"`;
    return withoutFrames(new BrokenPoolError(message, cause && { cause }));
  }

  /** Fails the waiting calls that are unmet, and stops the sources of such. */
  failCalls(pending: PendingQueue, sources: CallSources): void {
    for (const [placement, calls] of pending.lists()) {
      if (!this.has(placement)) continue;
      for (const call of calls.drain()) call.fail(this.error(placement));
    }
    for (const call of pending.isolatedAndPlaced) {
      const { placement } = call.terms;
      if (!this.has(placement)) continue;
      pending.failIsolated(call, this.error(placement));
    }
    sources.stop(this.#reasonToStop);
  }

  // An arrow function in a field, so a dispatch doesn't create a closure.
  readonly #reasonToStop = (placement: Placement | undefined) =>
    this.has(placement) ? this.error(placement) : undefined;

  /** Describes the machines that have workers, or may get some. */
  get available(): string {
    const places = new Map<WorkerPlace, string>();
    for (const { place, host } of this.#workers) places.set(place, host);
    for (const [host, place] of this.#hosts.expectedPlaces?.() ?? []) {
      places.set(place, host);
    }
    const texts = [...places].map(([place, host]) => describe(host, place));
    const unique = [...new Set(texts)];
    const rest = unique.length - MAX_LISTED;
    const listed = unique.slice(0, MAX_LISTED).join(", ");
    if (unique.length === 0) return "no worker";
    return rest > 0 ? `${listed} and ${rest} more` : listed;
  }
}

/** Describes a machine, such as `maxi (gpu: 2, region: "eu")`. */
function describe(host: string, { labels, resources }: WorkerPlace): string {
  const parts = [
    ...Object.entries(resources).map(([name, amount]) =>
      `${name}: ${formatAmount(amount)}`
    ),
    ...Object.entries(labels).map(([name, value]) =>
      `${name}: ${Deno.inspect(value)}`
    ),
  ];
  return `${host} (${parts.join(", ") || "without labels and resources"})`;
}
