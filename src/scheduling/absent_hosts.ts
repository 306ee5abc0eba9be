import { withoutFrames } from "../calls/caller_trace.ts";
import { BrokenPoolError } from "../errors/broken_pool_error.ts";
import type { CallSources } from "./call_sources.ts";
import type { PendingQueue } from "./pending_queue.ts";
import type { WorkerSet } from "./worker_set.ts";

/** What is known of the pool's hosts. */
export interface KnownHosts {
  /** Returns whether a host has or may get workers; `undefined`: any host. */
  expects(host: string | undefined): boolean;
  /** Returns the reason why a host can't be used, if known. */
  hostError(host: string): Error | undefined;
}

/** The hosts that have no workers and won't get any. */
export class AbsentHosts {
  readonly #workers: WorkerSet;
  readonly #hosts: KnownHosts;

  /** Constructs the set of known hosts that are absent from a set of workers. */
  constructor(workers: WorkerSet, hosts: KnownHosts) {
    this.#workers = workers;
    this.#hosts = hosts;
  }

  /** Returns whether a host is absent; `undefined`, any host, never is. */
  has(host: string | undefined): boolean {
    return host !== undefined && !this.#workers.has(host) &&
      !this.#hosts.expects(host);
  }

  /** Returns the error for a call that must run on an absent host. */
  error(host: string): BrokenPoolError {
    const cause = this.#hosts.hostError(host);
    const why = cause === undefined ? "" : `: ${cause.message}`;
    return withoutFrames(
      new BrokenPoolError(
        `There is no worker on the host '${host}', where the task must run${why}`,
        cause && { cause },
      ),
    );
  }

  /** Fails the waiting calls for absent hosts, and stops the sources for them. */
  failCalls(pending: PendingQueue, sources: CallSources): void {
    for (const [host, calls] of pending.lists()) {
      if (!this.has(host)) continue;
      for (const call of calls.drain()) call.fail(this.error(host!));
    }
    for (const call of pending.isolatedWithHost) {
      const { host } = call.terms;
      if (!this.has(host)) continue;
      pending.failIsolated(call, this.error(host!));
    }
    sources.stop(this.#reasonToStop);
  }

  // An arrow function in a field, so a dispatch doesn't create a closure.
  readonly #reasonToStop = (host: string | undefined) =>
    this.has(host) ? this.error(host!) : undefined;
}
