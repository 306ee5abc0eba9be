import { deadline } from "@std/async/deadline";
import { HostError } from "../errors/host_error.ts";
import type { HostKind } from "../hosts/host.ts";
import type { PingAnswer } from "../hosts/remote/remote_spawner.ts";
import type { PoolSettings } from "../options/pool_settings.ts";
import { Engine } from "../pool/engine.ts";
import { TaskRunner } from "../pool/task_runner.ts";
import type { MachineInfo } from "../protocol/spawner_messages.ts";
import { KeepAlive } from "../util/keep_alive.ts";
import { isTimeout } from "../util/within_limit.ts";
import { CLOCK_HINT } from "./hints.ts";
import {
  measureClock,
  measureRoundTrip,
  measureThroughput,
} from "./measure.ts";
import type { Figures, HostReport } from "./report.ts";
import {
  clockDetail,
  machineDetail,
  roundTripDetail,
  throughputDetail,
} from "./step_details.ts";
import { StepList } from "./step_list.ts";

/** The clock offset above which the doctor gives a hint, in milliseconds. */
const MAX_CLOCK_OFFSET = 1_000;

/** The steps after the start, in their order. */
const MEASURES = ["round trip", "throughput", "clock", "machine"];

/** The finding of a step that passed. */
export interface Finding {
  readonly detail: string;
  readonly hint?: string;
}

/** Runs tasks on the host. Unlike a pool, its caller makes the engine. */
class HostRunner extends TaskRunner {
  constructor(engine: Engine) {
    super(engine, {});
  }
}

/** The check of one host. Each kind of host starts in its own way. */
export abstract class HostCheck {
  /** The time limit of each step, in milliseconds. */
  protected readonly timeout: number;
  /** The pool, which has only this host. */
  protected readonly engine: Engine;
  /** Runs tasks on the host. */
  protected readonly runner: TaskRunner;
  /** The steps and their results. */
  protected readonly steps: StepList;
  /** The values that were measured. */
  protected readonly figures: Figures = {
    workers: null,
    start: null,
    roundTrip: null,
    throughput: null,
    clockOffset: null,
    cpus: null,
    memory: null,
  };
  readonly #spec: string;
  readonly #kind: HostKind;

  /**
   * Constructs a check that hasn't run.
   *
   * @param spec The host as the user wrote it.
   * @param settings The settings of a pool with this host alone.
   * @param startSteps The steps of the start, in their order.
   */
  constructor(
    spec: string,
    settings: PoolSettings,
    startSteps: readonly string[],
  ) {
    this.#spec = spec;
    this.#kind = settings.hosts[0]!.kind;
    this.timeout = settings.startTimeout;
    this.engine = new Engine(settings);
    this.runner = new HostRunner(this.engine);
    this.steps = new StepList([...startSteps, ...MEASURES]);
  }

  /** Runs all steps until one fails. */
  async run(): Promise<HostReport> {
    // Waiting for the answer to a ping doesn't keep the program alive.
    const keepAlive = new KeepAlive();
    keepAlive.hold();
    try {
      if (await this.start()) await this.#measure();
    } finally {
      await this.#shutdown();
      keepAlive.close();
    }
    const { ok, steps } = this.steps;
    const { figures } = this;
    return { spec: this.#spec, kind: this.#kind, ok, steps, figures };
  }

  /** Starts the workers; returns whether that succeeded. */
  protected abstract start(): Promise<boolean>;
  /** The machine that the workers run on. */
  protected abstract get machine(): MachineInfo;
  /** What to do if a measurement fails. */
  protected abstract readonly lostHint: string;
  /** Asks the machine for its time. */
  protected abstract ping(): Promise<PingAnswer>;
  /** Rejects when the host is lost; by default, only the time limit ends a step. */
  protected get lost(): Promise<never> {
    return new Promise(() => {});
  }

  /**
   * Runs a step, which fails if its work throws or the host is lost.
   *
   * @param hintFor Returns what to do about an error.
   */
  protected async step(
    name: string,
    work: () => Promise<Finding>,
    hintFor: (error: unknown) => string | undefined,
  ): Promise<boolean> {
    try {
      const done = Promise.race([work(), this.lost]);
      const { detail, hint } = await deadline(done, this.timeout);
      this.steps.pass(name, detail, hint);
      return true;
    } catch (error) {
      this.steps.fail(name, this.reasonOf(error), hintFor(error));
      return false;
    }
  }

  /** Describes why a step failed. */
  protected reasonOf(error: unknown): string {
    if (isTimeout(error)) return `no answer within ${this.timeout / 1_000} s`;
    const message = error instanceof Error ? error.message : String(error);
    return error instanceof HostError
      ? message.replace(`Can't use the host ${error.host}: `, "")
      : message;
  }

  async #measure(): Promise<void> {
    const { figures } = this;
    await this.#measureStep("round trip", async () => {
      const trips = await measureRoundTrip(this.runner);
      figures.roundTrip = trips.median;
      return { detail: roundTripDetail(trips) };
    }) && await this.#measureStep("throughput", async () => {
      figures.throughput = await measureThroughput(this.runner);
      return { detail: throughputDetail(figures.throughput) };
    }) && await this.#measureStep("clock", async () => {
      const { clockOffset } = await measureClock({ ping: () => this.ping() });
      figures.clockOffset = clockOffset;
      const detail = clockDetail(clockOffset);
      const differs = Math.abs(clockOffset) > MAX_CLOCK_OFFSET;
      return differs ? { detail, hint: CLOCK_HINT } : { detail };
    }) && this.steps.pass("machine", machineDetail(this.machine));
  }

  #measureStep(name: string, work: () => Promise<Finding>): Promise<boolean> {
    return this.step(name, work, () => this.lostHint);
  }

  async #shutdown(): Promise<void> {
    try {
      // Without cancelling, a task that hangs would block the shutdown.
      const done = this.engine.shutdown({ cancelFutures: true });
      await deadline(done, this.timeout);
    } catch {
      // Everything that is left ends with this program.
    }
  }
}
