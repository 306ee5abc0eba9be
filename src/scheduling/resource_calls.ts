import type { Call } from "../calls/call.ts";
import type { Placement } from "../calls/placement.ts";
import type { WorkerPlace } from "../options/place.ts";
import type { ResourceUse } from "./call_situation.ts";
import type { Grant } from "../protocol/worker_messages.ts";
import {
  type Ledger,
  ResourceClaim,
  type ResourceList,
} from "./resource_claim.ts";
import type { Reserved } from "./resource_ledger.ts";
import { ResourceLedgers } from "./resource_ledgers.ts";
import { type OtherCalls, ResourceTurns } from "./resource_turns.ts";
import type { HostCapacity } from "./worker_group.ts";
import type { WorkerHandle } from "./worker_handle.ts";

/** Those who take the calls, or the workers. */
export interface ResourceTakers extends OtherCalls {
  /** Sends a call with what it may use. */
  send(worker: WorkerHandle, call: Call, grant: Grant): void;
}

/**
 * Sends calls that take resources of a machine, as soon as there is enough and a
 * worker can begin them at once.
 *
 * Nobody starves. Lists of such calls take turns: each sends as many as there is
 * enough for, then waits behind the others. While a list waits, what its first
 * call takes is kept free for it at one machine, so smaller calls can't overtake
 * it for ever. If only a worker is missing there, one gets no other calls until
 * it is free. But a worker that has run a call with resources first runs one
 * without, if any waits. All this is so among calls of the same priority: those of
 * a higher one come first.
 */
export class ResourceCalls {
  readonly #ledgers = new ResourceLedgers();
  /** The claims that wait, by the keys of their lists, the oldest first. */
  readonly #claims = new Map<object, ResourceClaim>();
  /** The machines where something has changed. */
  readonly #changed = new Set<Ledger>();
  /** Those where a worker was left to others, which may not want it. */
  readonly #left = new Set<Ledger>();
  readonly #turns = new ResourceTurns();
  /** How many calls have taken resources, by placement. */
  readonly #running = new Map<Placement, number>();
  /** Whether workers get other calls again since the last dispatch. */
  #hasReleased = false;

  /** Adds a worker, if its machine has resources. */
  add(worker: WorkerHandle): void {
    const ledger = this.#ledgers.add(worker, this.#claims.values());
    if (ledger !== undefined) this.#changed.add(ledger);
  }

  /** Removes a lost worker, and frees what its calls had taken. */
  remove(worker: WorkerHandle): void {
    const ledger = this.#ledgers.of(worker);
    if (ledger === undefined) return;
    const calls = ledger.remove(worker);
    this.#ledgers.remove(worker);
    for (const call of calls) this.#giveBack(ledger, call);
    for (const claim of ledger.claims) {
      if (claim.held === worker) claim.release();
    }
    this.#changed.add(ledger);
    if (ledger.workers.size > 0) return;
    for (const claim of ledger.claims) {
      if (claim.reservedAt === ledger) claim.reserve(undefined);
    }
    this.#changed.delete(ledger);
    this.#left.delete(ledger);
  }

  /** Takes note that a worker's load has changed. */
  changed(worker: WorkerHandle): void {
    const ledger = this.#ledgers.of(worker);
    if (ledger !== undefined) this.#changed.add(ledger);
  }

  /** Handles that a run goes on in place of a call, and keeps what that has. */
  replaced(worker: WorkerHandle, call: Call, run: Call): void {
    this.#ledgers.of(worker)?.replace(call, run);
  }

  /** Frees what a call of a worker has taken. */
  freed(worker: WorkerHandle, call: Call): void {
    const ledger = this.#ledgers.of(worker);
    if (ledger === undefined) return;
    this.#giveBack(ledger, call);
    this.#changed.add(ledger);
  }

  /** See {@linkcode ResourceLedgers.capacity}. */
  capacity(placement: Placement): HostCapacity {
    return this.#ledgers.capacity(placement);
  }

