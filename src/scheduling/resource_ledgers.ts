import type { Placement } from "../calls/placement.ts";
import type { WorkerPlace } from "../options/place.ts";
import type { ResourceUse } from "./call_situation.ts";
import type { Ledger, ResourceClaim } from "./resource_claim.ts";
import { ResourceLedger } from "./resource_ledger.ts";
import type { HostCapacity } from "./worker_group.ts";
import type { WorkerHandle } from "./worker_handle.ts";

/** The ledgers of the machines that have resources and workers. */
export class ResourceLedgers {
  readonly #byPlace = new Map<WorkerPlace, Ledger>();
  readonly #byWorker = new Map<WorkerHandle, Ledger>();
  /** How many calls could have resources at once, until workers change. */
  #capacities = new WeakMap<Placement, HostCapacity>();

  /**
   * Adds a worker, if its machine has resources.
   *
   * @param claims The claims that wait, the oldest first.
   * @returns The ledger of its machine; `undefined` if the worker wasn't added.
   */
  add(
    worker: WorkerHandle,
    claims: Iterable<ResourceClaim>,
  ): Ledger | undefined {
    const { place } = worker;
    if (Object.keys(place.resources).length === 0) return undefined;
    let ledger = this.#byPlace.get(place);
    if (ledger === undefined) {
      ledger = new ResourceLedger(place);
      this.#byPlace.set(place, ledger);
    }
    // Claims that came while all its workers were leaving aren't there yet.
    const known = new Set(ledger.claims);
    ledger.claims.clear();
    for (const claim of claims) {
      const isOpen = known.has(claim) ||
        worker.fits(claim.placement) && claim.accepts(worker);
      if (isOpen) ledger.claims.add(claim);
    }
    ledger.workers.add(worker);
    this.#byWorker.set(worker, ledger);
    this.#capacities = new WeakMap();
    return ledger;
  }

  /**
   * Forgets a worker that was removed from its ledger, and the ledger if it has
   * no other.
   */
  remove(worker: WorkerHandle): void {
    const ledger = this.#byWorker.get(worker);
    if (ledger === undefined) return;
    this.#byWorker.delete(worker);
    this.#capacities = new WeakMap();
    if (ledger.workers.size === 0) this.#byPlace.delete(ledger.place);
  }

  /** Returns the ledger of a worker's machine. */
  of(worker: WorkerHandle): Ledger | undefined {
    return this.#byWorker.size === 0 ? undefined : this.#byWorker.get(worker);
  }

  /** Returns the machines that could run the calls of a claim. */
  forClaim(
    { placement, worker }: Pick<ResourceClaim, "placement" | "worker">,
  ): Ledger[] {
    if (worker === undefined) return this.#matching(placement);
    const ledger = this.#byWorker.get(worker);
    return ledger?.isOpen ? [ledger] : [];
  }

  /** Returns how many calls with a placement can run at the same time. */
  capacity(placement: Placement): HostCapacity {
    let capacity = this.#capacities.get(placement);
    if (capacity === undefined) {
      capacity = this.#measure(placement);
      this.#capacities.set(placement, capacity);
    }
    return capacity;
  }

  /**
   * Returns how many more calls a machine has enough for now, up to a limit,
   * whether or not it has a worker for them.
   */
  free(placement: Placement, place: WorkerPlace, most: number): number {
    const ledger = this.#byPlace.get(place) ?? new ResourceLedger(place);
    return ledger.free(placement.needs ?? [], most);
  }

  /**
   * Returns which calls have what calls with a placement wait for; none if it is
   * kept free for others.
   *
   * @param worker The worker where they must run, if any.
   * @returns `undefined` if a machine has enough for them.
   */
  usesFor(
    placement: Placement,
    worker: WorkerHandle | undefined,
  ): ResourceUse[] | undefined {
    const names = new Set(placement.needs?.map(([name]) => name));
    const uses: ResourceUse[] = [];
    let isKept = false;
    for (const ledger of this.forClaim({ placement, worker })) {
      const claim = ledger.claims.values().find((claim) =>
        claim.placement === placement &&
        (worker === undefined || claim.worker === worker)
      );
      const reserved = ledger.reservedBefore(claim);
      if (ledger.has(placement.needs ?? [], reserved)) return undefined;
      isKept ||= ledger.has(placement.needs ?? [], new Map());
      for (const [{ task }, { worker, needs }] of ledger.taken) {
        if (!needs.some(([name]) => names.has(name))) continue;
        uses.push({ task: task.name, worker: worker.name, needs });
      }
    }
    return isKept ? [] : uses;
  }

  /** Returns an iterator over the ledgers. */
  [Symbol.iterator](): Iterator<Ledger> {
    return this.#byPlace.values();
  }

  #measure(placement: Placement): HostCapacity {
    let workers = 0;
    let capacity = 0;
    // A machine whose workers leave counts: others may follow, or some stay.
    for (const ledger of this.#byPlace.values()) {
      if (!ledger.fits(placement)) continue;
      workers += ledger.workers.size;
      capacity += ledger.times(placement.needs!);
    }
    return { workers, concurrency: capacity, capacity, isDistant: false };
  }

  /** Returns the machines that could run calls with a placement. */
  #matching(placement: Placement): Ledger[] {
    return [...this.#byPlace.values()].filter((ledger) =>
      ledger.isOpen && ledger.fits(placement)
    );
  }
}
