/**
 * An API server of Kubernetes for a test, as far as `kubectl` needs it for
 * Jobs. It has no nodes: the command of each pod is a process of this machine.
 * It leaves nothing behind.
 *
 * @see {@link https://kubernetes.io/docs/reference/using-api/api-concepts/}
 *
 * @module
 */

import { CERTIFICATE_NAME } from "../../src/transport/connect.ts";
import { makeCertificate } from "../../src/transport/certificate.ts";
import { KubeJobs } from "./kube_jobs.ts";
import {
  type DataObject,
  fieldAt,
  hasFields,
  type JobObject,
  KubeObjects,
  matches,
  type Metadata,
  type PodObject,
  type Resource,
} from "./kube_objects.ts";
import { KubePods } from "./kube_pods.ts";
import { findProgram } from "./ssh_files.ts";

/** Why this machine can't run `kubectl`, if so. */
export const kubectlProblem: string | undefined = Deno.build.os !== "linux"
  ? "needs Linux"
  : findProgram("kubectl")
  ? undefined
  : "install the package kubernetes-client";

/** Declares a test that needs `kubectl`, like `Deno.test`. */
export function kubeTest(
  name: string,
  fn: () => void | Promise<void>,
  options: Pick<Deno.TestDefinition, "sanitizeOps" | "sanitizeResources"> = {},
): void {
  if (kubectlProblem) name += ` (skipped: ${kubectlProblem})`;
  Deno.test({ ...options, name, fn, ignore: kubectlProblem !== undefined });
}

/** The namespace that the context names. */
export const NAMESPACE = "batch";

/** The resources by their group, as discovery shows them. */
const GROUPS: Readonly<Record<string, readonly [Resource, string][]>> = {
  "v1": [
    ["pods", "Pod"],
    ["secrets", "Secret"],
    ["configmaps", "ConfigMap"],
    ["events", "Event"],
  ],
  "batch/v1": [["jobs", "Job"]],
};

const VERBS = ["create", "delete", "deletecollection", "get", "list"];

/** The path of an object or a list. */
const PATH =
  /^\/(?:api\/v1|apis\/batch\/v1)\/namespaces\/([^/]+)\/([a-z]+)(?:\/([^/]+)(?:\/(log))?)?$/;

/** The manifest of an object that is to be created. */
type NewObject = {
  apiVersion: string;
  kind: string;
  metadata: Partial<Metadata> & { name: string };
};

/** An API server; see this module. */
export class KubeApi implements AsyncDisposable {
  readonly #objects = new KubeObjects();
  readonly #token = crypto.randomUUID();
  readonly #folder: string;
  readonly #pods: KubePods;
  readonly #jobs: KubeJobs;
  #server: Deno.HttpServer | undefined;
  #changed = Promise.withResolvers<void>();

  /** The verbs and resources that the user may not use, as `"create jobs"`. */
  readonly forbidden: Set<string> = new Set();

