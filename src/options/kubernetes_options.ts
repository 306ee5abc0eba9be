import type { ClusterHostOptions } from "./cluster_host_options.ts";
import {
  checkClusterOptions,
  clusterWorkers,
  inHost,
  parseClusterSpec,
} from "./cluster_settings.ts";
import {
  checkMilliseconds,
  checkObject,
  checkString,
  checkStringRecord,
  checkStrings,
  wrongType,
  wrongValue,
} from "./option_checks.ts";

/**
 * The options of a host whose workers run in the pods of a Kubernetes Job.
 *
 * @example Usage
 * ```ts ignore
 * import { type KubernetesOptions, Pool } from "@distex/pool";
 *
 * const kubernetes: KubernetesOptions = {
 *   host: "kubernetes://batch/32",
 *   requests: { cpu: 1, memory: "2Gi" },
 *   nodeSelector: { "kubernetes.io/arch": "amd64" },
 * };
 * await using pool = new Pool({ workers: 0, hosts: kubernetes });
 * ```
 */
export interface KubernetesOptions extends ClusterHostOptions {
  /**
   * `kubernetes://[namespace]/[workers]`. Without a namespace, the one of the
   * context is used.
   */
  readonly host: string;
  /** The context of the kubeconfig. The default is the current one. */
  readonly context?: string;
  /**
   * Extra arguments for `kubectl`, such as `["--kubeconfig", "cluster.yaml"]`.
   *
   * @default {[]}
   */
  readonly kubectlArgs?: readonly string[];
  /**
   * The image of the pods, which has Deno. The default is Deno's own image of
   * the version that runs the pool, such as `denoland/deno:2.9.6`.
   */
  readonly image?: string;
  /**
   * The path of `deno` in the image.
   *
   * @default {"deno"}
   */
  readonly deno?: string;
  /**
   * The folder of the pool's files in a pod.
   *
   * @default {"/etc/distex"}
   */
  readonly folder?: string;
  /**
   * The resources that a worker requests, such as
   * `{ cpu: "500m", memory: "1Gi" }`. A pod requests `workersPerJob` times as
   * much.
   *
   * @default {{}}
   */
  readonly requests?: Readonly<Record<string, string | number>>;
  /**
   * The most that a worker may use, such as
   * `{ memory: "2Gi", "nvidia.com/gpu": 1 }`. A pod may use `workersPerJob`
   * times as much.
   *
   * @default {{}}
   */
  readonly limits?: Readonly<Record<string, string | number>>;
  /**
   * The labels that the nodes of the pods must have.
   *
   * @default {{}}
   */
  readonly nodeSelector?: Readonly<Record<string, string>>;
  /**
   * The taints of nodes that the pods tolerate, as in a pod's manifest.
   *
   * @default {[]}
   */
  readonly tolerations?: readonly Readonly<Record<string, unknown>>[];
  /**
   * The service account of the pods. By default, they have that of the
   * namespace, but not its token.
   */
  readonly serviceAccount?: string;
  /**
   * How long Kubernetes keeps a Job after all its pods have ended, in
   * milliseconds. The pool deletes its Jobs itself; this is for a machine that
   * fails before it could.
   *
   * @default {600_000}
   */
  readonly ttl?: number;
  /**
   * More fields of the pods' `spec`, such as
   * `{ priorityClassName: "low", imagePullSecrets: [{ name: "registry" }] }`.
   * Its `volumes` are added to the pool's.
   *
   * @default {{}}
   */
  readonly podSpec?: Readonly<Record<string, unknown>>;
  /**
   * More fields of the container in each pod, such as
   * `{ imagePullPolicy: "Always" }`. Its `volumeMounts` are added to the pool's.
   *
   * @default {{}}
   */
  readonly containerSpec?: Readonly<Record<string, unknown>>;
}

/** The options of a {@linkcode KubernetesOptions}, checked. */
export interface KubernetesSettings {
  /** The name of the host in messages. */
  readonly name: string;
  /** The number of workers. */
  readonly workers: number;
  /** The namespace; `undefined` for that of the context. */
  readonly namespace: string | undefined;
  /** See {@linkcode KubernetesOptions.context}. */
  readonly context: string | undefined;
  /** See {@linkcode KubernetesOptions.kubectlArgs}. */
  readonly kubectlArgs: readonly string[];
  /** See {@linkcode KubernetesOptions.image}. */
  readonly image: string;
  /** See {@linkcode KubernetesOptions.deno}. */
  readonly deno: string;
  /** See {@linkcode KubernetesOptions.folder}. */
  readonly folder: string;
  /** See {@linkcode KubernetesOptions.requests}. */
  readonly requests: Readonly<Record<string, string | number>>;
  /** See {@linkcode KubernetesOptions.limits}. */
  readonly limits: Readonly<Record<string, string | number>>;
  /** See {@linkcode KubernetesOptions.nodeSelector}. */
  readonly nodeSelector: Readonly<Record<string, string>>;
  /** See {@linkcode KubernetesOptions.tolerations}. */
  readonly tolerations: readonly Readonly<Record<string, unknown>>[];
  /** See {@linkcode KubernetesOptions.serviceAccount}. */
  readonly serviceAccount: string | undefined;
  /** See {@linkcode KubernetesOptions.ttl}. */
  readonly ttl: number;
  /** See {@linkcode KubernetesOptions.podSpec}. */
  readonly podSpec: Readonly<Record<string, unknown>>;
  /** See {@linkcode KubernetesOptions.containerSpec}. */
  readonly containerSpec: Readonly<Record<string, unknown>>;
}

