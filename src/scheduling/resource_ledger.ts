import type { Call } from "../calls/call.ts";
import type { Need, Placement } from "../calls/placement.ts";
import { isCount, type WorkerPlace } from "../options/place.ts";
import type { Grant } from "../protocol/worker_messages.ts";
import { NumberedUnits } from "./numbered_units.ts";
import { Quantity } from "./quantity.ts";
import type { WorkerHandle } from "./worker_handle.ts";

/** Waits for resources, which are kept free for it at one machine. */
export interface Claim {
  /** What each of its calls takes. */
  readonly needs: readonly Need[];
  /** The machine, if any. */
  readonly reservedAt: object | undefined;
  /** The priority of the first of these calls. */
  readonly priority: number;
}

/** What a call has taken. */
export interface Taken {
  readonly worker: WorkerHandle;
  readonly needs: readonly Need[];
  readonly grant: Grant;
}

/**
 * What a machine has, which calls of its workers have taken it, and for whom the
 * rest is kept free.
 *
 * @typeParam AnyClaim Those who wait for the rest.
 */
export class ResourceLedger<AnyClaim extends Claim> {
  /** The machine. */
  readonly place: WorkerPlace;
  /** The workers of the machine. */
  readonly workers = new Set<WorkerHandle>();
  /** The claims that could be met here, those that wait the longest first. */
  readonly claims = new Set<AnyClaim>();
  /** For how many of them something is kept free here. */
  reservations = 0;
  readonly #stocks = new Map<string, NumberedUnits | Quantity>();
  readonly #taken = new Map<Call, Taken>();

  /** Constructs the ledger of a machine without workers. */
  constructor(place: WorkerPlace) {
    this.place = place;
    for (const [name, total] of Object.entries(place.resources)) {
      const stock = isCount(total)
        ? new NumberedUnits(total)
        : new Quantity(total);
      this.#stocks.set(name, stock);
    }
  }

  /** Whether it has workers that may get calls. */
  get isOpen(): boolean {
    return this.workers.values()
      .some(({ isEnding, isRetired }) => !isEnding && !isRetired);
  }

  /** How much is in use here: how many calls, also those that wait. */
  get load(): number {
    return this.#taken.size + this.reservations;
  }

  /** Returns whether calls with a placement could run here. */
  fits(placement: Placement): boolean {
    const [worker] = this.workers;
    return worker?.fits(placement) ?? false;
  }

  /** Returns how many calls with these needs can run here at the same time. */
  times(needs: readonly Need[]): number {
    const places = [...this.workers]
      .reduce((sum, { window }) => sum + window.concurrency, 0);
    return needs.reduce(
      (least, [name, amount]) =>
        Math.min(least, this.#stocks.get(name)?.times(amount) ?? 0),
      places,
    );
  }

  /**
   * Returns whether there is enough now.
   *
   * @param reserved What is kept free for claims that wait longer.
   */
  has(needs: readonly Need[], reserved: Reserved): boolean {
    return needs.every(([name, amount]) =>
      this.#stocks.get(name)?.has(amount, reserved.get(name) ?? 0)
    );
  }

  /** Returns how many more calls with these needs could run now, up to a limit. */
  free(needs: readonly Need[], most: number): number {
    const taken: Reserved = new Map();
    let count = 0;
    while (count < most && this.has(needs, taken)) {
      this.reserve(needs, taken);
      count++;
    }
    return count;
  }

  /** The claims in the order in which they are met. */
  get claimsInOrder(): AnyClaim[] {
    const claims = [...this.claims];
    const first = claims[0]?.priority;
    return claims.every(({ priority }) => priority === first)
      ? claims
      : claims.sort((one, other) => other.priority - one.priority);
  }

  /**
   * Returns what is kept free for the claims that come before one, which may
   * not wait yet; `undefined`: for all claims.
   */
  reservedBefore(last: AnyClaim | undefined): Reserved {
    const reserved: Reserved = new Map();
    const lowest = last?.priority ?? -Infinity;
    for (const claim of this.claimsInOrder) {
      if (claim === last || claim.priority < lowest) break;
      if (claim.reservedAt === this) this.reserve(claim.needs, reserved);
    }
    return reserved;
  }

  /** Adds what to keep free for a claim that waits here. */
  reserve(needs: readonly Need[], reserved: Reserved): void {
    for (const [name, amount] of needs) {
      const more = this.#stocks.get(name)?.reserve(amount) ?? 0;
      reserved.set(name, (reserved.get(name) ?? 0) + more);
    }
  }

  /**
   * Returns how many of the units that a worker had before it would get again:
   * libraries may use only those that they saw first.
   */
  familiar(needs: readonly Need[], worker: WorkerHandle): number {
    return needs.reduce(
      (sum, [name, amount]) =>
        sum + (this.#stocks.get(name)?.familiar(amount, worker) ?? 0),
      0,
    );
  }

  /** Takes what a call needs, which must be free; returns what it got. */
  take(call: Call, needs: readonly Need[], worker: WorkerHandle): Grant {
    const grant: Grant = Object.fromEntries(
      needs.map(([name, amount]) => [
        name,
        this.#stocks.get(name)!.take(amount, worker),
      ]),
    );
    this.#taken.set(call, { worker, needs, grant });
    return grant;
  }

  /** What calls have taken. */
  get taken(): Iterable<readonly [call: Call, taken: Taken]> {
    return this.#taken;
  }

  /** Passes what a call has taken to another. */
  replace(call: Call, other: Call): void {
    const taken = this.#taken.get(call);
    if (taken === undefined) return;
    this.#taken.delete(call);
    this.#taken.set(other, taken);
  }

  /** Gives back what a call has taken; returns whether it has taken anything. */
  giveBack(call: Call): boolean {
    const taken = this.#taken.get(call);
    if (taken === undefined) return false;
    this.#taken.delete(call);
    for (const [name, amount] of taken.needs) {
      this.#stocks.get(name)!.giveBack(taken.grant[name] as number[], amount);
    }
    return true;
  }

  /** Removes a worker; returns the calls that it had taken something for. */
  remove(worker: WorkerHandle): Call[] {
    this.workers.delete(worker);
    for (const stock of this.#stocks.values()) stock.forget(worker);
    return [...this.#taken].filter(([, taken]) => taken.worker === worker)
      .map(([call]) => call);
  }
}

/** Amounts that are kept free, by resource. */
export type Reserved = Map<string, number>;
