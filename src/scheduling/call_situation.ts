import type { Need, Placement } from "../calls/placement.ts";
import type { WorkerActivity } from "./worker_activity.ts";

/** A call that has taken resources. */
export interface ResourceUse {
  /** The name of its task. */
  readonly task: string;
  /** The worker that runs it. */
  readonly worker: string;
  /** What it has taken. */
  readonly needs: readonly Need[];
}

/** Calls of `runOnAll()`, for which others wait. */
export interface BarrierActivity {
  /** The name of their task, if it is known. */
  readonly task: string | undefined;
  /** Whether the calls have begun. */
  readonly isRunning: boolean;
  /** How many earlier tasks wait for a worker. */
  readonly queued: number;
  /** The workers that are busy with these calls, or with earlier ones. */
  readonly workers: readonly WorkerActivity[];
}

/** Why calls wait that no worker has. */
export type WaitReason =
  /** Nothing keeps them: they are sent in a moment. */
  | { readonly code: "next" }
  /** No worker is there that could run them. */
  | {
    readonly code: "noWorker";
    readonly placement: Placement | undefined;
    /** The machines that there are, in words. */
    readonly available: string;
  }
  /** What they take of a machine isn't free. */
  | {
    readonly code: "resources";
    readonly placement: Placement;
    /** Who has it; none if it is kept for calls that have waited longer. */
    readonly uses: readonly ResourceUse[];
  }
  /** All workers have as many calls as they may have. */
  | {
    readonly code: "busy";
    readonly placement: Placement | undefined;
    readonly workers: readonly WorkerActivity[];
  }
  /** The workers of their keys have as many calls as they may have. */
  | { readonly code: "key"; readonly workers: readonly WorkerActivity[] }
  /** They wait for calls of `runOnAll()` that were made before. */
  | { readonly code: "barrier"; readonly barrier: BarrierActivity };

/** Where a call is, and why. */
export type CallSituation =
  /** Its outcome is known. */
  | { readonly code: "ended" }
  /** It was cancelled, but its worker still has it. */
  | { readonly code: "cancelled"; readonly worker: string | undefined }
  /** A worker runs it. */
  | { readonly code: "running"; readonly activity: WorkerActivity }
  /** Its worker has it, but waits until its values are read. */
  | { readonly code: "unread"; readonly worker: string }
  /** Its worker has it, but waits for values of a stream argument. */
  | { readonly code: "starved"; readonly worker: string }
  /** It is on its way to its worker, which takes time as it is large. */
  | {
    readonly code: "leaving";
    readonly worker: string;
    readonly bytes: number;
  }
  /** It waits at its worker, behind other calls. */
  | {
    readonly code: "behind";
    readonly before: number;
    readonly activity: WorkerActivity;
  }
  /** Its task threw, and runs again after a pause. */
  | {
    readonly code: "delayed";
    /** How many times the task has run, and may run at most. */
    readonly attempts: number;
    readonly maxAttempts: number;
    /** How much longer the pause lasts, in milliseconds. */
    readonly left: number;
  }
  /** No worker has it. */
  | {
    readonly code: "waiting";
    readonly reason: WaitReason;
    /** How many calls wait that come before it. */
    readonly before: number;
    /** Whether its worker was lost, so it runs again in isolation. */
    readonly isIsolated: boolean;
  }
  /** Its worker was just lost. */
  | { readonly code: "lost" }
  /** It isn't a call of this pool. */
  | { readonly code: "unknown" };

/** Tasks that wait for the same reason. */
export type WaitingGroup =
  /** Calls and items that wait for a worker. */
  | {
    readonly code: "waiting";
    readonly reason: WaitReason;
    readonly placement: Placement | undefined;
    readonly tasks: number;
    /** Whether there are more, whose number isn't known. */
    readonly hasMore: boolean;
    /** Whether their workers were lost, so they run again in isolation. */
    readonly isIsolated: boolean;
  }
  /** Calls of `runOnAll()` that haven't begun. */
  | {
    readonly code: "barrier";
    readonly barrier: BarrierActivity;
    /** Why they can't begin, though no earlier call is left. */
    readonly reason: WaitReason | undefined;
    /** How many tasks wait behind them. */
    readonly tasks: number;
  }
  /** As many calls wait as may: more are refused. */
  | {
    readonly code: "full";
    /** How many may wait. */
    readonly max: number;
    /** How many callers wait until there is room. */
    readonly waiters: number;
  }
  /** Calls whose tasks threw, and run again after a pause. */
  | {
    readonly code: "delayed";
    readonly tasks: number;
    /** How much longer the shortest of their pauses lasts, in milliseconds. */
    readonly left: number;
  }
  /** A map that submits nothing, though workers have room. */
  | {
    readonly code: "map";
    readonly task: string;
    readonly waitsFor: "reader" | "input";
  };
