import {
  type KubernetesSettings,
  QUANTITY,
} from "../../options/kubernetes_options.ts";
import type { LaunchFile, LaunchRequest } from "../launch/launcher.ts";

/** The label of all objects of a pool. */
const MANAGED_BY = { "app.kubernetes.io/managed-by": "distex" };

/** The label of all objects of a request: the name of its Job. */
export const INSTANCE = "app.kubernetes.io/instance";

/**
 * The label that Kubernetes gives to each pod of an Indexed Job.
 *
 * @see {@link https://kubernetes.io/docs/reference/labels-annotations-taints/#batch-kubernetes-io-job-completion-index}
 */
export const INDEX = "batch.kubernetes.io/job-completion-index";

/**
 * The longest name of a Job. A pod's host name has the index after it, and
 * both must fit into 63 characters.
 */
const MAX_NAME = 52;

/** The variable that each pod of an Indexed Job has. */
const INDEX_VARIABLE = "$(JOB_COMPLETION_INDEX)";

/** The volume of the pool's files. */
const FILES = "distex-files";

/** A manifest of an object, without what Kubernetes adds. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly [field: string]: unknown;
}

/**
 * Returns the name of the Job for a request. The start and the end of a long
 * name are kept, because it ends with what makes it unique.
 */
export function jobName(name: string): string {
  const plain = name.toLowerCase().replace(/[^a-z0-9-]/g, "-");
  const short = plain.length <= MAX_NAME
    ? plain
    : plain.slice(0, 20) + plain.slice(20 - MAX_NAME);
  return short.replace(/^-+|-+$/g, "");
}

/** Makes the Job for a request. Its pods wait until their files exist. */
export function makeJob(
  settings: KubernetesSettings,
  request: LaunchRequest,
): Manifest {
  const name = jobName(request.name);
  const { agents } = request;
  const labels = { ...MANAGED_BY, [INSTANCE]: name };
  return {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: { name, labels },
    spec: {
      completionMode: "Indexed",
      completions: agents,
      parallelism: agents,
      // The pool itself asks for agents again, and knows when to stop.
      backoffLimitPerIndex: 0,
      ttlSecondsAfterFinished: Math.ceil(settings.ttl / 1_000),
      template: { metadata: { labels }, spec: podSpec(settings, request) },
    },
  };
}

/**
 * Makes the objects that hold the files of a request: a Secret and a ConfigMap,
 * which Kubernetes deletes together with the Job.
 *
 * @param uid The id that Kubernetes has given to the Job.
 * @param textOf Returns the text to put in for a file.
 */
export function makeFiles(
  request: LaunchRequest,
  uid: string,
  textOf: (file: LaunchFile) => string,
): Manifest[] {
  const name = jobName(request.name);
  const metadata = {
    name,
    labels: { ...MANAGED_BY, [INSTANCE]: name },
    ownerReferences: [{ apiVersion: "batch/v1", kind: "Job", name, uid }],
  };
  const contentOf = (isSecret: boolean) =>
    Object.fromEntries(
      request.files.filter((file) => file.isSecret === isSecret)
        .map((file) => [file.name, textOf(file)]),
    );
  return [
    {
      apiVersion: "v1",
      kind: "Secret",
      metadata,
      stringData: contentOf(true),
    },
    {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata,
      data: contentOf(false),
    },
  ];
}

/** Puts several objects into one text for `kubectl`. */
export function formatManifests(manifests: readonly Manifest[]): string {
  const [first, ...others] = manifests;
  const object = others.length === 0
    ? first
    : { apiVersion: "v1", kind: "List", items: manifests };
  return `${JSON.stringify(object, undefined, 2)}\n`;
}

function podSpec(settings: KubernetesSettings, request: LaunchRequest) {
  const { folder, image, nodeSelector, tolerations, serviceAccount } = settings;
  const { volumes = [] } = settings.podSpec as { volumes?: unknown[] };
  const { volumeMounts = [] } = settings.containerSpec as {
    volumeMounts?: unknown[];
  };
  const name = jobName(request.name);
  return {
    ...settings.podSpec,
    restartPolicy: "Never",
    nodeSelector,
    tolerations,
    ...(serviceAccount === undefined
      ? { automountServiceAccountToken: false }
      : { serviceAccountName: serviceAccount }),
    containers: [{
      ...settings.containerSpec,
      name: "agent",
      image,
      command: [
        ...request.command.map(literal),
        "--job",
        `${name}-${INDEX_VARIABLE}`,
      ],
      env: Object.entries(request.env).map(([name, value]) => ({
        name,
        value: literal(value),
      })),
      resources: {
        requests: times(settings.requests, request.workersPerAgent),
        limits: times(settings.limits, request.workersPerAgent),
      },
      volumeMounts: [
        { name: FILES, mountPath: folder, readOnly: true },
        ...volumeMounts,
      ],
    }],
    volumes: [{
      name: FILES,
      projected: { sources: [{ secret: { name } }, { configMap: { name } }] },
    }, ...volumes],
  };
}

/** Kubernetes replaces `$(NAME)` in commands and values, and `$$` by `$`. */
function literal(text: string): string {
  return text.replaceAll("$", () => "$$");
}

/** Multiplies amounts such as `{ cpu: "500m" }` by the number of workers. */
function times(
  amounts: Readonly<Record<string, string | number>>,
  workers: number,
): Record<string, string> {
  return Object.fromEntries(
    Object.entries(amounts).map(([name, amount]) => {
      const [, number, suffix = ""] = QUANTITY.exec(String(amount))!;
      return [name, `${Number(number) * workers}${suffix}`];
    }),
  );
}
