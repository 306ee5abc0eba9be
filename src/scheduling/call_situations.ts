import type { Call } from "../calls/call.ts";
import type { CallObserver } from "../calls/call_state.ts";
import type { Placement } from "../calls/placement.ts";
import type { CallSources } from "./call_sources.ts";
import type {
  BarrierActivity,
  CallSituation,
  WaitingGroup,
  WaitReason,
} from "./call_situation.ts";
import { isUsable, type KeyedWorkers } from "./keyed_workers.ts";
import type { PendingQueue } from "./pending_queue.ts";
import type { QueueLimit } from "./queue_limit.ts";
import type { ResourceCalls } from "./resource_calls.ts";
import type { ThrownCalls } from "./thrown_calls.ts";
import type { UnmetPlacements } from "./unmet_placements.ts";
import { waitingWork } from "./waiting_work.ts";
import { activityOf, type WorkerActivity } from "./worker_activity.ts";
import type { WorkerHandle } from "./worker_handle.ts";
import type { WorkerSet } from "./worker_set.ts";

/** The parts of a scheduler that know where calls are. */
export interface CallSituationsParts {
  /** Everything that waits for a worker. */
  readonly pending: PendingQueue;
  /** The workers that get calls. */
  readonly workers: WorkerSet;
  /** The sources of further calls. */
  readonly sources: CallSources;
  /** Sends the calls that take resources. */
  readonly resources: ResourceCalls;
  /** Counts how often the task of a call has run. */
  readonly thrown: ThrownCalls;
  /** Describes the machines that there are. */
  readonly unmet: UnmetPlacements;
  /** Knows the workers of calls with keys. */
  readonly keyed: KeyedWorkers;
  /** How many calls may wait; `undefined` if any number may. */
  readonly limit: QueueLimit | undefined;
  /** Those who observe the calls of the scheduler. */
  readonly observers: readonly CallObserver[];
  /** Returns whether calls of `runOnAll()` are running. */
  readonly barrierRuns: () => boolean;
}

/**
 * Finds out where calls are, and why they wait. It only reads, and only when it
 * is asked: calls that nobody asks about cost nothing.
 */
export class CallSituations {
  readonly #parts: CallSituationsParts;

  /** Constructs it for a scheduler. */
  constructor(parts: CallSituationsParts) {
    this.#parts = parts;
  }

  /** Returns where a call is, and why. */
  of(call: Call): CallSituation {
    const { state } = call;
    if (state === "settled") return { code: "ended" };
    const { observers } = this.#parts;
    if (!observers.some((observer) => call.isObservedBy(observer))) {
      return { code: "unknown" };
    }
    if (state === "delayed") return this.#delayed(call);
    if (state === "queued" || state === "requeued") return this.#queued(call);
    const worker = this.#parts.workers.find(call);
    if (state === "abandoned") {
      return { code: "cancelled", worker: worker?.name };
    }
    return worker === undefined ? { code: "lost" } : situationAt(worker, call);
  }

  /** What waits, by the reason. */
  get waiting(): WaitingGroup[] {
    return [
      ...this.#isolated(),
      ...this.#calls(),
      ...this.#keyed(),
      ...this.#full(),
      ...this.#barriers(),
      ...this.#pauses(),
      ...this.#maps(),
    ];
  }

  /** What the workers do. */
  get workers(): WorkerActivity[] {
    return this.#activities(undefined);
  }

  /**
   * A number that changes whenever a call is sent or answered, values of a call
   * arrive, or a worker joins or is lost.
   */
  get movement(): number {
    let movement = this.#parts.workers.added;
    for (const { nextId, received } of this.#parts.workers) {
      movement += nextId + received;
    }
    return movement;
  }

