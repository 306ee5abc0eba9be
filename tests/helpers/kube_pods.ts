/**
 * The part of a {@linkcode KubeApi} that runs pods: each container's command is
 * a process of this machine.
 *
 * The process sees the files of its volumes in a folder of its own, in which
 * the paths of its arguments are.
 *
 * @module
 */

import { dirname } from "node:path";
import { Child } from "../../src/spawner/child.ts";
import { Reaper } from "../../src/spawner/reaper.ts";
import type {
  ContainerState,
  DataObject,
  KubeObjects,
  PodObject,
  VolumeSource,
} from "./kube_objects.ts";

/** How long a pod may take to end by default, in seconds. */
const GRACE_PERIOD = 30;

/** The exit code of a process that a signal has ended. */
const SIGNALS: Readonly<Record<string, number>> = {
  SIGINT: 130,
  SIGKILL: 137,
  SIGTERM: 143,
};

/** The process of a pod. */
interface PodProcess {
  readonly child: Child;
  readonly ended: Promise<void>;
  output: string;
  /** Why it is killed, as the status of a container names it. */
  reason?: string;
}

/** Runs pods as processes. */
export class KubePods {
  readonly #objects: KubeObjects;
  readonly #folder: string;
  readonly #reaper: Reaper;
  readonly #onEnd: (pod: PodObject) => void;
  readonly #processes = new Map<string, PodProcess>();

  /**
   * @param folder A folder for the files of pods, which is removed at the end,
   * even if this process is killed.
   * @param onEnd Called when a pod has ended.
   */
  constructor(
    objects: KubeObjects,
    folder: string,
    onEnd: (pod: PodObject) => void,
  ) {
    this.#objects = objects;
    this.#folder = folder;
    this.#reaper = new Reaper(folder);
    this.#onEnd = onEnd;
  }

  /** Returns what a pod has printed. */
  outputOf({ metadata }: PodObject): string {
    return this.#processes.get(metadata.uid)?.output ?? "";
  }

  /** Returns the process id of a pod that runs. */
  pidOf({ metadata, status }: PodObject): number | undefined {
    if (status.phase !== "Running") return undefined;
    return this.#processes.get(metadata.uid)?.child.pid;
  }

