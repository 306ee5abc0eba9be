import { HostError } from "../errors/host_error.ts";
import { RemoteHost } from "../hosts/remote/remote_host.ts";
import type { PingAnswer } from "../hosts/remote/remote_spawner.ts";
import type { HostSettings } from "../options/host_spec.ts";
import type { PoolSettings } from "../options/pool_settings.ts";
import type { MachineInfo } from "../protocol/spawner_messages.ts";
import { findEndpoint } from "./find_endpoint.ts";
import { HERE_HINT, hintFor, LOST_HINT } from "./hints.ts";
import { HostCheck } from "./host_check.ts";
import { startDetail, workersDetail } from "./step_details.ts";

/** The check of an ssh host or a spawner server. */
export class MachineCheck extends HostCheck {
  protected readonly lostHint = LOST_HINT;
  readonly #settings: HostSettings;

  /** Constructs a check that hasn't run; see {@linkcode HostCheck}. */
  constructor(spec: string, settings: PoolSettings, host: HostSettings) {
    super(spec, settings, startSteps(host));
    this.#settings = host;
  }

  protected async start(): Promise<boolean> {
    const place = findEndpoint(this.#settings);
    const begin = performance.now();
    const error = await this.engine.start().then(
      () => undefined,
      (error: Error) => error.cause ?? error,
    );
    const start = performance.now() - begin;
    const { machine } = this.#host ?? {};
    this.figures.cpus = machine?.cpus ?? null;
    this.figures.memory = machine?.memory ?? null;
    const last = error === undefined ? undefined : this.#fail(error);
    for (const name of startSteps(this.#settings)) {
      if (name === last) break;
      this.steps.pass(name, startDetail(name, await place, machine));
    }
    if (last !== undefined) return false;
    const workers = this.engine.totalWorkers;
    this.figures.workers = workers;
    this.figures.start = start;
    this.steps.pass("workers", workersDetail(workers, start));
    return true;
  }

  protected get machine(): MachineInfo {
    return this.#host!.machine!;
  }

  protected ping(): Promise<PingAnswer> {
    return this.#host!.spawner.ping();
  }

  protected override get lost(): Promise<never> {
    return this.#host!.lost.then((reason) => {
      throw reason;
    });
  }

  /** Records why the workers didn't start; returns the step that failed. */
  #fail(error: unknown): string {
    const names = startSteps(this.#settings);
    if (!(error instanceof HostError)) {
      this.steps.fail("this machine", this.reasonOf(error), HERE_HINT);
      return names[0]!;
    }
    const name = names.find((name) => name === nameOfStep(error.step)) ??
      "workers";
    const hint = hintFor(this.#settings, error.step);
    this.steps.fail(name, this.reasonOf(error), hint);
    return name;
  }

  get #host(): RemoteHost | undefined {
    return this.engine.hosts.find((host) => host instanceof RemoteHost);
  }
}

/** Returns the steps of a host's start, in their order. */
function startSteps({ kind, tls = false }: HostSettings): string[] {
  return kind === "ssh"
    ? [
      "name",
      "connection",
      "host key",
      "key",
      "forwarding",
      "folder",
      "deno",
      "spawner",
      "workers",
    ]
    : [
      "name",
      "connection",
      ...(tls === false ? [] : ["host key"]),
      "key",
      "deno",
      "workers",
    ];
}

/** Returns the name that reports use for a step of a host's start. */
function nameOfStep(step: HostError["step"]): string {
  if (step === "version") return "deno";
  return step === "worker" ? "workers" : step;
}
