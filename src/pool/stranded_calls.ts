import type { Scheduler } from "../scheduling/scheduler.ts";
import { LONGEST_DELAY } from "../util/keep_alive.ts";
import type { PoolHosts, Stranding } from "./pool_hosts.ts";

/** The parts of a pool that may lose workers and hosts. */
export interface StrandedCallsParts {
  readonly scheduler: Scheduler;
  readonly hosts: PoolHosts;
  /** Returns whether all workers had connected, and the pool is in use. */
  readonly isReady: () => boolean;
  /** Called when no worker is left, and none is expected. */
  readonly onStranded: (stranding: Stranding) => void;
}

/** Calls that no worker can run any more. */
export class StrandedCalls {
  readonly #parts: StrandedCallsParts;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Constructs the stranded calls of a pool that has lost nothing. */
  constructor(parts: StrandedCallsParts) {
    this.#parts = parts;
  }

  /** Fails calls that can't run, after the loss of a worker or a host. */
  fail(): void {
    const { scheduler, hosts, isReady, onStranded } = this.#parts;
    clearTimeout(this.#timer);
    if (!isReady()) return scheduler.wake();
    // Read first: if the time of the last host ends after this, it is stranded,
    // and if it ends after that, the timer is set.
    const left = hosts.untilTimeout;
    const stranding = scheduler.workers === 0 ? hosts.stranding : undefined;
    if (stranding !== undefined) return onStranded(stranding);
    scheduler.wake();
    if (left === Infinity) return;
    this.#timer = setTimeout(
      () => this.fail(),
      Math.min(left + 1, LONGEST_DELAY),
    );
    // Only pending calls keep the program alive.
    Deno.unrefTimer(this.#timer);
  }

  /** Waits for lost hosts no longer. */
  stop(): void {
    clearTimeout(this.#timer);
  }
}
