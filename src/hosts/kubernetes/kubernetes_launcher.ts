import { HostError } from "../../errors/host_error.ts";
import type { KubernetesSettings } from "../../options/kubernetes_options.ts";
import type {
  AgentState,
  Launcher,
  LaunchPlan,
  LaunchRequest,
} from "../launch/launcher.ts";
import { plannedText } from "../launch/plan_files.ts";
import { runCommand } from "../launch/run_command.ts";
import {
  formatManifests,
  INDEX,
  INSTANCE,
  jobName,
  makeFiles,
  makeJob,
} from "./make_manifests.ts";
import {
  indexOf,
  type Job,
  type Pod,
  stateOfPod,
  stateWithoutPod,
} from "./read_states.ts";

/** The most that a Secret or a ConfigMap may hold, in bytes. */
const MAX_OBJECT = 2 ** 20;

/** How long a request to the API server may take. */
const REQUEST_TIMEOUT = "30s";

/** How many lines of a pod's output are read. */
const OUTPUT_LINES = 50;

/** An object in a list of `kubectl`. */
type Item = ({ kind: "Pod" } & Pod) | ({ kind: "Job" } & Job);

/** The part of an event that is read. */
interface Event {
  readonly reason?: string;
  readonly message?: string;
  readonly involvedObject?: { readonly name?: string };
}

/** Starts agents in the pods of Indexed Jobs: one Job for each request. */
export class KubernetesLauncher implements Launcher {
  readonly kind = "kubernetes";
  readonly folder: string;
  readonly sharesFiles = false;

  readonly #settings: KubernetesSettings;
  /** The agents of each Job that weren't cancelled. */
  readonly #jobs = new Map<string, Set<string>>();

  /** Constructs a launcher that does nothing yet. */
  constructor(settings: KubernetesSettings) {
    this.#settings = settings;
    this.folder = settings.folder;
  }

