import type { ClusterHostOptions } from "./cluster_host_options.ts";
import {
  checkClusterOptions,
  clusterWorkers,
  inHost,
  parseClusterSpec,
} from "./cluster_settings.ts";
import { defaultImage } from "./kubernetes_options.ts";
import {
  checkString,
  checkStrings,
  wrongType,
  wrongValue,
} from "./option_checks.ts";

/**
 * The options of a host whose workers run in containers of Docker or Podman.
 *
 * @example Usage
 * ```ts ignore
 * import { type ContainerOptions, Pool } from "@distex/pool";
 *
 * const docker: ContainerOptions = {
 *   host: "docker://denoland/deno:2.9.6/4",
 *   cpus: 1,
 *   memory: "512m",
 *   network: "host",
 * };
 * await using pool = new Pool({ workers: 0, hosts: docker });
 * ```
 */
export interface ContainerOptions extends ClusterHostOptions {
  /**
   * `docker://[image]/[workers]` or `podman://[image]/[workers]`. The image has
   * Deno. The default is Deno's own image of the version that runs the pool,
   * such as `denoland/deno:2.9.6`.
   */
  readonly host: string;
  /**
   * The path of `deno` in the image.
   *
   * @default {"deno"}
   */
  readonly deno?: string;
  /**
   * How many CPUs a worker may use. A container may use `workersPerJob` times
   * as many. The default is all of them.
   */
  readonly cpus?: number;
  /**
   * How much memory a worker may use, such as `"512m"` or `"2g"`. A container
   * may use `workersPerJob` times as much. The default is no limit.
   */
  readonly memory?: string;
  /** The GPUs that each container gets, such as `"all"` or `"device=0"`. */
  readonly gpus?: string;
  /** The network of the containers, such as `"host"`. */
  readonly network?: string;
  /**
   * Extra arguments for `docker run` or `podman run`.
   *
   * @default {[]}
   */
  readonly runArgs?: readonly string[];
}

/** The options of a {@linkcode ContainerOptions}, checked. */
export interface ContainerSettings {
  /** The program that runs containers. */
  readonly kind: "docker" | "podman";
  /** The name of the host in messages. */
  readonly name: string;
  /** The number of workers. */
  readonly workers: number;
  /** See {@linkcode ContainerOptions.host}. */
  readonly image: string;
  /** See {@linkcode ContainerOptions.deno}. */
  readonly deno: string;
  /** See {@linkcode ContainerOptions.cpus}. */
  readonly cpus: number | undefined;
  /** See {@linkcode ContainerOptions.memory}. */
  readonly memory: string | undefined;
  /** See {@linkcode ContainerOptions.gpus}. */
  readonly gpus: string | undefined;
  /** See {@linkcode ContainerOptions.network}. */
  readonly network: string | undefined;
  /** See {@linkcode ContainerOptions.runArgs}. */
  readonly runArgs: readonly string[];
}

/** An amount of memory: a number of bytes and perhaps a suffix. */
export const MEMORY: RegExp = /^(\d+)([bkmg])?$/;

/** A reference to an image; it isn't mistaken for a flag. */
const IMAGE = /^[\w.][^\s\p{Cc}]*$/u;

/**
 * Checks the options of a host whose workers run in containers, and fills in
 * the defaults.
 *
 * @throws {TypeError} If an option doesn't exist or has the wrong type.
 * @throws {RangeError} If an option is out of range.
 */
export function containerSettings(
  options: ContainerOptions,
): ContainerSettings {
  const { host, cpus, memory, gpus, network, runArgs = [] } = options;
  checkClusterOptions(host, options, {
    host: true,
    cpus: true,
    memory: true,
    gpus: true,
    network: true,
    runArgs: true,
  });
  return inHost(host, () => {
    const kind = host.startsWith("podman:") ? "podman" : "docker";
    const { place, workers } = parseClusterSpec(host);
    const image = place === "" ? defaultImage() : place;
    if (!IMAGE.test(image)) {
      throw wrongValue("image", image, "the name of an image");
    }
    checkCpus(cpus);
    checkMemory(memory);
    checkString("gpus", gpus);
    checkString("network", network);
    checkStrings("runArgs", runArgs);
    return {
      kind,
      name: options.name ?? kind,
      workers: clusterWorkers(options.workers, workers),
      image,
      deno: options.deno ?? "deno",
      cpus,
      memory,
      gpus,
      network,
      runArgs,
    };
  });
}

function checkCpus(cpus: unknown): void {
  if (cpus === undefined) return;
  const expected = "a number above 0";
  if (typeof cpus !== "number") throw wrongType("cpus", cpus, expected);
  if (!(cpus > 0 && cpus < Infinity)) throw wrongValue("cpus", cpus, expected);
}

function checkMemory(memory: unknown): void {
  if (memory === undefined) return;
  const expected = 'an amount of memory such as "512m" or "2g"';
  if (typeof memory !== "string") throw wrongType("memory", memory, expected);
  if (!MEMORY.test(memory)) throw wrongValue("memory", memory, expected);
}
