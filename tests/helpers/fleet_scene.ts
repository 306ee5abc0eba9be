import { assert } from "@std/assert";
import { AgentGroups } from "../../src/hosts/agent_groups.ts";
import { LaunchedFleet } from "../../src/hosts/launch/launched_fleet.ts";
import { PendingConnections } from "../../src/hosts/pending_connections.ts";
import type { PoolServices } from "../../src/hosts/pool_services.ts";
import { unlabeledPlace } from "../../src/options/place.ts";
import { SpawnerMessageType } from "../../src/protocol/spawner_messages.ts";
import type { WorkerProcess } from "../../src/spawner/worker_process.ts";
import { Channel } from "../../src/transport/channel.ts";
import { FakeLauncher } from "./fake_launcher.ts";
import { FakeTime } from "./fake_time.ts";
import { ALL_GRANTS } from "./grants.ts";
import { MemoryConnection } from "./memory_connection.ts";

const GROUP = 1;

/** Time passes in such steps, in milliseconds. */
const STEP = 500;

const MACHINE = { deno: "2.0.0", platform: "none", cpus: 1, memory: 1 };

/** A fleet in fake time whose launcher and agents are fake, too. */
export class FleetScene implements AsyncDisposable {
  readonly time = new FakeTime();
  readonly launcher = new FakeLauncher();
  readonly reports: string[] = [];
  /** The connected workers. */
  readonly workers = new Set<WorkerProcess>();
  /** Resolves when workers have no calls. */
  drained: Promise<void> = Promise.resolve();
  readonly fleet: LaunchedFleet;
  readonly #groups = new AgentGroups();
  readonly #pending = new PendingConnections();
  readonly #workersPerAgent: number;

  /** Makes a fleet that may have any number of workers, and hasn't started. */
  constructor(min: number, workersPerAgent = 1) {
    this.#workersPerAgent = workersPerAgent;
    this.fleet = new LaunchedFleet({
      name: "short",
      kind: "launch",
      group: GROUP,
      token: "a token",
      maxWorkers: 100,
      listen: { hostname: "127.0.0.1", port: 0 },
      request: { grants: ALL_GRANTS, denoArgs: [], env: {}, fanout: false },
      place: unlabeledPlace(),
      groups: this.#groups,
      services: () => Promise.resolve(this.#services),
      supervision: {
        maxRestarts: Infinity,
        startTimeout: 30_000,
        codec: "msgpack",
        pendingConnections: this.#pending,
        onName: () => {},
        onCalledOff: () => {},
        onEnded: () => {},
        onWorker: ({ process }) => {
          this.workers.add(process);
          process.ended.then(() => this.workers.delete(process));
          return Promise.resolve();
        },
      },
      drain: () => this.drained,
      idleTime: () => 0,
      onChanged: () => {},
      report: (_, line) => this.reports.push(line),
    }, {
      launcher: this.launcher,
      folder: undefined,
      deno: "deno",
      workersPerAgent,
      scaling: { min, idle: Infinity },
    });
  }

  /**
   * Lets an agent of a job connect, and its workers too.
   *
   * @param startsLate Whether its workers don't connect.
   */
  async join(job: string, startsLate = false): Promise<FakeAgent> {
    const [left, right] = MemoryConnection.pair();
    const agent = new FakeAgent(new Channel(right), this.#pending);
    agent.startsLate = startsLate;
    this.#groups.resolve(GROUP, new Channel(left), new Uint8Array(32));
    const workers = this.#workersPerAgent;
    const offer = { workers, name: job, job, labels: {}, resources: {} };
    agent.say(SpawnerMessageType.HELLO, offer);
    await this.pass(0);
    return agent;
  }

  /** Lets time pass, and everything happen that follows. */
  async pass(milliseconds: number): Promise<void> {
    await this.time.runMicrotasks();
    for (let left = milliseconds; left >= 0; left -= STEP) {
      await this.time.tickAsync(Math.min(STEP, left));
      await this.time.runMicrotasks();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    let isOver = false;
    // Otherwise, jobs would have some seconds to end.
    this.fleet.kill();
    const stopped = this.fleet.stop().then(() => isOver = true);
    while (!isOver) await this.pass(STEP);
    await stopped;
    const isTimerLeft = this.time.next();
    this.time.restore();
    assert(!isTimerLeft, "A timer is left");
  }

  get #services(): PoolServices {
    return {
      listen: (address: object) => Promise.resolve({ ...address, port: 1 }),
      agentProgram: () => Promise.resolve(""),
      heartbeatTimeout: Infinity,
      onOutput: () => {},
      reaper: undefined,
    } as unknown as PoolServices;
  }
}

/** An agent whose workers connect as soon as they are started. */
export class FakeAgent {
  /** How many workers it was told to start. */
  started = 0;
  /** Whether workers that are started don't connect from now on. */
  startsLate = false;
  /** Whether it doesn't do what the pool tells it. */
  isMute = false;
  readonly #channel: Channel;
  readonly #pending: PendingConnections;
  readonly #workers = new Map<number, Channel | undefined>();

  /** Constructs it for its end of the connection. */
  constructor(channel: Channel, pending: PendingConnections) {
    this.#channel = channel;
    this.#pending = pending;
    channel.receive((message) => this.#take(message)).then(() => {
      for (const worker of this.#workers.values()) worker?.close();
    });
  }

  /** Sends a message. */
  say(...message: unknown[]): void {
    this.#channel.writer.message(message);
    this.#channel.flush();
  }

  /** Asks the pool to let it go. */
  leave(): void {
    this.say(SpawnerMessageType.LEAVE, "it got SIGTERM", Infinity);
  }

  /** Ends its connection, and its workers. */
  hangUp(): void {
    this.#channel.close();
  }

  /** Ends the worker that was started first, of those that haven't ended. */
  endWorker(): void {
    const [[number, worker]] = this.#workers as unknown as [
      [number, Channel | undefined],
    ];
    worker?.close();
    this.#end(number);
  }

  #take([type, value]: unknown[]): void {
    if (this.isMute) return;
    if (type === SpawnerMessageType.OPEN) {
      this.say(SpawnerMessageType.READY, MACHINE);
    } else if (type === SpawnerMessageType.START) this.#start(value as number);
    else if (type === SpawnerMessageType.KILL) this.#end(value as number);
  }

  #start(number: number): void {
    this.started++;
    this.#workers.set(number, undefined);
    if (this.startsLate) return;
    const [left, right] = MemoryConnection.pair();
    const channel = new Channel(right);
    this.#workers.set(number, channel);
    this.#pending.resolve(number, new Channel(left));
    channel.receive(() => {}).then(() => this.#end(number));
  }

  #end(number: number): void {
    if (this.isMute || !this.#workers.delete(number)) return;
    this.say(SpawnerMessageType.ENDED, number, "exit code 0", "", undefined);
  }
}