  #queued(call: Call): CallSituation {
    const place = this.#parts.pending.locate(call);
    if (place === undefined) return { code: "lost" };
    const { barriers, before, isIsolated } = place;
    const { placement } = call.terms;
    const worker = placement?.isKeyed
      ? this.#parts.keyed.last(call.terms)
      : undefined;
    const reason = this.#reason(placement, barriers, worker);
    return { code: "waiting", reason, before, isIsolated };
  }

  #delayed(call: Call): CallSituation {
    const { pending, thrown } = this.#parts;
    return {
      code: "delayed",
      attempts: thrown.attemptsOf(call),
      maxAttempts: call.retry?.attempts ?? 1,
      left: pending.delayed.left(call),
    };
  }

  /** The calls whose tasks threw, and that run again after a pause. */
  #pauses(): WaitingGroup[] {
    const { delayed } = this.#parts.pending;
    let left = Infinity;
    for (const call of delayed) left = Math.min(left, delayed.left(call));
    const tasks = delayed.length;
    return tasks === 0 ? [] : [{ code: "delayed", tasks, left }];
  }

  /** The calls that wait to run in isolation, by their placement. */
  #isolated(): WaitingGroup[] {
    const { pending } = this.#parts;
    const calls = Map.groupBy(
      pending.isolated,
      ({ terms }) => terms.placement,
    );
    return [...calls].map(([placement, calls]) => ({
      code: "waiting",
      reason: this.#reason(placement, 0),
      placement,
      tasks: calls.length,
      hasMore: false,
      isIsolated: true,
    }));
  }

  /** The other calls, and items of maps, before the first barrier. */
  #calls(): WaitingGroup[] {
    const { pending, workers, sources, resources } = this.#parts;
    const isolated = [...pending.isolated];
    return waitingWork(pending, workers, sources, resources)
      .flatMap(({ placement, items, hasMore }) => {
        const others = isolated
          .filter(({ terms }) => terms.placement === placement);
        // A barrier without workers is a group of its own.
        const barrier = pending.nextBarrier;
        const isBarrier = barrier !== undefined &&
          barrier.placement === placement && !workers.has(placement);
        const tasks = items - others.length - (isBarrier ? 1 : 0);
        if (tasks <= 0 && !hasMore) return [];
        const reason = this.#reason(placement, 0);
        const isIsolated = false;
        return {
          code: "waiting",
          reason,
          placement,
          tasks,
          hasMore,
          isIsolated,
        };
      });
  }

  /** The calls that wait for the workers of their keys, or there. */
  #keyed(): WaitingGroup[] {
    const { pending, workers } = this.#parts;
    const lists = pending.levels.filter(({ hasKeyed }) => hasKeyed)
      .flatMap(({ parked }) => [...parked.lists()]);
    const all = new Set(lists.map(({ worker }) => worker));
    let tasks = lists.reduce((sum, { calls }) => sum + calls.length, 0);
    for (const worker of workers) {
      const waiting = worker.items - worker.window.concurrency;
      if (waiting <= 0 || worker.movable > 0) continue;
      tasks += waiting;
      all.add(worker);
    }
    if (tasks === 0) return [];
    return [{
      code: "waiting",
      reason: { code: "key", workers: [...all].map(activityOf) },
      placement: undefined,
      tasks,
      hasMore: false,
      isIsolated: false,
    }];
  }

  /** Whether no more calls may wait. */
  #full(): WaitingGroup[] {
    const { limit } = this.#parts;
    if (limit === undefined) return [];
    const { max, waiters, isFull } = limit;
    return isFull || waiters > 0 ? [{ code: "full", max, waiters }] : [];
  }

  /** The first barrier that hasn't begun. */
  #barriers(): WaitingGroup[] {
    const { pending, barrierRuns } = this.#parts;
    const first = pending.firstBarrier;
    if (first === undefined) return [];
    const barrier = this.#barrier();
    const isNext = !barrierRuns() && barrier.queued === 0 &&
      barrier.workers.length === 0;
    const reason = isNext ? this.#reason(first.placement, 0) : undefined;
    const tasks = pending.behindBarriers;
    return [{ code: "barrier", barrier, reason, tasks }];
  }

  /** The maps that submit nothing, though workers have room. */
  #maps(): WaitingGroup[] {
    const { sources, workers } = this.#parts;
    return sources.running.flatMap(({ task, waitsFor, placement }) => {
      if (task === undefined || waitsFor === undefined) return [];
      const hasRoom = workers.at(placement).some(({ hasRoom }) => hasRoom);
      return hasRoom ? { code: "map", task, waitsFor } : [];
    });
  }

  /**
   * Returns why calls with a placement wait.
   *
   * @param barriers How many barriers come before them.
   * @param worker The worker of their key, if they have one.
   */
  #reason(
    placement: Placement | undefined,
    barriers: number,
    worker?: WorkerHandle,
  ): WaitReason {
    const { workers, resources, barrierRuns } = this.#parts;
    if (barrierRuns() || barriers > 0) {
      return { code: "barrier", barrier: this.#barrier() };
    }
    const activities = this.#activities(placement);
    if (activities.length === 0) {
      const { available } = this.#parts.unmet;
      return { code: "noWorker", placement, available };
    }
    if (placement?.needs !== undefined) {
      const own = worker !== undefined && isUsable(worker) ? worker : undefined;
      const uses = resources.usesFor(placement, own);
      if (uses !== undefined) return { code: "resources", placement, uses };
    }
    if (worker !== undefined && isUsable(worker)) {
      return isFree(worker)
        ? { code: "next" }
        : { code: "key", workers: [activityOf(worker)] };
    }
    return workers.at(placement).some(isFree)
      ? { code: "next" }
      : { code: "busy", placement, workers: activities };
  }

  /** Returns the barrier that runs, or the first one. */
  #barrier(): BarrierActivity {
    const { pending, workers, barrierRuns } = this.#parts;
    const isRunning = barrierRuns();
    const busy = [...workers].filter(({ items }) => items > 0);
    const calls = busy.flatMap(({ calls }) => [...calls]);
    const task = isRunning
      ? calls.find(({ terms }) => terms.pinned)?.task.name
      : pending.firstBarrier?.task;
    return {
      task,
      isRunning,
      queued: isRunning ? 0 : pending.beforeBarriers,
      workers: busy.map(activityOf),
    };
  }

  /** What the workers do that get calls; without any, those that got some. */
  #activities(placement: Placement | undefined): WorkerActivity[] {
    const all = this.#parts.workers.at(placement).map(activityOf);
    const staying = all.filter(({ state }) => state !== "leaving");
    return staying.length > 0 ? staying : all.filter(({ tasks }) => tasks > 0);
  }
}

function isFree({ hasRoom, window }: WorkerHandle): boolean {
  return hasRoom && window.calls < window.concurrency;
}

/** Returns the situation of a call that a worker has. */
function situationAt(
  worker: WorkerHandle,
  call: Call,
): CallSituation {
  const { name, window } = worker;
  if (call.state === "paused") return { code: "unread", worker: name };
  if (!call.hasPlace) return { code: "starved", worker: name };
  if (worker.isLeaving(call)) {
    return { code: "leaving", worker: name, bytes: call.bytes };
  }
  const activity = activityOf(worker);
  let before = 0;
  for (const other of worker.calls) {
    if (other === call) break;
    if (other.hasPlace) before++;
  }
  return before < window.concurrency
    ? {
      code: "running",
      activity: { ...activity, task: call.task.name, isCancelled: false },
    }
    : { code: "behind", before, activity };
}
