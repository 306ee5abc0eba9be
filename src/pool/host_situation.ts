import type { ManagedHost } from "../hosts/managed_host.ts";

/** Why a host has fewer workers than it should have. Times are milliseconds. */
export type HostSituation =
  /** It is lost. */
  | {
    readonly code: "lost";
    readonly host: string;
    readonly reason: string;
    /** For how long. */
    readonly time: number;
    /** When the pool tries to reach it again; `undefined`: it does so now. */
    readonly left: number | undefined;
  }
  /** The pool connects to it. */
  | {
    readonly code: "connecting";
    readonly host: string;
    readonly time: number;
  }
  /** Some workers were started and haven't connected. */
  | {
    readonly code: "starting";
    readonly host: string;
    readonly workers: number;
    readonly time: number;
  }
  /** Workers have connected, and the initializer runs or others start. */
  | {
    readonly code: "joining";
    readonly host: string;
    readonly workers: number;
  }
  /** Workers are ready to take the places of others, once these have ended. */
  | {
    readonly code: "ready";
    readonly host: string;
    readonly workers: number;
  }
  /** Lost workers are replaced after a pause. */
  | {
    readonly code: "replacing";
    readonly host: string;
    readonly left: number;
  }
  /** Jobs wait in its queue. */
  | {
    readonly code: "queued";
    readonly host: string;
    readonly jobs: number;
    /** The queue's own words, if there are any. */
    readonly reason: string;
  }
  /** Jobs have begun, and haven't connected. */
  | {
    readonly code: "jobs";
    readonly host: string;
    readonly jobs: number;
    readonly time: number;
  }
  /** Workers join by themselves, and none has. */
  | { readonly code: "awaited"; readonly host: string }
  /** It isn't in use. */
  | {
    readonly code: "failed";
    readonly host: string;
    readonly reason: string;
  };

/** Workers that are connected and get no calls. */
export interface ConnectedWorkers {
  /** How many aren't initialized, or wait until the pool has started. */
  readonly joining: number;
  /** How many wait to take the places of others. */
  readonly ready: number;
}

/**
 * Returns why a host has fewer workers than it should have.
 *
 * @param joined How many of its workers get calls.
 * @param others What is known of those that are connected and get none.
 */
export function hostSituations(
  host: ManagedHost,
  joined: number,
  { joining, ready }: ConnectedWorkers,
): HostSituation[] {
  const { name, kind, error, lostSince, starting, pending } = host;
  const now = performance.now();
  const left = starting?.next === undefined ? undefined : starting.next - now;
  if (lostSince !== undefined) {
    const reason = error?.message ?? "";
    const time = now - lostSince;
    return [{ code: "lost", host: name, reason, time, left }];
  }
  const situations: HostSituation[] = [];
  if (pending !== undefined) {
    const { agents: jobs, reason } = pending;
    situations.push({ code: "queued", host: name, jobs, reason });
  }
  if (starting !== undefined) {
    const { workers, jobs = 0, since, jobsSince = now } = starting;
    if (jobs > 0) {
      const time = now - jobsSince;
      situations.push({ code: "jobs", host: name, jobs, time });
    }
    if (workers > 0) {
      const time = now - (since ?? now);
      situations.push({ code: "starting", host: name, workers, time });
    } else if (left !== undefined) {
      situations.push({ code: "replacing", host: name, left });
    } else if (since !== undefined) {
      situations.push({ code: "connecting", host: name, time: now - since });
    }
  }
  if (joining > 0) {
    situations.push({ code: "joining", host: name, workers: joining });
  }
  if (ready > 0) {
    situations.push({ code: "ready", host: name, workers: ready });
  }
  if (situations.length > 0 || joined > 0) return situations;
  if (error !== undefined) {
    return [{ code: "failed", host: name, reason: error.message }];
  }
  return kind === "joined" ? [{ code: "awaited", host: name }] : [];
}
