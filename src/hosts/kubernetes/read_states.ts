import type { AgentState } from "../launch/launcher.ts";
import { INDEX } from "./make_manifests.ts";

/** A condition of a pod or Job. */
export interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason?: string;
  readonly message?: string;
}

/** Why a container waits or has ended. */
interface Detail {
  readonly reason?: string;
  readonly message?: string;
  readonly exitCode?: number;
}

/** The part of a pod that is read. */
export interface Pod {
  readonly metadata: {
    readonly name: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly creationTimestamp?: string;
  };
  readonly status?: {
    readonly phase?: string;
    readonly reason?: string;
    readonly message?: string;
    readonly conditions?: readonly Condition[];
    readonly containerStatuses?: readonly {
      readonly state?: {
        readonly waiting?: Detail;
        readonly terminated?: Detail;
      };
    }[];
  };
}

/** The part of a Job that is read. */
export interface Job {
  readonly metadata: { readonly name: string };
  readonly status?: {
    readonly conditions?: readonly Condition[];
    readonly completedIndexes?: string;
    readonly failedIndexes?: string;
  };
}

/** Returns the index of a pod in its Job. */
export function indexOf(pod: Pod): number {
  return Number(pod.metadata.labels?.[INDEX]);
}

/**
 * Returns the state of the agent in a pod, and the reason in Kubernetes' own
 * words.
 *
 * @see {@link https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/}
 */
export function stateOfPod({ status = {} }: Pod): AgentState {
  const { phase, containerStatuses } = status;
  const container = containerStatuses?.[0]?.state;
  switch (phase) {
    case "Running":
      return { state: "running", reason: "" };
    case "Succeeded":
    case "Failed":
      return {
        state: "ended",
        reason: phrase(status) || phrase(disruption(status.conditions)) ||
          phrase(container?.terminated),
      };
    default:
      return {
        state: "pending",
        reason: phrase(container?.waiting) ||
          phrase(unmet(status.conditions)) || phrase(status),
      };
  }
}

/**
 * Returns the state of an agent that has no pod.
 *
 * @param job Its Job.
 * @param index Its index.
 * @param reason Why its pod wasn't created, if that is known.
 */
export function stateWithoutPod(
  { status = {} }: Job,
  index: number,
  reason: string,
): AgentState {
  const end = status.conditions?.find(({ type, status }) =>
    (type === "Failed" || type === "Complete") && status === "True"
  );
  if (end !== undefined) return { state: "ended", reason: phrase(end) };
  const hasEnded = includes(status.failedIndexes, index) ||
    includes(status.completedIndexes, index);
  return hasEnded
    ? { state: "ended", reason: "its pod is gone" }
    : { state: "pending", reason };
}

/** Returns why a pod was or is to be ended by Kubernetes itself. */
function disruption(conditions: readonly Condition[] = []) {
  return conditions.find(({ type, status }) =>
    type === "DisruptionTarget" && status === "True"
  );
}

/** Returns why a pod isn't on a node yet. */
function unmet(conditions: readonly Condition[] = []) {
  return conditions.find(({ type, status }) =>
    type === "PodScheduled" && status === "False"
  );
}

/** Joins a reason and its message. */
function phrase(detail: Detail = {}): string {
  const { reason, message, exitCode } = detail;
  const code = exitCode === undefined || exitCode === 0
    ? undefined
    : `exit code ${exitCode}`;
  return [reason, message ?? code].filter(Boolean).join(": ");
}

/** Whether a list like `"1,3-5"` includes an index. */
function includes(list: string | undefined, index: number): boolean {
  return (list ?? "").split(",").some((range) => {
    const [first, last = first] = range.split("-");
    return range !== "" && Number(first) <= index && index <= Number(last);
  });
}