  /** See {@linkcode ResourceLedgers.free}. */
  free(placement: Placement, place: WorkerPlace, most: number): number {
    return this.#ledgers.free(placement, place, most);
  }

  /** Returns how many more calls may wait, so that all could run at once. */
  room(placement: Placement): number {
    const running = this.#running.get(placement) ?? 0;
    return Math.max(0, this.capacity(placement).capacity - running);
  }

  /** See {@linkcode ResourceLedgers.usesFor}. */
  usesFor(
    placement: Placement,
    worker: WorkerHandle | undefined,
  ): ResourceUse[] | undefined {
    return this.#ledgers.usesFor(placement, worker);
  }

  /**
   * Sends calls. {@linkcode ResourceCalls.dispatchRest} must follow, once other
   * calls have had a chance to use the workers.
   *
   * @param lists The lists that aren't empty, by something that stays the same
   * while they wait.
   */
  dispatch(
    lists: ReadonlyMap<object, ResourceList>,
    takers: ResourceTakers,
  ): void {
    if (this.#claims.size + lists.size === 0) return;
    this.#update(lists);
    this.#precede(lists);
    this.#serve(takers, true);
    for (const [key, list] of lists) {
      if (!this.#claims.has(key)) this.#begin(key, list, takers);
    }
    this.#settle(takers, true);
    this.#hasReleased = false;
  }

  /**
   * Sends calls to the workers that others didn't want.
   *
   * @returns Whether workers get other calls again.
   */
  dispatchRest(takers: ResourceTakers): boolean {
    if (this.#left.size === 0) return false;
    for (const ledger of this.#left) this.#changed.add(ledger);
    this.#left.clear();
    this.#settle(takers, false);
    return this.#hasReleased;
  }

  /** Drops the claims of lists that are empty. */
  #update(lists: ReadonlyMap<object, ResourceList>): void {
    for (const [key, claim] of this.#claims) {
      const list = lists.get(key);
      const isSame = list?.calls === claim.calls &&
        list.worker === claim.worker;
      if (!isSame) this.#end(claim);
    }
  }

  /** Adds new claims that come before others, which wait for what may be free. */
  #precede(lists: ReadonlyMap<object, ResourceList>): void {
    let lowest = Infinity;
    for (const { priority } of this.#claims.values()) {
      lowest = Math.min(lowest, priority);
    }
    for (const [key, list] of lists) {
      if (list.priority <= lowest || this.#claims.has(key)) continue;
      const claim = new ResourceClaim(key, list);
      const ledgers = this.#ledgers.forClaim(claim);
      this.#wait(claim, ledgers);
      for (const ledger of ledgers) this.#changed.add(ledger);
    }
  }

  /** Makes a claim wait at machines. */
  #wait(claim: ResourceClaim, ledgers: readonly Ledger[]): void {
    this.#claims.set(claim.key, claim);
    for (const { claims } of ledgers) claims.add(claim);
  }

  /** Keeps nothing free for a claim any more. */
  #end(claim: ResourceClaim): void {
    this.#release(claim);
    // It may be enough for others.
    if (claim.reservedAt !== undefined) this.#changed.add(claim.reservedAt);
    claim.reserve(undefined);
    this.#claims.delete(claim.key);
    for (const { claims } of this.#ledgers) claims.delete(claim);
  }

  /** Sends and reserves until nothing changes any more. */
  #settle(takers: ResourceTakers, isFair: boolean): void {
    do {
      this.#serve(takers, isFair);
      this.#reserve(takers);
    } while (this.#changed.size > 0);
  }

  /** Offers what is free on changed machines to the claims there. */
  #serve(takers: ResourceTakers, isFair: boolean): void {
    // What it sends changes the machine once more.
    while (this.#changed.size > 0) {
      const changed = [...this.#changed];
      this.#changed.clear();
      for (const ledger of changed) this.#serveAt(ledger, takers, isFair);
    }
  }

  #serveAt(
    ledger: Ledger,
    takers: ResourceTakers,
    isFair: boolean,
  ): void {
    // Nothing is kept free where all workers leave: others may never come.
    if (!ledger.isOpen) return;
    const reserved: Reserved = new Map();
    for (const claim of ledger.claimsInOrder) {
      const sent = this.#sendAt(ledger, claim, { takers, isFair, reserved });
      if (claim.calls.length === 0) continue;
      if (sent > 0) this.#moveToEnd(claim);
      else if (claim.reservedAt === ledger) {
        ledger.reserve(claim.needs, reserved);
      }
    }
  }

  /** Sends calls of a claim to a machine; returns how many. */
  #sendAt(
    ledger: Ledger,
    claim: ResourceClaim,
    { takers, isFair, reserved }: {
      readonly takers: ResourceTakers;
      readonly isFair: boolean;
      readonly reserved: Reserved;
    },
  ): number {
    for (let sent = 0;; sent++) {
      if (claim.calls.length === 0) return sent;
      const isEnough = ledger.has(claim.needs, reserved);
      if (claim.reservedAt === ledger) {
        claim.isReady = isEnough;
        if (!isEnough) this.#release(claim);
      }
      if (!isEnough) return sent;
      const worker = this.#findWorker(ledger, claim, isFair ? takers : null);
      if (worker === undefined) {
        // Only a worker is missing here.
        if (!claim.isReady) this.#reserveAt(ledger, claim);
        return sent;
      }
      this.#send(ledger, claim, worker, takers);
    }
  }