  plan(request: LaunchRequest): LaunchPlan {
    const files = makeFiles(request, "(the Job's uid)", plannedText);
    return {
      files: [],
      commands: [
        {
          args: this.#kubectl("create", "-f", "-", "-o", "json"),
          input: formatManifests([makeJob(this.#settings, request)]),
        },
        {
          args: this.#kubectl("create", "-f", "-"),
          input: formatManifests(files),
        },
      ],
    };
  }

  async submit(
    request: LaunchRequest,
    signal: AbortSignal,
  ): Promise<readonly string[]> {
    signal.throwIfAborted();
    this.#checkSize(request);
    const name = jobName(request.name);
    const job = formatManifests([makeJob(this.#settings, request)]);
    const ids = Array.from(
      { length: request.agents },
      (_, index) => `${name}-${index}`,
    );
    this.#jobs.set(name, new Set(ids));
    try {
      // A kubectl that is killed may have sent the Job already, so it isn't.
      const created: { metadata: { uid: string } } = JSON.parse(
        await this.#run(["create", "-f", "-", "-o", "json"], job),
      );
      signal.throwIfAborted();
      const files = makeFiles(
        request,
        created.metadata.uid,
        ({ text }) => text,
      );
      await this.#run(["create", "-f", "-"], formatManifests(files));
      signal.throwIfAborted();
      return ids;
    } catch (error) {
      // The first failure is the one to report.
      await this.cancel(ids).catch(() => {});
      throw error;
    }
  }

  async query(
    ids: readonly string[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, AgentState>> {
    const states = new Map<string, AgentState>();
    const names = [...groupByJob(ids).keys()];
    if (names.length === 0) return states;
    const { items }: { items: Item[] } = JSON.parse(
      await this.#run(
        [
          ...["get", "jobs,pods", "-o", "json"],
          ...["-l", `${INSTANCE} in (${names.join(",")})`],
        ],
        undefined,
        signal,
      ),
    );
    const jobs = new Map<string, Job>();
    for (const item of items) {
      if (item.kind === "Job") jobs.set(item.metadata.name, item);
      else states.set(agentOf(item), stateOfPod(item));
    }
    const isMissing = (id: string) =>
      !states.has(id) && jobs.has(splitId(id).name);
    const missing = ids.filter(isMissing);
    if (missing.length > 0) {
      const reasons = await this.#refusals(signal);
      for (const id of missing) {
        const { name, index } = splitId(id);
        const reason = reasons.get(name) ?? "";
        states.set(id, stateWithoutPod(jobs.get(name)!, index, reason));
      }
    }
    return states;
  }

  async cancel(ids: readonly string[]): Promise<void> {
    const whole: string[] = [];
    const commands: string[][] = [];
    for (const [name, indexes] of groupByJob(ids)) {
      const left = this.#jobs.get(name);
      for (const index of indexes) left?.delete(`${name}-${index}`);
      if (left === undefined || left.size === 0) whole.push(name);
      else commands.push(podsOf(name, indexes));
    }
    for (const pods of commands) {
      await this.#run(["delete", ...pods, ...DELETE_FLAGS]);
    }
    await this.#deleteJobs(whole);
  }

  /** Deletes the Jobs whose pods have ended. */
  async close(): Promise<void> {
    await this.#deleteJobs([...this.#jobs.keys()]);
  }

  cancelCommand(ids: readonly string[]): readonly string[] {
    const names = new Set([...this.#jobs.keys(), ...groupByJob(ids).keys()]);
    return this.#kubectl("delete", "jobs", ...names, ...DELETE_FLAGS);
  }

  async output(id: string): Promise<string> {
    const { name, index } = splitId(id);
    try {
      const text = await this.#run([
        "logs",
        `--tail=${OUTPUT_LINES}`,
        ...podsOf(name, [index]).slice(1),
      ]);
      return text.trim();
    } catch (error) {
      // A pod that never ran has no output.
      if (error instanceof HostError) return "";
      throw error;
    }
  }

  async #deleteJobs(names: readonly string[]): Promise<void> {
    if (names.length === 0) return;
    await this.#run(["delete", "jobs", ...names, ...DELETE_FLAGS]);
    for (const name of names) this.#jobs.delete(name);
  }

  /** Returns why Kubernetes doesn't create the pods of Jobs, by Job. */
  async #refusals(signal: AbortSignal): Promise<Map<string, string>> {
    let events: string;
    try {
      events = await this.#run(
        [
          ...["get", "events", "-o", "json", "--field-selector"],
          "involvedObject.kind=Job,type=Warning",
        ],
        undefined,
        signal,
      );
    } catch (error) {
      // Users who may not see events don't see the reasons.
      if (error instanceof HostError) return new Map();
      throw error;
    }
    const { items }: { items: Event[] } = JSON.parse(events);
    return new Map(
      items.map(({ reason, message, involvedObject }) => [
        involvedObject?.name ?? "",
        [reason, message].filter(Boolean).join(": "),
      ]),
    );
  }

  #checkSize({ files }: LaunchRequest): void {
    const encoder = new TextEncoder();
    for (const isSecret of [true, false]) {
      const bytes = files.filter((file) => file.isSecret === isSecret)
        .reduce((sum, { text }) => sum + encoder.encode(text).length, 0);
      if (bytes <= MAX_OBJECT) continue;
      throw this.#error(
        `the pool's files have ${bytes} bytes, but a ConfigMap or Secret of Kubernetes holds at most ${MAX_OBJECT}`,
      );
    }
  }

  #kubectl(...args: string[]): string[] {
    const { context, namespace, kubectlArgs } = this.#settings;
    return [
      "kubectl",
      ...(context === undefined ? [] : [`--context=${context}`]),
      ...(namespace === undefined ? [] : [`--namespace=${namespace}`]),
      `--request-timeout=${REQUEST_TIMEOUT}`,
      ...kubectlArgs,
      ...args,
    ];
  }

  /** @throws {HostError} If `kubectl` fails. */
  async #run(
    args: readonly string[],
    input?: string,
    signal?: AbortSignal,
  ): Promise<string> {
    let outcome;
    try {
      outcome = await runCommand(this.#kubectl(...args), {
        ...(input === undefined ? {} : { input }),
        ...(signal === undefined ? {} : { signal }),
      });
    } catch (cause) {
      signal?.throwIfAborted();
      throw this.#error(
        `the program kubectl can't be run (${cause}): install it, and set up its access to the cluster`,
        { cause },
      );
    }
    const { code, stdout, stderr } = outcome;
    if (code === 0) return stdout;
    throw this.#error(
      `'kubectl ${args[0]}' failed (exit code ${code}). kubectl said:\n${
        stderr.replace(/^/gm, "    ")
      }`,
    );
  }

  #error(reason: string, options?: ErrorOptions): HostError {
    const { name } = this.#settings;
    return new HostError(
      name,
      "launcher",
      `Can't use the host ${name}: ${reason}`,
      options,
    );
  }
}

/** The pods of a deleted Job end on their own; nobody waits for that. */
const DELETE_FLAGS = ["--ignore-not-found", "--wait=false"];

/** Returns the arguments of `kubectl` for the pods of agents. */
function podsOf(name: string, indexes: readonly number[]): string[] {
  const selector = `${INSTANCE}=${name},${INDEX} in (${indexes.join(",")})`;
  return ["pods", "-l", selector];
}

function agentOf(pod: Pod): string {
  return `${pod.metadata.labels?.[INSTANCE]}-${indexOf(pod)}`;
}

function splitId(id: string): { name: string; index: number } {
  const hyphen = id.lastIndexOf("-");
  return { name: id.slice(0, hyphen), index: Number(id.slice(hyphen + 1)) };
}

/** Returns the indexes of agents by the name of their Job. */
function groupByJob(ids: readonly string[]): Map<string, number[]> {
  const jobs = new Map<string, number[]>();
  for (const id of ids) {
    const { name, index } = splitId(id);
    const indexes = jobs.get(name);
    if (indexes === undefined) jobs.set(name, [index]);
    else indexes.push(index);
  }
  return jobs;
}
