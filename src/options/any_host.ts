import type { ClusterHostOptions } from "./cluster_host_options.ts";
import { inHost } from "./cluster_settings.ts";
import {
  type ContainerOptions,
  type ContainerSettings,
  containerSettings,
} from "./container_options.ts";
import type { HostOptions } from "./host_options.ts";
import { type HostSettings, parseHost } from "./host_spec.ts";
import {
  type KubernetesOptions,
  type KubernetesSettings,
  kubernetesSettings,
} from "./kubernetes_options.ts";
import {
  type PbsOptions,
  type PbsSettings,
  pbsSettings,
} from "./pbs_options.ts";
import { parsePlace, type PlaceOptions, type WorkerPlace } from "./place.ts";
import {
  type SgeOptions,
  type SgeSettings,
  sgeSettings,
} from "./sge_options.ts";
import {
  type SlurmOptions,
  type SlurmSettings,
  slurmSettings,
} from "./slurm_options.ts";
import {
  type TemplateOptions,
  type TemplateSettings,
  templateSettings,
} from "./template_options.ts";
import {
  mostWorkers,
  type ScalingSettings,
  workerCount,
} from "./worker_count.ts";

/**
 * The options of a host of any kind.
 *
 * @example Usage
 * ```ts ignore
 * import { type AnyHostOptions, Pool } from "@distex/pool";
 *
 * const hosts: AnyHostOptions[] = [
 *   { host: "ssh://maxi/8" },
 *   { host: "slurm://short/64", time: "1:00:00" },
 *   { launch: ["nice", "{command}"], workers: 4 },
 * ];
 * await using pool = new Pool({ workers: 0, hosts });
 * ```
 */
export type AnyHostOptions =
  | HostOptions
  | SlurmOptions
  | SgeOptions
  | PbsOptions
  | KubernetesOptions
  | ContainerOptions
  | TemplateOptions;

/** The settings of a launcher, by kind. */
export type LauncherSettings =
  | { readonly kind: "slurm"; readonly settings: SlurmSettings }
  | { readonly kind: "sge"; readonly settings: SgeSettings }
  | { readonly kind: "pbs"; readonly settings: PbsSettings }
  | { readonly kind: "kubernetes"; readonly settings: KubernetesSettings }
  | { readonly kind: "docker" | "podman"; readonly settings: ContainerSettings }
  | { readonly kind: "launch"; readonly settings: TemplateSettings };

/** The options of a host whose workers a launcher starts, checked. */
export interface ClusterSettings extends
  Pick<
    ClusterHostOptions,
    "deno" | "folder" | "permissions" | "denoArgs" | "env" | "cwd" | "fanout"
  > {
  /** How its workers are started. */
  readonly kind: LauncherSettings["kind"];
  /** The name of the host in messages. */
  readonly name: string;
  /** How many workers run there, or may run there. */
  readonly workers: number;
  /** How their number changes, if it does. */
  readonly scaling?: ScalingSettings;
  /** How many workers each job starts. */
  readonly workersPerJob: number;
  /** The labels and amounts of each job's machine. */
  readonly place: WorkerPlace;
  /** The settings of its launcher. */
  readonly launcher: LauncherSettings;
}

/** The settings of a host of any kind. */
export type AnyHostSettings = HostSettings | ClusterSettings;

/** Reads the options of a launcher's host. */
type Reader = (options: never) => LauncherSettings;

/** The kinds of launchers whose hosts begin with the name of the kind. */
const READERS: Readonly<Record<string, Reader>> = {
  slurm: (options: SlurmOptions) => ({
    kind: "slurm",
    settings: slurmSettings(options),
  }),
  sge: (options: SgeOptions) => ({
    kind: "sge",
    settings: sgeSettings(options),
  }),
  pbs: (options: PbsOptions) => ({
    kind: "pbs",
    settings: pbsSettings(options),
  }),
  kubernetes: (options: KubernetesOptions) => ({
    kind: "kubernetes",
    settings: kubernetesSettings(options),
  }),
  docker: readContainer,
  podman: readContainer,
};

/**
 * Parses host specs of any kind, one or many.
 *
 * @throws {TypeError} If a spec is neither a string nor the options of a host,
 * or if an option doesn't exist or has the wrong type.
 * @throws {RangeError} If a spec can't be parsed or an option is out of range.
 * The message names the part that is wrong.
 */
export function parseAnyHosts(
  specs: string | AnyHostOptions | readonly (string | AnyHostOptions)[],
): AnyHostSettings[] {
  const list = Array.isArray(specs) ? specs : [specs];
  return list.map(parseAnyHost);
}

/**
 * Parses one host spec of any kind.
 *
 * @throws {TypeError | RangeError} Like {@linkcode parseAnyHosts}.
 */
export function parseAnyHost(spec: string | AnyHostOptions): AnyHostSettings {
  if (isTemplate(spec)) {
    const settings = templateSettings(spec);
    const workers = mostWorkers(spec.workers)!;
    return clusterSettings(spec, { kind: "launch", settings }, workers);
  }
  const options = typeof spec === "string" ? { host: spec } : spec;
  const scheme = typeof options?.host === "string"
    ? options.host.match(/^([^/]*):\/\//)?.[1]
    : undefined;
  if (scheme === undefined || !Object.hasOwn(READERS, scheme)) {
    return parseHost(options as HostOptions);
  }
  const launcher = READERS[scheme]!(options as never);
  const { workers } = launcher.settings as { workers: number };
  return clusterSettings(options as ClusterHostOptions, launcher, workers);
}

function isTemplate(spec: unknown): spec is TemplateOptions {
  return typeof spec === "object" && spec !== null && "launch" in spec;
}

function readContainer(options: ContainerOptions): LauncherSettings {
  const settings = containerSettings(options);
  return { kind: settings.kind, settings };
}

function clusterSettings(
  options: ClusterHostOptions & PlaceOptions,
  launcher: LauncherSettings,
  workers: number,
): ClusterSettings {
  const { kind, settings } = launcher;
  const own = settings as Partial<ClusterSettings>;
  const { folder, permissions, denoArgs, env, cwd, fanout } = options;
  const deno = own.deno ?? options.deno;
  const { scaling } = inHost(
    settings.name,
    () => workerCount(options.workers ?? workers, workers),
  );
  return {
    kind,
    name: settings.name,
    workers,
    workersPerJob: own.workersPerJob ?? options.workersPerJob ?? 1,
    place: parsePlace(options),
    launcher,
    ...(scaling === undefined ? {} : { scaling }),
    ...(deno === undefined ? {} : { deno }),
    ...(folder === undefined ? {} : { folder }),
    ...(permissions === undefined ? {} : { permissions }),
    ...(denoArgs === undefined ? {} : { denoArgs }),
    ...(env === undefined ? {} : { env }),
    ...(cwd === undefined ? {} : { cwd }),
    ...(fanout === undefined ? {} : { fanout }),
  };
}