  /**
   * Returns a worker of a machine that could begin a call at once.
   *
   * @param takers Leaves workers to others; `null`: to nobody.
   */
  #findWorker(
    ledger: Ledger,
    claim: ResourceClaim,
    takers: ResourceTakers | null,
  ): WorkerHandle | undefined {
    const { held } = claim;
    const isHeldFree = held !== undefined && ledger.workers.has(held) &&
      claim.canUse(held) &&
      (takers === null || !this.#turns.mustYield(claim, held, takers));
    if (isHeldFree) return held;
    let best: WorkerHandle | undefined;
    let most = -1;
    for (const worker of ledger.workers) {
      if (!claim.canUse(worker, this.#holderOf(worker, ledger))) continue;
      if (takers !== null && this.#turns.isOthersTurn(worker, claim, takers)) {
        this.#left.add(ledger);
        continue;
      }
      const isNew = this.#turns.hasServed(worker) ? 0 : 1;
      const rank = 2 * ledger.familiar(claim.needs, worker) + isNew;
      if (rank <= most) continue;
      best = worker;
      most = rank;
    }
    return best;
  }

  /** Returns the claim that a worker is kept for, if any. */
  #holderOf(
    worker: WorkerHandle,
    { claims }: Ledger,
  ): ResourceClaim | undefined {
    if (worker.reservation !== "draining") return undefined;
    return claims.values().find(({ held }) => held === worker);
  }

  #send(
    ledger: Ledger,
    claim: ResourceClaim,
    worker: WorkerHandle,
    takers: ResourceTakers,
  ): void {
    const { placement, needs, isIsolated, reservedAt } = claim;
    const holder = this.#holderOf(worker, ledger);
    if (holder !== undefined) this.#release(holder);
    this.#release(claim);
    claim.reserve(undefined);
    if (reservedAt !== undefined) this.#changed.add(reservedAt);
    const call = claim.calls.shift()!;
    const grant = ledger.take(call, needs, worker);
    this.#running.set(placement, (this.#running.get(placement) ?? 0) + 1);
    takers.send(worker, call, grant);
    if (call.state === "settled") {
      // It couldn't be sent.
      this.freed(worker, call);
      return;
    }
    this.#turns.serve(worker);
    this.#changed.add(ledger);
    if (isIsolated) worker.reserve("isolated");
  }

  #giveBack(ledger: Ledger, call: Call): void {
    if (!ledger.giveBack(call)) return;
    const placement = call.terms.placement!;
    const running = this.#running.get(placement)! - 1;
    if (running > 0) this.#running.set(placement, running);
    else this.#running.delete(placement);
  }

  /** Sends calls that didn't wait before. If some are left, they wait now. */
  #begin(key: object, list: ResourceList, takers: ResourceTakers): void {
    const claim = new ResourceClaim(key, list);
    const ledgers = this.#ledgers.forClaim(claim);
    for (const ledger of ledgers) {
      const reserved = ledger.reservedBefore(claim);
      this.#sendAt(ledger, claim, { takers, isFair: true, reserved });
      if (claim.calls.length === 0) return;
    }
    this.#wait(claim, ledgers);
  }

  /** Puts a claim behind all others. */
  #moveToEnd(claim: ResourceClaim): void {
    this.#claims.delete(claim.key);
    this.#claims.set(claim.key, claim);
    for (const { claims } of this.#ledgers) {
      if (claims.delete(claim)) claims.add(claim);
    }
  }

  /** Keeps free what the claims wait for, and a worker if only that is missing. */
  #reserve(takers: ResourceTakers): void {
    for (const claim of this.#claims.values()) {
      if (claim.calls.length === 0) {
        this.#end(claim);
        continue;
      }
      if (claim.reservedAt?.isOpen !== true) this.#reserveSomewhere(claim);
    }
    for (const claim of this.#claims.values()) {
      const { held } = claim;
      if (held !== undefined) {
        const mustYield = claim.canUse(held) &&
          this.#turns.mustYield(claim, held, takers);
        // Once those have begun, a worker is kept again.
        if (mustYield) this.#left.add(claim.reservedAt!);
        if (mustYield || held.isEnding || held.isRetired) this.#release(claim);
      }
      if (claim.held !== undefined) claim.recall();
      else if (claim.isReady) this.#hold(claim, takers);
    }
  }

  #reserveSomewhere(claim: ResourceClaim): void {
    let best: Ledger | undefined;
    for (const ledger of this.#ledgers.forClaim(claim)) {
      if (best === undefined || ledger.load < best.load) best = ledger;
    }
    // When the claim came, all workers of the machine may have been leaving.
    best?.claims.add(claim);
    this.#reserveAt(best, claim);
  }

  #reserveAt(ledger: Ledger | undefined, claim: ResourceClaim): void {
    if (claim.reservedAt === ledger) return;
    this.#release(claim);
    if (claim.reservedAt !== undefined) this.#changed.add(claim.reservedAt);
    claim.reserve(ledger);
    if (ledger === undefined) return;
    claim.isReady = ledger.has(claim.needs, ledger.reservedBefore(claim));
    if (claim.isReady) this.#changed.add(ledger);
  }

  /** Chooses the least busy worker for a claim, if only that is missing. */
  #hold(claim: ResourceClaim, takers: ResourceTakers): void {
    const ledger = claim.reservedAt!;
    // Others that come before it may have begun to wait here since.
    claim.isReady = ledger.has(claim.needs, ledger.reservedBefore(claim));
    if (!claim.isReady) return;
    let least: WorkerHandle | undefined;
    for (const worker of ledger.workers) {
      const isExcluded = !worker.isOpen || !claim.accepts(worker) ||
        this.#turns.isOthersTurn(worker, claim, takers);
      if (isExcluded) continue;
      if (least === undefined || worker.window.calls < least.window.calls) {
        least = worker;
      }
    }
    if (least !== undefined) claim.hold(least);
  }

  #release(claim: ResourceClaim): void {
    const { held } = claim;
    if (held === undefined) return;
    claim.release();
    this.changed(held);
    this.#hasReleased = true;
  }
}
