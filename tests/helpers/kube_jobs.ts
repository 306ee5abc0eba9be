/**
 * The part of a {@linkcode KubeApi} that acts on Jobs: it creates their pods,
 * assigns these to a node, counts those that ended, and deletes what belongs to
 * a deleted Job.
 *
 * @see {@link https://kubernetes.io/docs/concepts/workloads/controllers/job/}
 *
 * @module
 */

import type {
  Condition,
  EventObject,
  JobObject,
  KubeObjects,
  PodObject,
  Resource,
} from "./kube_objects.ts";
import { type KubePods, setState } from "./kube_pods.ts";

const INDEX = "batch.kubernetes.io/job-completion-index";

/** Acts on Jobs and pods. */
export class KubeJobs {
  readonly #objects: KubeObjects;
  readonly #pods: KubePods;
  /** The indexes of each Job that have ended, by its uid. */
  readonly #ended = new Map<string, Map<number, "completed" | "failed">>();

  /** How many pods may exist; the quota of the namespace. */
  maxPods: number = Infinity;

  /** Why no node takes pods now, in the words of the scheduler. */
  unschedulable: string | undefined;

  constructor(objects: KubeObjects, pods: KubePods) {
    this.#objects = objects;
    this.#pods = pods;
  }

  /** Does what is to do after a change. */
  reconcile(): void {
    for (const job of this.#objects.list<JobObject>("jobs")) this.#sync(job);
    for (const pod of this.#objects.list<PodObject>("pods")) {
      if (isWaiting(pod)) this.#schedule(pod);
    }
  }

  /** Deletes a Job, and all objects that it owns. */
  deleteJob(job: JobObject): void {
    this.#objects.remove("jobs", job);
    const { uid } = job.metadata;
    for (const resource of ["pods", "secrets", "configmaps"] as Resource[]) {
      for (const object of this.#objects.list(resource)) {
        const owners = object.metadata.ownerReferences ?? [];
        if (!owners.some((owner) => owner.uid === uid)) continue;
        if (resource === "pods") this.deletePod(object as PodObject);
        else this.#objects.remove(resource, object);
      }
    }
  }

  /** Asks a pod to end; it is removed once it has. */
  deletePod(pod: PodObject): void {
    pod.metadata.deletionTimestamp ??= new Date().toISOString();
    if (pod.status.phase === "Running") this.#pods.terminate(pod);
    else this.podEnded(pod);
  }

  /** Counts a pod that has ended, and removes it if it was deleted. */
  podEnded(pod: PodObject): void {
    const [owner] = pod.metadata.ownerReferences ?? [];
    if (owner !== undefined) {
      const outcome = pod.status.phase === "Succeeded" ? "completed" : "failed";
      this.#indexesOf(owner.uid).set(indexOf(pod), outcome);
    }
    if (pod.metadata.deletionTimestamp !== undefined) {
      this.#objects.remove("pods", pod);
    }
    this.reconcile();
  }

  #sync(job: JobObject): void {
    const { namespace, uid, name } = job.metadata;
    const ended = this.#indexesOf(uid);
    const own = this.#objects.list<PodObject>("pods").filter((pod) =>
      pod.metadata.ownerReferences?.some((owner) => owner.uid === uid)
    );
    const present = new Set(own.map(indexOf));
    let refused = false;
    for (let index = 0; index < job.spec.completions; index++) {
      if (present.has(index) || ended.has(index) || refused) continue;
      const used = this.#objects.list("pods").length;
      if (used < this.maxPods) this.#create(job, index);
      else {
        refused = true;
        this.#refuse(namespace, name, used);
      }
    }
    job.status = {
      active: own.filter(({ status }) => status.phase === "Running").length,
      completedIndexes: listOf(ended, "completed"),
      failedIndexes: listOf(ended, "failed"),
      conditions: conditionsOf(job, ended),
    };
  }

  #create({ metadata, spec }: JobObject, index: number): void {
    const { name, namespace, uid } = metadata;
    const suffix = crypto.randomUUID().slice(0, 5);
    const [container] = spec.template.spec.containers;
    const variable = { name: "JOB_COMPLETION_INDEX", value: String(index) };
    this.#objects.add<PodObject>("pods", namespace, {
      apiVersion: "v1",
      kind: "Pod",
      metadata: {
        name: `${name}-${index}-${suffix}`,
        labels: {
          ...spec.template.metadata?.labels,
          "batch.kubernetes.io/job-name": name,
          [INDEX]: String(index),
        },
        annotations: { [INDEX]: String(index) },
        ownerReferences: [{ apiVersion: "batch/v1", kind: "Job", name, uid }],
      },
      spec: {
        ...spec.template.spec,
        containers: [{
          ...container!,
          env: [variable, ...container!.env ?? []],
        }],
      },
      status: { phase: "Pending", conditions: [], containerStatuses: [] },
    });
  }

  /** Reports, as the Job's controller does, that the quota refuses a pod. */
  #refuse(namespace: string, name: string, used: number): void {
    if (this.#objects.get("events", namespace, name) !== undefined) return;
    this.#objects.add<EventObject>("events", namespace, {
      apiVersion: "v1",
      kind: "Event",
      metadata: { name },
      type: "Warning",
      reason: "FailedCreate",
      message:
        `Error creating: pods "${name}-" is forbidden: exceeded quota: pods, requested: pods=1, used: pods=${used}, limited: pods=${this.maxPods}`,
      involvedObject: { kind: "Job", name },
    });
  }

  #schedule(pod: PodObject): void {
    if (this.unschedulable !== undefined) {
      pod.status.conditions = [{
        type: "PodScheduled",
        status: "False",
        reason: "Unschedulable",
        message: this.unschedulable,
      }];
      return;
    }
    pod.status.conditions = [{ type: "PodScheduled", status: "True" }];
    const { image } = pod.spec.containers[0]!;
    if (image.startsWith("denoland/deno")) return this.#pods.start(pod);
    setState(pod, {
      waiting: {
        reason: "ImagePullBackOff",
        message: `Back-off pulling image "${image}"`,
      },
    });
  }

  #indexesOf(uid: string): Map<number, "completed" | "failed"> {
    const indexes = this.#ended.get(uid) ?? new Map();
    this.#ended.set(uid, indexes);
    return indexes;
  }
}

function isWaiting({ status, metadata }: PodObject): boolean {
  return status.phase === "Pending" &&
    metadata.deletionTimestamp === undefined;
}

function indexOf(pod: PodObject): number {
  return Number(pod.metadata.labels?.[INDEX]);
}

function listOf(
  ended: ReadonlyMap<number, "completed" | "failed">,
  outcome: "completed" | "failed",
): string {
  return [...ended].filter(([, found]) => found === outcome)
    .map(([index]) => index).sort((a, b) => a - b).join(",");
}

function conditionsOf(
  { spec }: JobObject,
  ended: ReadonlyMap<number, "completed" | "failed">,
): Condition[] {
  if (ended.size < spec.completions) return [];
  return [...ended.values()].includes("failed")
    ? [{
      type: "Failed",
      status: "True",
      reason: "FailedIndexes",
      message: "Job has failed indexes",
    }]
    : [{ type: "Complete", status: "True", reason: "CompletionsReached" }];
}