/** A DNS label, which names of namespaces are. */
const DNS_LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

/**
 * A quantity: a decimal number and perhaps a suffix.
 *
 * @see {@link https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/}
 */
export const QUANTITY: RegExp =
  /^(\d+(?:\.\d+)?)(m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei)?$/;

/** Fields of a pod's `spec` that the pool writes, and the option for each. */
const POD_FIELDS: ReadonlyMap<string, string> = new Map([
  ["containers", "'image', 'containerSpec' and others"],
  ["restartPolicy", "the pool's 'maxRestarts'"],
  ["nodeSelector", "'nodeSelector'"],
  ["tolerations", "'tolerations'"],
  ["serviceAccountName", "'serviceAccount'"],
]);

/** Fields of a container that the pool writes, and the option for each. */
const CONTAINER_FIELDS: ReadonlyMap<string, string> = new Map([
  ["name", "'name', which names the host"],
  ["image", "'image'"],
  ["command", "'deno' and 'denoArgs'"],
  ["args", "'denoArgs'"],
  ["env", "'env'"],
  ["resources", "'requests' and 'limits'"],
]);

/**
 * Checks the options of a host whose workers run in Kubernetes, and fills in
 * the defaults.
 *
 * @throws {TypeError} If an option doesn't exist or has the wrong type.
 * @throws {RangeError} If an option is out of range.
 */
export function kubernetesSettings(
  options: KubernetesOptions,
): KubernetesSettings {
  const { host, requests = {}, limits = {}, tolerations = [] } = options;
  const { nodeSelector = {}, podSpec = {}, containerSpec = {} } = options;
  const { ttl = 600_000 } = options;
  checkClusterOptions(host, options, {
    host: true,
    context: true,
    kubectlArgs: true,
    image: true,
    requests: true,
    limits: true,
    nodeSelector: true,
    tolerations: true,
    serviceAccount: true,
    ttl: true,
    podSpec: true,
    containerSpec: true,
  });
  return inHost(host, () => {
    const { place, workers } = parseClusterSpec(host);
    if (place !== "" && !DNS_LABEL.test(place)) {
      throw wrongValue("namespace", place, "lower-case letters, digits and -");
    }
    const { context, image, serviceAccount, folder = "/etc/distex" } = options;
    for (
      const [name, text] of Object.entries({ context, image, serviceAccount })
    ) {
      checkString(name, text);
    }
    if (!/^\/[^:]+$/.test(folder)) {
      throw wrongValue("folder", folder, "an absolute path without a colon");
    }
    checkStrings("kubectlArgs", options.kubectlArgs);
    checkQuantities("requests", requests);
    checkQuantities("limits", limits);
    checkStringRecord("nodeSelector", nodeSelector);
    checkTolerations(tolerations);
    checkMilliseconds("ttl", ttl);
    checkSpec("podSpec", podSpec, POD_FIELDS, "volumes");
    checkSpec("containerSpec", containerSpec, CONTAINER_FIELDS, "volumeMounts");
    return {
      name: options.name ?? (place === "" ? "kubernetes" : place),
      workers: clusterWorkers(options.workers, workers),
      namespace: place === "" ? undefined : place,
      context,
      kubectlArgs: options.kubectlArgs ?? [],
      image: image ?? defaultImage(),
      deno: options.deno ?? "deno",
      folder,
      requests,
      limits,
      nodeSelector,
      tolerations,
      serviceAccount,
      ttl,
      podSpec,
      containerSpec,
    };
  });
}

/** Deno's own image of the version that runs this program. */
export function defaultImage(): string {
  // Development versions such as 2.9.6+1a2b3c4 have no image.
  return `denoland/deno:${Deno.version.deno.replace(/\+.*$/, "")}`;
}

function checkQuantities(
  option: string,
  quantities: Readonly<Record<string, string | number>>,
): void {
  checkObject(`'${option}'`, quantities);
  for (const [name, quantity] of Object.entries(quantities)) {
    const expected = 'a quantity such as 2, "500m" or "4Gi"';
    if (typeof quantity !== "string" && typeof quantity !== "number") {
      throw wrongType(`${option}.${name}`, quantity, expected);
    }
    if (QUANTITY.test(String(quantity))) continue;
    throw wrongValue(`${option}.${name}`, quantity, expected);
  }
}

function checkTolerations(tolerations: unknown): void {
  const isObject = (value: unknown) =>
    typeof value === "object" && value !== null;
  if (Array.isArray(tolerations) && tolerations.every(isObject)) return;
  throw wrongType("tolerations", tolerations, "an array of objects");
}

/** Checks fields of a manifest, of which `list` must be an array. */
function checkSpec(
  option: string,
  spec: Readonly<Record<string, unknown>>,
  own: ReadonlyMap<string, string>,
  list: string,
): void {
  checkObject(`'${option}'`, spec);
  for (const field of Object.keys(spec)) {
    const instead = own.get(field);
    if (instead === undefined) continue;
    throw new RangeError(
      `the option '${option}' can't have '${field}', which the pool writes: use ${instead}`,
    );
  }
  const { [list]: items = [] } = spec;
  if (!Array.isArray(items)) {
    throw wrongType(`${option}.${list}`, items, "an array");
  }
}
