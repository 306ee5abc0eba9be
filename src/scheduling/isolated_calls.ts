import type { Call } from "../calls/call.ts";
import type { CallOwner } from "../calls/call_owner.ts";
import type { Placement } from "../calls/placement.ts";
import { isUsable, type KeyedWorkers } from "./keyed_workers.ts";
import type { ResourceList, WaitingCalls } from "./resource_claim.ts";
import type { WorkerHandle } from "./worker_handle.ts";
import type { WorkerSet } from "./worker_set.ts";

/**
 * Calls that were lost with their worker and run again in isolation, each on a
 * worker that runs nothing else: any of them may have killed the worker.
 *
 * If all workers are busy, one worker for each call gets no new calls until it
 * or another worker is idle.
 */
export class IsolatedCalls implements CallOwner<Call> {
  readonly #calls = new Set<Call>();
  /** The calls among them that may not run anywhere. */
  readonly #placed = new Set<Call>();
  /** The calls among them that take resources. */
  readonly #resourceLists = new Map<Call, ResourceList>();
  /** The workers that get no new calls, each for a waiting call. */
  readonly #draining = new Map<Call, WorkerHandle>();
  readonly #keyed: KeyedWorkers;

  /**
   * Constructs an empty set.
   *
   * @param keyed Knows the workers of the calls that have keys.
   */
  constructor(keyed: KeyedWorkers) {
    this.#keyed = keyed;
  }

  /** How many calls wait. */
  get length(): number {
    return this.#calls.size;
  }

  /** Appends a call. */
  push(call: Call): void {
    call.pass(this);
    this.#calls.add(call);
    const { placement } = call.terms;
    if (placement === undefined) return;
    this.#placed.add(call);
    if (placement.needs === undefined) return;
    this.#resourceLists.set(call, new OneCall(this, call, this.#keyed));
  }

  /** The calls that may not run anywhere, first to last. */
  get placed(): Iterable<Call> {
    return this.#placed;
  }

  /** Returns whether a call waits. */
  has(call: Call): boolean {
    return this.#calls.has(call);
  }

  /** The calls that take resources, each as a list: others send them. */
  get resourceLists(): ReadonlyMap<Call, ResourceList> {
    return this.#resourceLists;
  }

  /** Returns an iterator over the calls, first to last. */
  [Symbol.iterator](): Iterator<Call> {
    return this.#calls.values();
  }

  /** Takes all calls, first to last. */
  drain(): Call[] {
    const calls = [...this.#calls];
    for (const call of calls) this.release(call);
    return calls;
  }

  /** Removes a call. */
  release(call: Call): void {
    call.pass(undefined);
    this.#calls.delete(call);
    this.#placed.delete(call);
    this.#resourceLists.delete(call);
    const worker = this.#draining.get(call);
    if (worker === undefined) return;
    this.#draining.delete(call);
    if (worker.reservation === "draining") worker.reserve(undefined);
  }

  /**
   * Sends the calls that take no resources to idle workers.
   *
   * @param send Sends a call to a worker.
   */
  dispatch(
    workers: WorkerSet,
    send: (worker: WorkerHandle, call: Call) => void,
  ): void {
    for (const call of this.#calls) {
      if (this.#resourceLists.has(call)) continue;
      const own = this.#draining.get(call);
      const isLost = own !== undefined && (own.isEnding || own.isRetired);
      if (isLost) this.#draining.delete(call);
      const least = this.#leastBusy(workers, call);
      const worker = own !== undefined && !isLost && isIdle(own) ? own : least;
      if (worker === undefined) continue;
      if (!isIdle(worker)) {
        if (own === undefined || isLost) this.#drain(call, worker);
        continue;
      }
      this.release(call);
      send(worker, call);
      // If the call couldn't be sent, the worker stays free for others.
      if (!isIdle(worker)) worker.reserve("isolated");
    }
  }

  /**
   * Gives the keys of calls to other workers if theirs get no more calls.
   *
   * @returns Whether any has got another worker.
   */
  reassign(): boolean {
    let hasNew = false;
    for (const { terms } of this.#placed) {
      const last = terms.placement!.isKeyed
        ? this.#keyed.last(terms)
        : undefined;
      if (last === undefined || isUsable(last)) continue;
      if (this.#keyed.assign(terms, false) !== undefined) hasNew = true;
    }
    return hasNew;
  }

  #leastBusy(workers: WorkerSet, { terms }: Call): WorkerHandle | undefined {
    const { placement } = terms;
    if (placement?.isKeyed) {
      const worker = this.#keyed.assign(terms, false);
      return worker?.isOpen ? worker : undefined;
    }
    const least = workers.leastBusy(placement);
    const isFirst = least === undefined || isIdle(least) ||
      workers.idle(placement) === 0;
    if (isFirst) return least;
    // A worker with few tiny calls may come before those that are idle.
    return workers.at(placement)
      .find((worker) => isIdle(worker) && worker.hasRoom) ?? least;
  }

  #drain(call: Call, worker: WorkerHandle): void {
    worker.reserve("draining");
    this.#draining.set(call, worker);
  }
}

/** A list of one isolated call, until it is taken. */
class OneCall implements ResourceList, WaitingCalls {
  readonly isIsolated = true;
  readonly #owner: IsolatedCalls;
  readonly #call: Call;
  readonly #keyed: KeyedWorkers;

  constructor(owner: IsolatedCalls, call: Call, keyed: KeyedWorkers) {
    this.#owner = owner;
    this.#call = call;
    this.#keyed = keyed;
  }

  get placement(): Placement {
    return this.#call.terms.placement!;
  }

  get priority(): number {
    return this.#call.terms.priority ?? 0;
  }

  get worker(): WorkerHandle | undefined {
    return this.placement.isKeyed
      ? this.#keyed.assign(this.#call.terms, false)
      : undefined;
  }

  get calls(): WaitingCalls {
    return this;
  }

  get length(): number {
    return this.#owner.has(this.#call) ? 1 : 0;
  }

  shift(): Call {
    this.#owner.release(this.#call);
    return this.#call;
  }
}

function isIdle(worker: WorkerHandle): boolean {
  return worker.window.calls === 0;
}
