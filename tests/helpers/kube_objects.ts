/**
 * The objects of a {@linkcode KubeApi}.
 *
 * @module
 */

/** A reference to an object that owns another. */
export interface OwnerReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
}

/** What all objects have. */
export interface Metadata {
  name: string;
  namespace: string;
  uid: string;
  resourceVersion: string;
  creationTimestamp: string;
  deletionTimestamp?: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  ownerReferences?: OwnerReference[];
}

/** Any object. */
export interface KubeObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: Metadata;
}

/** A condition of a pod or Job. */
export interface Condition {
  type: string;
  status: string;
  reason?: string;
  message?: string;
}

/** A container of a pod. */
export interface Container {
  readonly name: string;
  readonly image: string;
  readonly command?: readonly string[];
  readonly args?: readonly string[];
  readonly env?: readonly { readonly name: string; readonly value?: string }[];
  readonly volumeMounts?: readonly {
    readonly name: string;
    readonly mountPath: string;
  }[];
  readonly resources?: Readonly<Record<string, unknown>>;
}

/** A source of files of a projected volume. */
export interface VolumeSource {
  readonly secret?: { readonly name: string };
  readonly configMap?: { readonly name: string };
}

/** The `spec` of a pod. */
export interface PodSpec {
  readonly containers: readonly Container[];
  readonly terminationGracePeriodSeconds?: number;
  readonly volumes?: readonly {
    readonly name: string;
    readonly projected: { readonly sources: readonly VolumeSource[] };
  }[];
  readonly [field: string]: unknown;
}

/** The state of a container. */
export interface ContainerState {
  waiting?: { reason: string; message?: string };
  running?: { startedAt: string };
  terminated?: { reason: string; exitCode: number; message?: string };
}

/** A pod. */
export interface PodObject extends KubeObject {
  readonly spec: PodSpec;
  status: {
    phase: "Pending" | "Running" | "Succeeded" | "Failed";
    reason?: string;
    message?: string;
    conditions: Condition[];
    containerStatuses: { name: string; state: ContainerState }[];
  };
}

/** A Job. */
export interface JobObject extends KubeObject {
  readonly spec: {
    readonly completionMode: string;
    readonly completions: number;
    readonly parallelism: number;
    readonly backoffLimitPerIndex?: number;
    readonly ttlSecondsAfterFinished?: number;
    readonly template: {
      readonly metadata?: { readonly labels?: Record<string, string> };
      readonly spec: PodSpec;
    };
  };
  status: {
    active: number;
    completedIndexes: string;
    failedIndexes: string;
    conditions: Condition[];
  };
}

/** A Secret or a ConfigMap. */
export interface DataObject extends KubeObject {
  data: Record<string, string>;
  stringData?: Record<string, string>;
}

/** An event. */
export interface EventObject extends KubeObject {
  readonly type: string;
  readonly reason: string;
  readonly message: string;
  readonly involvedObject: { readonly kind: string; readonly name: string };
}

/** A kind of object, as the API names it. */
export type Resource = "pods" | "jobs" | "secrets" | "configmaps" | "events";

/** Objects by resource, namespace and name. */
export class KubeObjects {
  readonly #objects = new Map<string, KubeObject>();
  #version = 0;

  /** Returns an object. */
  get<T extends KubeObject>(
    resource: Resource,
    namespace: string,
    name: string,
  ): T | undefined {
    return this.#objects.get(`${resource}/${namespace}/${name}`) as
      | T
      | undefined;
  }

  /** Returns all objects of a resource, in all namespaces. */
  list<T extends KubeObject>(resource: Resource): T[] {
    return [...this.#objects].filter(([key]) => key.startsWith(`${resource}/`))
      .map(([, object]) => object as T);
  }

  /** Adds an object, and fills in its metadata. */
  add<T extends KubeObject>(
    resource: Resource,
    namespace: string,
    object: Omit<T, "metadata"> & {
      metadata: Partial<Metadata> & { name: string };
    },
  ): T {
    const metadata: Metadata = {
      ...object.metadata,
      namespace,
      uid: crypto.randomUUID(),
      resourceVersion: String(++this.#version),
      creationTimestamp: new Date().toISOString(),
    };
    const added = { ...object, metadata } as unknown as T;
    this.#objects.set(`${resource}/${namespace}/${metadata.name}`, added);
    return added;
  }

  /** Removes an object. */
  remove(resource: Resource, { metadata }: KubeObject): void {
    this.#objects.delete(`${resource}/${metadata.namespace}/${metadata.name}`);
  }
}

/**
 * Whether an object has the labels of a selector: `a=b`, `a!=b` and
 * `a in (b,c)`, joined by commas.
 */
export function matches({ metadata }: KubeObject, selector: string): boolean {
  const terms = selector.match(/[^,(]+(?:\([^)]*\))?/g) ?? [];
  return terms.every((term) => {
    const [, key, list] = /^\s*(\S+) in \(([^)]*)\)\s*$/.exec(term) ?? [];
    if (key !== undefined) {
      return list!.split(",").includes(metadata.labels?.[key] ?? "");
    }
    const [, name, not, value] = /^\s*([^!=\s]+)(!?)==?(.*)$/.exec(term)!;
    return (metadata.labels?.[name!] === value) === (not === "");
  });
}

/** Whether an object has the fields of a selector, such as `a.b=c,d=e`. */
export function hasFields(object: KubeObject, selector: string): boolean {
  return selector.split(",").filter(Boolean).every((term) => {
    const [path, wanted] = term.split("=");
    return fieldAt(object, path!) === wanted;
  });
}

/** Returns the value at a path such as `a.b`, or `undefined`. */
export function fieldAt(object: object, path: string): unknown {
  return path.split(".").reduce<unknown>(
    (value, name) => (value as Record<string, unknown> | undefined)?.[name],
    object,
  );
}
