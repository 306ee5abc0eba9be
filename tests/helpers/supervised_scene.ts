import { ExpectedConnections } from "../../src/hosts/expected_connections.ts";
import type { Host } from "../../src/hosts/host.ts";
import {
  type ConnectedWorker,
  type HostSupervision,
  SupervisedHost,
} from "../../src/hosts/supervised_host.ts";
import { KeepAlive } from "../../src/util/keep_alive.ts";
import type { WorkerEnd, WorkerProcess } from "../../src/spawner/spawner.ts";
import { Channel } from "../../src/transport/channel.ts";
import { MemoryConnection } from "./memory_connection.ts";
import { until } from "./processes.ts";

/** How a worker ends by itself. */
export const DIED: WorkerEnd = {
  exitStatus: "exit code 9",
  stderrTail: "alas",
};

/** A worker's process that lives and connects as the test says. */
class FakeProcess implements WorkerProcess {
  readonly ended: Promise<WorkerEnd>;
  isKilled = false;
  /** Whether its end isn't told, as what would tell it hangs. */
  isStuck = false;
  hasEnded = false;
  readonly #end: (end: WorkerEnd) => void;
  #other: Channel | undefined;

  constructor(
    readonly number: number,
    readonly expectedConnections: ExpectedConnections,
  ) {
    const { promise, resolve } = Promise.withResolvers<WorkerEnd>();
    this.ended = promise;
    this.#end = resolve;
  }

  /** Connects to the pool. */
  connect(): void {
    const [left, right] = MemoryConnection.pair();
    this.#other = new Channel(right);
    this.#other.receive(() => {}).then(() => {
      if (!this.isStuck) this.end(DIED);
    });
    this.expectedConnections.arrived(this.number, new Channel(left));
  }

  end(end: WorkerEnd): void {
    this.hasEnded = true;
    this.#end(end);
    this.#other?.close();
  }

  kill(): void {
    this.isKilled = true;
    if (this.isStuck) return;
    this.end({ exitStatus: "signal SIGKILL", stderrTail: "" });
  }
}

/** A host whose life is the test's to say. */
class FakeHost implements Host {
  readonly name = "fake";
  readonly kind = "ssh";
  readonly secret = new Uint8Array(32);
  readonly processes: FakeProcess[] = [];
  readonly lost: Promise<Error>;
  isClosed = false;
  lose!: (reason: Error) => void;

  constructor(readonly scene: Scene) {
    this.lost = new Promise((resolve) => this.lose = resolve);
  }

  open(): Promise<number> {
    return this.scene.open();
  }

  start(worker: number): WorkerProcess {
    const { expectedConnections, connects, startProblem } = this.scene;
    if (startProblem !== undefined) throw startProblem;
    const process = new FakeProcess(worker, expectedConnections);
    this.processes.push(process);
    if (connects) process.connect();
    return process;
  }

  // deno-lint-ignore require-await
  async close(): Promise<void> {
    this.isClosed = true;
  }
}

/** A supervised host, and all that it asks for and tells. */
export class Scene implements AsyncDisposable {
  readonly expectedConnections = new ExpectedConnections();
  readonly hosts: FakeHost[] = [];
  readonly replacements: ConnectedWorker[] = [];
  readonly reports: string[] = [];
  givenUp = 0;
  /** Whether workers connect as soon as they are started. */
  connects = true;
  /** What goes wrong when a worker is started, if anything does. */
  startProblem: Error | undefined;
  /** How a host is opened. */
  open: () => Promise<number> = () => Promise.resolve(2);
  readonly supervised: SupervisedHost;
  /** What the supervised host knows, which the test may change. */
  readonly supervision: {
    -readonly [Name in keyof HostSupervision]: HostSupervision[Name];
  };
  /** What a pool has calls for. */
  readonly #keepAlive = new KeepAlive();

  constructor(options: Partial<HostSupervision> = {}) {
    this.#keepAlive.hold();
    this.supervision = {
      makeHost: () => {
        const host = new FakeHost(this);
        this.hosts.push(host);
        return host;
      },
      name: "fake",
      index: 3,
      workers: 0,
      maxRestarts: 10,
      startTimeout: 60_000,
      expectedConnections: this.expectedConnections,
      onName: () => {},
      onEnded: () => {},
      onWorker: (worker) => {
        this.replacements.push(worker);
        return Promise.resolve();
      },
      onChanged: () => {
        if (!this.supervised.expectsWorkers) this.givenUp++;
      },
      report: (line) => this.reports.push(line),
      ...options,
    };
    this.supervised = new SupervisedHost(this.supervision);
  }

  /** A scene in which the workers have been started. */
  static async started(options?: Partial<HostSupervision>): Promise<Scene> {
    const scene = new Scene(options);
    await scene.supervised.start();
    return scene;
  }

  /** The host as it is reached now. */
  get host(): FakeHost {
    return this.hosts.at(-1)!;
  }

  /** Waits until so many workers were started at the host. */
  async processes(count: number): Promise<FakeProcess[]> {
    await until(() => this.host.processes.length >= count);
    return this.host.processes;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.supervised.stop();
    this.#keepAlive.close();
  }
}
