import { assert, assertFalse } from "@std/assert";
import { FakeTime } from "./fake_time.ts";
import { PendingConnections } from "../../src/hosts/pending_connections.ts";
import type { Host } from "../../src/hosts/host.ts";
import type { ConnectedWorker } from "../../src/hosts/managed_host.ts";
import type { SupervisorOptions } from "../../src/hosts/supervisor_options.ts";
import { WorkerSupervisor } from "../../src/hosts/worker_supervisor.ts";
import {
  type WorkerEnd,
  WorkerProcess,
} from "../../src/spawner/worker_process.ts";
import { Channel } from "../../src/transport/channel.ts";
import { MemoryConnection } from "./memory_connection.ts";

/** The end of a worker that ends by itself. */
export const DIED: WorkerEnd = {
  exitStatus: "exit code 9",
  stderrTail: "alas",
};

/** A worker's process, which the test connects and ends. */
class FakeProcess {
  /** The process as the host sees it. */
  readonly process: WorkerProcess;
  isKilled = false;
  /** Whether its end isn't reported. */
  isStuck = false;
  hasEnded = false;
  readonly #end: (end: WorkerEnd) => void;
  #other: Channel | undefined;

  constructor(
    readonly number: number,
    name: string,
    readonly pendingConnections: PendingConnections,
  ) {
    const { promise, resolve } = Promise.withResolvers<WorkerEnd>();
    this.process = new WorkerProcess(name, promise, () => this.#kill());
    this.#end = resolve;
  }

  /** Connects to the pool. */
  connect(): void {
    const [left, right] = MemoryConnection.pair();
    this.#other = new Channel(right);
    this.#other.receive(() => {}).then(() => {
      if (!this.isStuck) this.end(DIED);
    });
    this.pendingConnections.resolve(this.number, new Channel(left));
  }

  end(end: WorkerEnd): void {
    this.hasEnded = true;
    this.#end(end);
    this.#other?.close();
  }

  #kill(): void {
    this.isKilled = true;
    if (this.isStuck) return;
    this.end({ exitStatus: "signal SIGKILL", stderrTail: "" });
  }
}

/** A host that the test controls. */
class FakeHost implements Host {
  readonly name = "fake";
  readonly kind = "ssh";
  readonly secret = new Uint8Array(32);
  readonly parallelStarts: number;
  readonly processes: FakeProcess[] = [];
  readonly lost: Promise<Error>;
  isClosed = false;
  lose!: (reason: Error) => void;

  constructor(readonly scene: Scene) {
    this.lost = new Promise((resolve) => this.lose = resolve);
    this.parallelStarts = scene.parallelStarts;
  }

  open(): Promise<number> {
    return this.scene.open();
  }

  start(worker: number, name: string): WorkerProcess {
    const { pendingConnections, connects, startProblem } = this.scene;
    if (startProblem !== undefined) throw startProblem;
    const fake = new FakeProcess(worker, name, pendingConnections);
    this.processes.push(fake);
    if (connects) fake.connect();
    return fake.process;
  }

  // deno-lint-ignore require-await
  async close(): Promise<void> {
    this.isClosed = true;
  }
}

/** A supervisor with a fake host, in fake time, and everything that it reports. */
export class Scene implements AsyncDisposable {
  readonly time = new FakeTime();
  readonly pendingConnections = new PendingConnections();
  readonly hosts: FakeHost[] = [];
  readonly replacements: ConnectedWorker[] = [];
  readonly reports: string[] = [];
  /** The numbers of the workers that were ended before they connected. */
  readonly calledOff: number[] = [];
  givenUp = 0;
  /** Whether workers connect as soon as they are started. */
  connects = true;
  /** The error that each start of a worker throws, if there is one. */
  startProblem: Error | undefined;
  /** How many workers of a host may start at the same time. */
  parallelStarts = Infinity;
  /** Opens a host. */
  open: () => Promise<number> = () => Promise.resolve(2);
  readonly supervisor: WorkerSupervisor;
  /** The options of the supervisor, which the test may change. */
  readonly options: {
    -readonly [Name in keyof SupervisorOptions]: SupervisorOptions[Name];
  };

  constructor(options: Partial<SupervisorOptions> = {}) {
    this.options = {
      makeHost: () => {
        const host = new FakeHost(this);
        this.hosts.push(host);
        return host;
      },
      name: "fake",
      kind: "ssh",
      workers: 0,
      maxRestarts: 10,
      startTimeout: 60_000,
      codec: "msgpack",
      pendingConnections: this.pendingConnections,
      onName: () => {},
      onCalledOff: (worker) => this.calledOff.push(worker),
      onEnded: () => {},
      onWorker: (worker) => {
        this.replacements.push(worker);
        return Promise.resolve();
      },
      onChanged: () => {
        if (!this.supervisor.expectsWorkers) this.givenUp++;
      },
      report: (line) => this.reports.push(line),
      ...options,
    };
    this.supervisor = new WorkerSupervisor(this.options);
  }

  /** Makes a scene whose workers are started. */
  static async started(options?: Partial<SupervisorOptions>): Promise<Scene> {
    const scene = new Scene(options);
    await scene.supervisor.start();
    return scene;
  }

  /** The latest host that the supervisor has made. */
  get host(): FakeHost {
    return this.hosts.at(-1)!;
  }

  /** Waits until a number of workers were started on the host. */
  async processes(count: number): Promise<FakeProcess[]> {
    await this.until(() => this.host.processes.length >= count);
    return this.host.processes;
  }

  /** Lets time pass from timer to timer until a condition holds. */
  async until(condition: () => boolean): Promise<void> {
    await this.time.runMicrotasks();
    while (!condition()) {
      assert(this.time.next(), `Nothing leads to ${condition}`);
      await this.time.runMicrotasks();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    let hasStopped = false;
    const stopping = this.supervisor.stop().finally(() => hasStopped = true);
    await this.until(() => hasStopped);
    await stopping;
    const isTimerLeft = this.time.next();
    this.time.restore();
    assertFalse(isTimerLeft, "The supervisor has left a timer");
  }
}