  private constructor() {
    this.#folder = Deno.makeTempDirSync({ prefix: "distex-kube-" });
    this.#pods = new KubePods(
      this.#objects,
      this.#folder,
      (pod) => {
        this.#jobs.podEnded(pod);
        this.#change();
      },
    );
    this.#jobs = new KubeJobs(this.#objects, this.#pods);
  }

  /** Starts a server; resolves when it accepts connections. */
  static async start(): Promise<KubeApi> {
    const api = new KubeApi();
    const { cert, key } = await makeCertificate();
    api.#server = Deno.serve({
      hostname: "127.0.0.1",
      port: 0,
      cert,
      key,
      onListen: () => {},
    }, (request) => api.#handle(request));
    Deno.writeTextFileSync(api.kubeconfig, api.#makeConfig(cert));
    return api;
  }

  /** The path of a file with which `kubectl` finds this server. */
  get kubeconfig(): string {
    return `${this.#folder}/config`;
  }

  /** The arguments with which `kubectl` uses this server. */
  get kubectlArgs(): string[] {
    return [
      `--kubeconfig=${this.kubeconfig}`,
      `--cache-dir=${this.#folder}/cache`,
    ];
  }

  /** The pods. */
  get pods(): PodObject[] {
    return this.#objects.list("pods");
  }

  /** The Jobs. */
  get jobs(): JobObject[] {
    return this.#objects.list("jobs");
  }

  /** The names of all objects but events, as `"jobs/x"`. */
  get names(): string[] {
    return (["jobs", "pods", "secrets", "configmaps"] as const)
      .flatMap((resource) =>
        this.#objects.list(resource).map(({ metadata }) =>
          `${resource}/${metadata.name}`
        )
      );
  }

  /** The process ids of the pods that run. */
  get pids(): number[] {
    return this.pods.map((pod) => this.#pods.pidOf(pod))
      .filter((pid) => pid !== undefined);
  }

  /** Resolves at the next change of an object. */
  get changed(): Promise<void> {
    return this.#changed.promise;
  }

  /** Waits until a condition holds for the objects. */
  async until(condition: (api: KubeApi) => boolean): Promise<void> {
    while (!condition(this)) await this.#changed.promise;
  }

  /** Sets how many pods may exist. */
  setQuota(maxPods: number): void {
    this.#jobs.maxPods = maxPods;
    this.#change();
  }

  /** Makes all nodes refuse new pods, for a reason, until that is undefined. */
  setUnschedulable(reason: string | undefined): void {
    this.#jobs.unschedulable = reason;
    this.#change();
  }

  /** Deletes a pod, as `kubectl delete pod` does. */
  deletePod(pod: PodObject): void {
    this.#jobs.deletePod(pod);
    this.#change();
  }

  /** Ends a pod in favour of another one, as the scheduler does. */
  preempt(pod: PodObject): void {
    pod.status.conditions.push({
      type: "DisruptionTarget",
      status: "True",
      reason: "PreemptionByScheduler",
      message: "preempting to accommodate a higher priority pod",
    });
    this.deletePod(pod);
  }

  /** Ends a pod because its node is short of memory. */
  evict(pod: PodObject): void {
    pod.status.reason = "Evicted";
    pod.status.message = "The node was low on resource: memory.";
    this.#pods.kill(pod);
  }

  /** Kills a pod as the system does if it uses too much memory. */
  killForMemory(pod: PodObject): void {
    this.#pods.kill(pod, "OOMKilled");
  }

  /** Removes Jobs that have ended, as if their time to live was over. */
  expireJobs(): void {
    for (const job of this.jobs) {
      if (job.status.conditions.length > 0) this.#jobs.deleteJob(job);
    }
    this.#change();
  }

  /** Ends all pods, and removes all files. */
  async stop(): Promise<void> {
    for (const job of this.jobs) this.#objects.remove("jobs", job);
    await this.#server?.shutdown();
    await this.#pods.stop();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  #change(): void {
    this.#jobs.reconcile();
    const { resolve } = this.#changed;
    this.#changed = Promise.withResolvers();
    resolve();
  }

  async #handle(request: Request): Promise<Response> {
    if (request.headers.get("authorization") !== `Bearer ${this.#token}`) {
      return failure(401, "Unauthorized", "Unauthorized");
    }
    const { pathname, searchParams } = new URL(request.url);
    const [, namespace, resource, name, log] = PATH.exec(pathname) ?? [];
    if (namespace === undefined) {
      return discover(pathname) ??
        failure(404, "NotFound", "the server could not find the resource");
    }
    const verb = verbOf(request.method, name);
    if (this.forbidden.has(`${verb} ${resource}`)) {
      return failure(
        403,
        "Forbidden",
        `${resource} is forbidden: User "tester" cannot ${verb} resource "${resource}" in the namespace "${namespace}"`,
      );
    }
    const kind = resource as Resource;
    switch (verb) {
      case "create":
        return this.#create(kind, namespace, await request.json());
      case "list":
        return this.#list(kind, namespace, searchParams);
      default:
        return this.#one(verb, kind, namespace, name!, log, searchParams);
    }
  }

  #create(resource: Resource, namespace: string, body: NewObject): Response {
    const { name } = body.metadata;
    if (this.#objects.get(resource, namespace, name) !== undefined) {
      return failure(
        409,
        "AlreadyExists",
        `${resource} "${name}" already exists`,
      );
    }
    const unknown = resource === "jobs" ? unknownField(body) : undefined;
    if (unknown !== undefined) {
      return failure(
        400,
        "BadRequest",
        `Job in version "v1" cannot be handled as a Job: strict decoding error: unknown field "${unknown}"`,
      );
    }
    const object = this.#objects.add(resource, namespace, body);
    if (resource === "secrets") storeText(object as DataObject);
    this.#change();
    return json(object, 201);
  }

  #list(
    resource: Resource,
    namespace: string,
    parameters: URLSearchParams,
  ): Response {
    const labels = parameters.get("labelSelector") ?? "";
    const fields = parameters.get("fieldSelector") ?? "";
    const [group, entries] = Object.entries(GROUPS).find(([, entries]) =>
      entries.some(([name]) => name === resource)
    )!;
    const [, kind] = entries.find(([name]) => name === resource)!;
    return json({
      apiVersion: group,
      kind: `${kind}List`,
      metadata: { resourceVersion: "1" },
      items: this.#objects.list(resource).filter((object) =>
        object.metadata.namespace === namespace && matches(object, labels) &&
        hasFields(object, fields)
      ),
    });
  }

  #one(
    verb: "get" | "delete",
    resource: Resource,
    namespace: string,
    name: string,
    log: string | undefined,
    parameters: URLSearchParams,
  ): Response {
    const object = this.#objects.get(resource, namespace, name);
    if (object === undefined) {
      return failure(404, "NotFound", `${resource} "${name}" not found`);
    }
    if (log !== undefined) {
      const lines = this.#pods.outputOf(object as PodObject).split("\n");
      const tail = Number(parameters.get("tailLines") ?? Infinity);
      return new Response(lines.slice(-tail - 1).join("\n"));
    }
    if (verb === "delete") {
      if (resource === "jobs") this.#jobs.deleteJob(object as JobObject);
      else if (resource === "pods") this.#jobs.deletePod(object as PodObject);
      else this.#objects.remove(resource, object);
      this.#change();
    }
    return json(object);
  }

  #makeConfig(cert: string): string {
    const { port } = this.#server!.addr as Deno.NetAddr;
    return JSON.stringify({
      apiVersion: "v1",
      kind: "Config",
      clusters: [{
        name: "test",
        cluster: {
          server: `https://127.0.0.1:${port}`,
          "tls-server-name": CERTIFICATE_NAME,
          "certificate-authority-data": btoa(cert),
        },
      }],
      users: [{ name: "tester", user: { token: this.#token } }],
      contexts: [{
        name: "test",
        context: { cluster: "test", user: "tester", namespace: NAMESPACE },
      }],
      "current-context": "test",
    });
  }
}

function verbOf(
  method: string,
  name: string | undefined,
): "create" | "list" | "get" | "delete" {
  if (method === "POST") return "create";
  if (method === "DELETE") return "delete";
  return name === undefined ? "list" : "get";
}

/** The fields of a Job, of pods and of containers that this server knows. */
const FIELDS: Readonly<Record<string, readonly string[]>> = {
  "spec": [
    ...["completionMode", "completions", "parallelism", "template"],
    ...["backoffLimitPerIndex", "ttlSecondsAfterFinished"],
  ],
  "spec.template.spec": [
    ...["automountServiceAccountToken", "containers", "nodeSelector"],
    ...["priorityClassName", "restartPolicy", "serviceAccountName"],
    ...["terminationGracePeriodSeconds", "tolerations", "volumes"],
  ],
  "spec.template.spec.containers.0": [
    ...["args", "command", "env", "image", "name", "resources"],
    "volumeMounts",
  ],
};

/** Returns the path of a field that doesn't exist, if a Job has one. */
function unknownField(job: object): string | undefined {
  for (const [path, known] of Object.entries(FIELDS)) {
    const found = Object.keys(fieldAt(job, path) as object)
      .find((name) => !known.includes(name));
    if (found !== undefined) return `${path}.${found}`;
  }
}

/** The API stores the texts of a Secret as Base64. */
function storeText(secret: DataObject): void {
  const encoder = new TextEncoder();
  const texts = Object.entries(secret.stringData ?? {});
  secret.data = Object.fromEntries(
    texts.map(([name, text]) => [name, encoder.encode(text).toBase64()]),
  );
  delete secret.stringData;
}

/** Answers a question about the kinds of objects. */
function discover(path: string): Response | undefined {
  const group = path.replace(/^\/apis?\//, "");
  if (Object.hasOwn(GROUPS, group)) {
    return json({
      kind: "APIResourceList",
      groupVersion: group,
      resources: [
        ...GROUPS[group]!.map(([name, kind]) => ({
          name,
          singularName: kind.toLowerCase(),
          namespaced: true,
          kind,
          verbs: VERBS,
        })),
        ...(group === "v1"
          ? [{
            name: "pods/log",
            namespaced: true,
            kind: "Pod",
            verbs: ["get"],
          }]
          : []),
      ],
    });
  }
  const version = { groupVersion: "batch/v1", version: "v1" };
  switch (path) {
    case "/version":
      return json({ major: "1", minor: "32", gitVersion: "v1.32.0" });
    case "/api":
      return json({ kind: "APIVersions", versions: ["v1"] });
    case "/apis":
      return json({
        kind: "APIGroupList",
        groups: [{
          name: "batch",
          versions: [version],
          preferredVersion: version,
        }],
      });
    case "/openapi/v2":
      // An empty document: nothing to check manifests against.
      return new Response(new Uint8Array(0), {
        headers: {
          "content-type":
            "application/com.github.proto-openapi.spec.v2.v1.0+protobuf",
        },
      });
  }
}

function json(value: unknown, status = 200): Response {
  return Response.json(value, { status });
}

function failure(code: number, reason: string, message: string): Response {
  return json({
    kind: "Status",
    apiVersion: "v1",
    metadata: {},
    status: "Failure",
    message,
    reason,
    code,
  }, code);
}
