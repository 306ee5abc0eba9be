import type { Need, Placement } from "../calls/placement.ts";
import type {
  BarrierActivity,
  CallSituation,
  ResourceUse,
  WaitingGroup,
  WaitReason,
} from "../scheduling/call_situation.ts";
import type { WorkerActivity } from "../scheduling/worker_activity.ts";
import { formatDuration } from "../util/format_duration.ts";
import { formatAmount } from "../util/parse_amount.ts";
import { describeHosts } from "./describe_hosts.ts";
import { describeWorker, describeWorkers } from "./describe_workers.ts";
import type { HostSituation } from "./host_situation.ts";
import { after, count, counted, listed, oneLine } from "./phrases.ts";

/** What a pool is doing, as a whole. */
export type PoolPhase =
  /** It is lazy, and had no task yet. */
  | { readonly code: "lazy" }
  /** Its first workers start. */
  | { readonly code: "starting" }
  | { readonly code: "running" }
  /** It was shut down, and waits for its last tasks. */
  | { readonly code: "closing" }
  | { readonly code: "closed" }
  /** It can run no tasks any more. */
  | { readonly code: "broken"; readonly reason: string };

/** What an explanation must know of a pool. */
export interface PoolFacts {
  /** What the pool is doing. */
  readonly phase: PoolPhase;
  /** Returns what keeps workers away where a placement, or any, may run. */
  hosts(placement: Placement | undefined): HostSituation[];
}

/** Whom a sentence is about, in the words that it needs. */
interface Subject {
  readonly text: string;
  readonly waits: "waits" | "wait";
  readonly it: "it" | "they";
}

/** Explains in one sentence why a call hasn't begun, or where it is. */
export function explainCall(
  task: string,
  situation: CallSituation,
  pool: PoolFacts,
): string {
  const subject = `The task '${task}'`;
  switch (situation.code) {
    case "ended":
      return `${subject} has ended.`;
    case "cancelled": {
      const worker = situation.worker ?? "its worker";
      return `${subject} was cancelled, and ${worker} hasn't ended it yet.`;
    }
    case "running":
      return `${subject} has begun: ${describeWorker(situation.activity)}.`;
    case "unread":
      return `${subject} has begun on ${situation.worker}, and waits until the values that it yields are read.`;
    case "starved":
      return `${subject} has begun on ${situation.worker}, and waits for values of a stream among its arguments.`;
    case "leaving": {
      const size = formatBytes(situation.bytes);
      return `${subject} is on its way to ${situation.worker}: its arguments (${size}) are being sent.`;
    }
    case "behind": {
      const { before, activity } = situation;
      return `${subject} waits at ${activity.worker}, behind ${
        count(before, "other")
      }: ${describeWorker(activity)}.`;
    }
    case "delayed": {
      const { attempts, maxAttempts, left } = situation;
      return `${subject} threw, and runs again in ${
        formatDuration(left)
      } (attempt ${attempts + 1} of ${maxAttempts}).`;
    }
    case "lost":
    case "unknown":
      return `${subject} waits: its worker was just lost.`;
    case "waiting": {
      const { reason, before, isIsolated } = situation;
      const behind = before === 0 ? "" : `, behind ${count(before, "other")}`;
      const one: Subject = { text: subject, waits: "waits", it: "it" };
      return waiting(one, behind, reason, isIsolated, pool);
    }
  }
}

/** Explains what waits in a pool, in one sentence for each reason. */
export function explainPool(
  groups: readonly WaitingGroup[],
  workers: readonly WorkerActivity[],
  pool: PoolFacts,
): string {
  const sentences = groups.map((group) => explainGroup(group, pool));
  return sentences.length > 0
    ? sentences.join("\n")
    : explainIdle(workers, pool);
}

/** Explains a pool where nothing waits. */
function explainIdle(
  workers: readonly WorkerActivity[],
  { phase, hosts }: PoolFacts,
): string {
  switch (phase.code) {
    case "lazy":
      return "The pool is lazy, and starts its workers with the first task.";
    case "closed":
      return "The pool was shut down.";
    case "broken":
      return `The pool is broken: ${oneLine(phase.reason)}.`;
    case "starting":
      return `No task waits, and the pool is starting${
        after(": ", describeHosts(hosts(undefined)))
      }.`;
  }
  const closing = phase.code === "closing"
    ? "The pool was shut down, and waits for what runs"
    : "No task waits";
  const busy = workers.filter(({ tasks }) => tasks > 0);
  if (busy.length > 0) return `${closing}: ${describeWorkers(busy)}.`;
  const idle = workers.length === 0
    ? `the pool has no workers${after(": ", describeHosts(hosts(undefined)))}`
    : `${counted(workers.length, "worker", "is", "are")} free`;
  return `${closing}: ${idle}.`;
}

