import { callOf, Future } from "../calls/future.ts";
import type { WaitingGroup } from "../scheduling/call_situation.ts";
import type { HostTally } from "../scheduling/host_tally.ts";
import type { CallSituations } from "../scheduling/call_situations.ts";
import type { PoolPhase } from "./explanation.ts";
import { explainCall, explainPool, type PoolFacts } from "./explanation.ts";
import type { PoolHosts } from "./pool_hosts.ts";
import type { PoolWorkers } from "./pool_workers.ts";
import type { Stall } from "./stall_watch.ts";

/** The parts of a pool that know what it is doing. */
export interface ExplanationsParts {
  readonly situations: CallSituations;
  readonly hosts: PoolHosts;
  readonly workers: PoolWorkers;
  /** Returns what the pool is doing, as a whole. */
  readonly phase: () => PoolPhase;
}

/** Explains what a pool is doing: see {@linkcode Pool.explain}. */
export class Explanations {
  readonly #parts: ExplanationsParts;

  /** Constructs the explanations of a pool. */
  constructor(parts: ExplanationsParts) {
    this.#parts = parts;
  }

  /**
   * Explains where the call of a future is, and why.
   *
   * @throws {TypeError} If it isn't a future.
   * @throws {RangeError} If it is a future of another pool.
   */
  of(future: Future<unknown>): string {
    if (!((future as unknown) instanceof Future)) {
      throw new TypeError(
        `explain() takes a future, which submit() returns, not ${
          Deno.inspect(future, { depth: 0 })
        }`,
      );
    }
    const call = callOf(future);
    const situation = this.#parts.situations.of(call);
    if (situation.code === "unknown") {
      throw new RangeError(
        `explain() takes a future of its own pool, and that of the task '${call.task.name}' is one of another`,
      );
    }
    return explainCall(call.task.name, situation, this.#facts());
  }

  /** Explains what waits in the pool. */
  ofPool(): string {
    const { waiting, workers } = this.#parts.situations;
    return explainPool(waiting, workers, this.#facts());
  }

  /** Returns what waits although it could move. */
  stall(): Stall | undefined {
    const { waiting, workers } = this.#parts.situations;
    const stuck = waiting.filter(isStuck);
    if (stuck.length === 0) return undefined;
    const groups = waiting.filter(({ code }) =>
      code !== "map" && code !== "delayed"
    );
    return {
      explanation: explainPool(groups, workers, this.#facts()),
      isBusy: stuck.every(isBusy),
    };
  }

  #facts(): PoolFacts {
    const { hosts, workers, phase } = this.#parts;
    const byTally = workers.byTally();
    const connected = (tally: HostTally) => {
      const present = (byTally.get(tally) ?? []).filter(({ lost }) => !lost);
      const ready = present.filter((one) => workers.isWaiting(one)).length;
      return { ready, joining: present.length - ready - tally.workers };
    };
    return {
      phase: phase(),
      hosts: (placement) => hosts.situations(placement, connected),
    };
  }
}

/** A group of tasks that wait for workers. */
type StuckGroup = Extract<WaitingGroup, { code: "waiting" | "barrier" }>;

/** Whether tasks wait for workers, not for a time or for the program. */
function isStuck(group: WaitingGroup): group is StuckGroup {
  return group.code === "waiting" || group.code === "barrier";
}

/** Whether tasks wait only for workers that run other tasks. */
function isBusy({ reason }: StuckGroup): boolean {
  const { code } = reason ?? { code: "busy" };
  return code !== "noWorker" && code !== "next";
}
