import { deadline } from "@std/async/deadline";
import { Engine } from "../pool/engine.ts";
import { HostError } from "../errors/host_error.ts";
import type { HostOptions } from "../options/host_options.ts";
import type { ListenOptions } from "../options/network_options.ts";
import type { HostSettings } from "../options/host_spec.ts";
import { RemoteHost } from "../hosts/remote/remote_host.ts";
import { KeepAlive } from "../util/keep_alive.ts";
import { TaskRunner } from "../pool/task_runner.ts";
import { type PoolSettings, poolSettings } from "../options/settings.ts";
import { isTimeout } from "../util/within_limit.ts";
import { CLOCK_HINT, HERE_HINT, hintFor, LOST_HINT } from "./hints.ts";
import {
  measureClock,
  measureRoundTrip,
  measureThroughput,
} from "./measure.ts";
import { findEndpoint } from "./find_endpoint.ts";
import type { Figures, HostReport } from "./report.ts";
import { StepList } from "./step_list.ts";
import {
  clockDetail,
  machineDetail,
  roundTripDetail,
  startDetail,
  throughputDetail,
  workersDetail,
} from "./step_details.ts";

/** The clock offset above which the doctor gives a hint, in milliseconds. */
const MAX_CLOCK_OFFSET = 1_000;

/** Options for the check of any host. */
export interface CheckOptions {
  /** How long a host may take to start its workers, in milliseconds. */
  readonly timeout: number;
  /** The address that workers of spawner servers connect to. */
  readonly listen?: ListenOptions;
}

/** Runs tasks on the host. Unlike a pool, its caller makes the engine. */
class HostRunner extends TaskRunner {
  constructor(engine: Engine) {
    super(engine, {});
  }
}

/** Checks whether a host can be used, and measures it. */
export async function checkHost(
  host: HostOptions,
  { timeout, ...network }: CheckOptions,
): Promise<HostReport> {
  const settings = poolSettings({
    ...network,
    workers: 0,
    hosts: host,
    permissions: "none",
    startTimeout: timeout,
    // The report says everything that workers would print.
    stdio: "null",
  });
  const check = new HostCheck(host.host, settings);
  return await check.run();
}

/** The check of one host. */
class HostCheck {
  readonly #spec: string;
  readonly #settings: HostSettings;
  readonly #timeout: number;
  readonly #engine: Engine;
  readonly #runner: HostRunner;
  readonly #steps: StepList;
  readonly #figures: Figures = {
    workers: null,
    start: null,
    roundTrip: null,
    throughput: null,
    clockOffset: null,
    cpus: null,
    memory: null,
  };

  constructor(spec: string, settings: PoolSettings) {
    this.#spec = spec;
    // Requests have no hosts of other kinds.
    this.#settings = settings.hosts[0] as HostSettings;
    this.#timeout = settings.startTimeout;
    this.#engine = new Engine(settings);
    this.#runner = new HostRunner(this.#engine);
    this.#steps = new StepList([
      ...startSteps(this.#settings),
      "round trip",
      "throughput",
      "clock",
      "machine",
    ]);
  }

  async run(): Promise<HostReport> {
    // Waiting for the answer to a ping doesn't keep the program alive.
    const keepAlive = new KeepAlive();
    keepAlive.hold();
    try {
      if (await this.#start()) await this.#measure();
    } finally {
      await this.#shutdown();
      keepAlive.close();
    }
    const { kind } = this.#settings;
    const { ok, steps } = this.#steps;
    return { spec: this.#spec, kind, ok, steps, figures: this.#figures };
  }

  async #start(): Promise<boolean> {
    const place = findEndpoint(this.#settings);
    const begin = performance.now();
    const error = await this.#engine.start().then(
      () => undefined,
      (error: Error) => error.cause ?? error,
    );
    const start = performance.now() - begin;
    const { machine } = this.#host ?? {};
    this.#figures.cpus = machine?.cpus ?? null;
    this.#figures.memory = machine?.memory ?? null;
    const last = error === undefined ? undefined : this.#fail(error);
    for (const name of startSteps(this.#settings)) {
      if (name === last) break;
      this.#steps.pass(name, startDetail(name, await place, machine));
    }
    if (last !== undefined) return false;
    const workers = this.#engine.totalWorkers;
    this.#figures.workers = workers;
    this.#figures.start = start;
    this.#steps.pass("workers", workersDetail(workers, start));
    return true;
  }

  /** Records why the workers didn't start; returns the step that failed. */
  #fail(error: unknown): string {
    const message = error instanceof Error ? error.message : String(error);
    const names = startSteps(this.#settings);
    if (!(error instanceof HostError)) {
      this.#steps.fail("this machine", message, HERE_HINT);
      return names[0]!;
    }
    const name = names.find((name) => name === nameOfStep(error.step)) ??
      "workers";
    const detail = message.replace(`Can't use the host ${error.host}: `, "");
    this.#steps.fail(name, detail, hintFor(this.#settings, error.step));
    return name;
  }

  async #measure(): Promise<void> {
    const figures = this.#figures;
    const { spawner, machine } = this.#host!;
    await this.#step("round trip", async () => {
      const trips = await measureRoundTrip(this.#runner);
      figures.roundTrip = trips.median;
      return { detail: roundTripDetail(trips) };
    }) && await this.#step("throughput", async () => {
      figures.throughput = await measureThroughput(this.#runner);
      return { detail: throughputDetail(figures.throughput) };
    }) && await this.#step("clock", async () => {
      const { clockOffset } = await measureClock(spawner);
      figures.clockOffset = clockOffset;
      const detail = clockDetail(clockOffset);
      const differs = Math.abs(clockOffset) > MAX_CLOCK_OFFSET;
      return differs ? { detail, hint: CLOCK_HINT } : { detail };
    }) && this.#steps.pass("machine", machineDetail(machine!));
  }

  /** Runs a step, which fails if its work throws or the host is lost. */
  async #step(
    name: string,
    work: () => Promise<{ detail: string; hint?: string }>,
  ): Promise<boolean> {
    try {
      const lost = this.#host!.lost.then((reason) => {
        throw reason;
      });
      const done = Promise.race([work(), lost]);
      const { detail, hint } = await deadline(done, this.#timeout);
      this.#steps.pass(name, detail, hint);
      return true;
    } catch (error) {
      this.#steps.fail(name, this.#reason(error), LOST_HINT);
      return false;
    }
  }

  #reason(error: unknown): string {
    if (isTimeout(error)) {
      return `no answer within ${this.#timeout / 1_000} s`;
    }
    return error instanceof Error ? error.message : String(error);
  }

  async #shutdown(): Promise<void> {
    try {
      // Without cancelling, a task that hangs would block the shutdown.
      const done = this.#engine.shutdown({ cancelFutures: true });
      await deadline(done, this.#timeout);
    } catch {
      // Everything that is left ends with this program.
    }
  }

  get #host(): RemoteHost | undefined {
    return this.#engine.hosts.find((host) => host instanceof RemoteHost);
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