function explainGroup(group: WaitingGroup, pool: PoolFacts): string {
  switch (group.code) {
    case "delayed": {
      const { tasks, left } = group;
      const time = formatDuration(left);
      return tasks === 1
        ? `1 task threw, and runs again in ${time}.`
        : `${tasks} tasks threw, and run again, the first in ${time}.`;
    }
    case "full": {
      const { max, waiters } = group;
      const room = waiters === 0
        ? ""
        : `, and ${counted(waiters, "caller", "waits", "wait")} for room`;
      return `As many tasks wait as may (maxQueue is ${max}), so more are refused${room}.`;
    }
    case "map": {
      const what = group.waitsFor === "reader"
        ? "until more of its results are read"
        : "for more items from its input";
      return `A map of the task '${group.task}' waits ${what}.`;
    }
    case "barrier": {
      const { barrier, reason, tasks } = group;
      const behind = tasks === 0
        ? ""
        : `, and ${counted(tasks, "task", "waits", "wait")} behind it`;
      if (reason === undefined) {
        return `${named(barrier)} ${describeBarrier(barrier)}${behind}.`;
      }
      const one: Subject = { text: named(barrier), waits: "waits", it: "it" };
      return waiting(one, behind, reason, false, pool);
    }
    case "waiting": {
      const { placement, tasks, hasMore, reason, isIsolated } = group;
      const asks = isAnywhere(placement) ? "" : ` for ${placement}`;
      const isOne = tasks === 1 && !hasMore;
      const number = hasMore
        ? tasks === 0 ? "More tasks" : `${count(tasks, "task")} and more`
        : count(tasks, "task");
      const subject: Subject = {
        text: `${number}${asks}`,
        waits: isOne ? "waits" : "wait",
        it: isOne ? "it" : "they",
      };
      return waiting(subject, "", reason, isIsolated, pool);
    }
  }
}

/** Explains why calls wait that no worker has. */
function waiting(
  { text, waits, it }: Subject,
  behind: string,
  reason: WaitReason,
  isIsolated: boolean,
  pool: PoolFacts,
): string {
  const run = it === "it" ? "runs" : "run";
  const alone = isIsolated
    ? `, as the worker was lost and ${it} ${run} again alone`
    : "";
  const why = explainReason(reason, it, pool);
  return `${text} ${waits} for a worker${behind}${alone}: ${why}.`;
}

function explainReason(
  reason: WaitReason,
  it: Subject["it"],
  pool: PoolFacts,
): string {
  switch (reason.code) {
    case "next":
      return `one is free, and gets ${it === "it" ? "it" : "them"} at once`;
    case "barrier": {
      const { barrier } = reason;
      return `${named(barrier)} comes first, which ${describeBarrier(barrier)}`;
    }
    case "resources": {
      const needs = formatNeeds(reason.placement.needs ?? []);
      return `what ${it} ${
        it === "it" ? "takes" : "take"
      } (${needs}) isn't free: ${describeUses(reason.uses)}`;
    }
    case "key": {
      const { workers } = reason;
      const list = describeWorkers(workers);
      if (it === "it") return `the one of its key is busy (${list})`;
      const are = workers.length === 1
        ? "one of their keys is"
        : "ones of their keys are";
      return `the ${are} busy (${list})`;
    }
    case "busy": {
      const { placement, workers } = reason;
      const where = isAnywhere(placement) ? "" : ` where ${it} may run`;
      const more = describeHosts(pool.hosts(placement));
      return `${
        workers.length === 1
          ? `the only worker${where} is`
          : `all ${workers.length} workers${where} are`
      } busy (${describeWorkers(workers)})${after("; ", more)}`;
    }
    case "noWorker": {
      const { placement, available } = reason;
      const hosts = describeHosts(pool.hosts(placement));
      const isStarting = pool.phase.code === "starting";
      if (isStarting) return `the pool is starting${after(": ", hosts)}`;
      if (hosts !== "") return hosts;
      return isAnywhere(placement)
        ? "the pool has none"
        : describeUnmet(placement, available, it);
    }
  }
}

/** Whether calls with a placement may run at any worker. */
function isAnywhere(
  placement: Placement | undefined,
): placement is undefined {
  return placement === undefined || placement.isAnywhere;
}

function named({ task }: BarrierActivity): string {
  return task === undefined ? "runOnAll()" : `runOnAll() of '${task}'`;
}

function describeBarrier(
  { isRunning, queued, workers }: BarrierActivity,
): string {
  const list = workers.length === 0 ? "" : ` (${describeWorkers(workers)})`;
  if (isRunning) return `runs on all workers${list}`;
  const waits = queued === 0
    ? ""
    : `: ${counted(queued, "task", "waits", "wait")}`;
  return `begins once all earlier tasks have ended${waits}${list}`;
}

function describeUnmet(
  placement: Placement,
  available: string,
  it: Subject["it"],
): string {
  const asks = it === "it" ? "it asks" : "they ask";
  const waits = it === "it" ? "it waits" : "they wait";
  const until = placement.mayWait
    ? `, so ${waits} until one joins (onUnmet)`
    : "";
  return `none has what ${asks} for (${placement}), and there is ${available}${until}`;
}

function describeUses(uses: readonly ResourceUse[]): string {
  if (uses.length === 0) return "it is kept for tasks that have waited longer";
  return listed(
    uses.map(({ task, worker, needs }) =>
      `'${task}' on ${worker} has ${formatNeeds(needs)}`
    ),
  );
}

function formatNeeds(needs: readonly Need[]): string {
  return needs.map(([name, amount]) => `${name}: ${formatAmount(amount)}`)
    .join(", ");
}

function formatBytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