  /** Starts a pod, unless files of its volumes are missing. */
  start(pod: PodObject): void {
    const folder = `${this.#folder}/pods/${pod.metadata.name}`;
    if (!this.#mount(pod, folder)) return setState(pod, CREATING);
    const container = pod.spec.containers[0]!;
    const env: Record<string, string> = {
      PATH: `${dirname(Deno.execPath())}:${Deno.env.get("PATH")}`,
      HOME: folder,
      HOSTNAME: pod.metadata.name,
    };
    const resolve = (text: string) =>
      inFolder(pod, folder, expandVariables(text, env));
    for (const { name, value = "" } of container.env ?? []) {
      env[name] = resolve(value);
    }
    const command = [...container.command ?? [], ...container.args ?? []];
    const [program, ...args] = command.map(resolve);
    Deno.mkdirSync(folder, { recursive: true });
    const child = spawn(program!, args, env);
    if (child === undefined) return this.#failToStart(pod, program!);
    this.#reaper.watch(child);
    pod.status.phase = "Running";
    setState(pod, { running: { startedAt: new Date().toISOString() } });
    this.#follow(pod, child);
  }

  #failToStart(pod: PodObject, program: string): void {
    pod.status.phase = "Failed";
    const message =
      `exec: "${program}": executable file not found in $PATH: unknown`;
    setState(pod, {
      terminated: { reason: "StartError", exitCode: 128, message },
    });
    queueMicrotask(() => this.#onEnd(pod));
  }

  /** Ends a pod with SIGTERM, and with SIGKILL after its grace period. */
  terminate(pod: PodObject): void {
    const process = this.#processes.get(pod.metadata.uid);
    if (process === undefined) return;
    const seconds = pod.spec.terminationGracePeriodSeconds ?? GRACE_PERIOD;
    // Only the first process of a container gets the signal.
    process.child.kill("SIGTERM");
    const timer = setTimeout(() => this.kill(pod), seconds * 1_000);
    process.ended.then(() => clearTimeout(timer));
  }

  /** Kills all processes of a pod. */
  kill(pod: PodObject, reason?: string): void {
    const process = this.#processes.get(pod.metadata.uid);
    if (process === undefined) return;
    if (reason !== undefined) process.reason = reason;
    process.child.killGroup("SIGKILL");
  }

  /** Kills all pods and waits until they have ended. */
  async stop(): Promise<void> {
    for (const { child } of this.#processes.values()) {
      child.ref();
      child.killGroup("SIGKILL");
    }
    await Promise.all([...this.#processes.values()].map(({ ended }) => ended));
    await this.#reaper.close();
  }

  #follow(pod: PodObject, child: Child): void {
    const keep = (bytes: Uint8Array) => {
      process.output += new TextDecoder().decode(bytes);
    };
    const ended = child.readOutput({ stdout: keep, stderr: keep }).then(
      ({ code, signal }) => {
        const exitCode = signal === null ? code : SIGNALS[signal]!;
        // What it has started ends with its container.
        child.killGroup("SIGKILL");
        const reason = process.reason ??
          (exitCode === 0 ? "Completed" : "Error");
        pod.status.phase = exitCode === 0 ? "Succeeded" : "Failed";
        setState(pod, { terminated: { reason, exitCode } });
        this.#onEnd(pod);
      },
    );
    const process: PodProcess = { child, ended, output: "" };
    this.#processes.set(pod.metadata.uid, process);
  }

  /** Writes the files of a pod's volumes; returns whether all exist. */
  #mount({ spec, metadata }: PodObject, folder: string): boolean {
    for (const { name, mountPath } of spec.containers[0]!.volumeMounts ?? []) {
      const volume = spec.volumes?.find((volume) => volume.name === name)!;
      for (const source of volume.projected.sources) {
        const files = this.#filesOf(source, metadata.namespace);
        if (files === undefined) return false;
        Deno.mkdirSync(folder + mountPath, { recursive: true });
        for (const [file, bytes] of Object.entries(files)) {
          Deno.writeFileSync(`${folder}${mountPath}/${file}`, bytes);
        }
      }
    }
    return true;
  }

  #filesOf({ secret, configMap }: VolumeSource, namespace: string) {
    const object = this.#objects.get<DataObject>(
      secret === undefined ? "configmaps" : "secrets",
      namespace,
      (secret ?? configMap)!.name,
    );
    if (object === undefined) return undefined;
    const encoder = new TextEncoder();
    return Object.fromEntries(
      Object.entries(object.data).map(([name, text]) => [
        name,
        secret === undefined
          ? encoder.encode(text)
          : Uint8Array.fromBase64(text),
      ]),
    );
  }
}

/** Starts a process; returns `undefined` if there is no such program. */
function spawn(
  program: string,
  args: string[],
  env: Record<string, string>,
): Child | undefined {
  try {
    return new Child(
      new Deno.Command(program, {
        args,
        env,
        clearEnv: true,
        cwd: env.HOME!,
        stdin: "null",
        stdout: "piped",
        stderr: "piped",
        detached: true,
      }).spawn(),
    );
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

const CREATING: ContainerState = { waiting: { reason: "ContainerCreating" } };

/** Sets the state of a pod's container. */
export function setState(pod: PodObject, state: ContainerState): void {
  const { name } = pod.spec.containers[0]!;
  pod.status.containerStatuses = [{ name, state }];
}

/** Replaces `$(NAME)`; `$$(NAME)` is a literal `$(NAME)`. */
function expandVariables(
  text: string,
  env: Readonly<Record<string, string>>,
): string {
  return text.replace(
    /\$\$|\$\(([^()]*)\)/g,
    (match, name) => match === "$$" ? "$" : env[name] ?? match,
  );
}

/** Puts the paths of volumes into the folder of a pod. */
function inFolder(pod: PodObject, folder: string, text: string): string {
  let result = text;
  for (const { mountPath } of pod.spec.containers[0]!.volumeMounts ?? []) {
    result = result.replaceAll(`${mountPath}/`, `${folder}${mountPath}/`);
  }
  return result;
}
