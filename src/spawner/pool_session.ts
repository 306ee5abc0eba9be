import { KeepAlive } from "../util/keep_alive.ts";
import { type Address, parseAddress } from "../transport/address.ts";
import type { Channel } from "../transport/channel.ts";
import {
  fromPoolToAgent,
  fromPoolToSpawner,
} from "../protocol/check_messages.ts";
import {
  type AgentOffer,
  type AgentToPool,
  type MachineInfo,
  type PoolToAgent,
  type SessionRequest,
  SpawnerMessageType,
} from "../protocol/spawner_messages.ts";
import type { OutputStream } from "./child.ts";
import { probeUntilUnreachable } from "./liveness_probe.ts";
import type { Grants } from "./permission_flags.ts";
import type { Reaper } from "./reaper.ts";
import { WorkerLauncher } from "./worker_launcher.ts";
import type { WorkerEnd, WorkerProcess } from "./worker_process.ts";
import { WorkerRelay } from "./worker_relay.ts";

/** What a session needs from the program that serves it. */
export interface SessionOptions {
  /** The program of a worker: a URL or a path. */
  readonly program: string;
  /** The path of the same program in one file, if there is such a file. */
  readonly bundle?: string | undefined;
  /** The configuration file for imports of workers, if any. */
  readonly config: string | undefined;
  /** The secret that the pool and its workers share. */
  readonly secret: Uint8Array<ArrayBuffer>;
  /** Kills the workers if this process can't. */
  readonly reaper: Reaper | undefined;
  /** The host name of the pool, as this machine sees it. */
  readonly peer: string;
  /**
   * The address to probe, to notice when the pool can't be reached any more;
   * `undefined` for the address that workers connect to.
   */
  readonly probed: Address | undefined;
  /**
   * How long the pool may be silent before it is probed, in milliseconds.
   *
   * @default {0}
   */
  readonly silence?: number;
  /**
   * A folder that only this user can enter, for the socket of workers; by
   * default, the session makes one if it needs it.
   */
  readonly folder?: string;
  /** What the spawner offers, if it is an agent. */
  readonly offer?: AgentOffer;
  /** Called before a worker starts; may return a reason to refuse it. */
  readonly beginWorker?: () => string | undefined;
  /** Called when a worker that wasn't refused has ended. */
  readonly endWorker?: () => void;
}

/** Starts and ends workers on this machine for a pool on another one. */
export class PoolSession {
  readonly #channel: Channel;
  readonly #options: SessionOptions;
  readonly #workers = new Map<number, WorkerProcess>();
  readonly #over = new AbortController();
  readonly #unreachable = Promise.withResolvers<string>();
  #launcher: WorkerLauncher | undefined;
  /** Relays the connections of workers, if the pool wants that. */
  #relay: WorkerRelay | undefined;
  #refusal: string | undefined;
  /** When the latest message arrived (`performance.now()`). */
  #heardAt = performance.now();

  /** Constructs a session over an authenticated connection. */
  constructor(channel: Channel, options: SessionOptions) {
    this.#channel = channel;
    this.#options = options;
  }

  /** Why the pool refused this agent, if it did. */
  get refusal(): string | undefined {
    return this.#refusal;
  }

  /**
   * Serves the pool until its connection ends or it can't be reached any more.
   *
   * @returns The reason for the end, once all workers have ended.
   */
  async serve(): Promise<string> {
    // The workers are unref'ed, but their ends must be awaited.
    const keepAlive = new KeepAlive();
    keepAlive.hold();
    const { probed, offer } = this.#options;
    if (offer !== undefined) this.#send([SpawnerMessageType.HELLO, offer]);
    if (probed !== undefined) this.#probe(probed);
    try {
      return await Promise.race([this.#receive(), this.#unreachable.promise]);
    } finally {
      this.#over.abort();
      this.#channel.close();
      for (const process of this.#workers.values()) process.kill();
      await Promise.all(
        [...this.#workers.values()].map(({ ended }) => ended),
      );
      await this.#launcher?.close();
      this.#relay?.close();
      keepAlive.close();
    }
  }

  /** Announces that this agent will end; see {@linkcode Leave}. */
  leave(reason: string, timeLeft: number): void {
    this.#send([SpawnerMessageType.LEAVE, reason, timeLeft]);
  }

  /** Closes the connection, which ends the session. */
  close(): void {
    this.#channel.close();
  }

  async #receive(): Promise<string> {
    const check = this.#options.offer === undefined
      ? fromPoolToSpawner
      : fromPoolToAgent;
    try {
      await this.#channel.receive((message) => this.#take(check(message)));
      return "The pool has closed the connection";
    } catch (error) {
      return `The connection to the pool broke: ${error}`;
    }
  }

  #take(message: PoolToAgent): void {
    this.#heardAt = performance.now();
    switch (message[0]) {
      case SpawnerMessageType.OPEN:
        return this.#open(message[1]);
      case SpawnerMessageType.START:
        return this.#start(message[1]);
      case SpawnerMessageType.KILL:
        return this.#workers.get(message[1])?.kill();
      case SpawnerMessageType.CONNECTED:
        return this.#workers.get(message[1])?.limitMemory();
      case SpawnerMessageType.PING:
        return this.#send([SpawnerMessageType.PONG, message[1], Date.now()]);
      case SpawnerMessageType.REFUSE:
        this.#refusal ??= message[1];
        return this.#channel.close();
      default:
        return this.#relay?.take(message);
    }
  }

  #open(request: SessionRequest): void {
    if (this.#launcher !== undefined) {
      throw new RangeError("Malformed message: the session is open already");
    }
    const { program, bundle, config, secret, reaper, peer, probed, folder } =
      this.#options;
    const poolAddress = resolveAddress(request.address, peer);
    if (request.fanout) {
      this.#relay = new WorkerRelay(this.#channel, folder, reaper);
    }
    const address = this.#relay?.address ?? poolAddress;
    this.#launcher = new WorkerLauncher({
      program,
      bundle,
      address,
      secret,
      certificate: this.#relay === undefined ? request.certificate : undefined,
      grants: request.grants as Grants,
      config,
      denoArgs: request.denoArgs,
      env: request.env,
      cwd: request.cwd,
      inspect: request.inspect,
      maxMemory: request.maxMemory,
      isInJob: this.#options.offer !== undefined,
      onOutput: (...output) => this.#output(...output),
    }, reaper);
    if (probed === undefined) this.#probe(poolAddress);
    this.#send([SpawnerMessageType.READY, machineInfo()]);
  }

  #probe(address: Address): void {
    const { silence = 0 } = this.#options;
    const isSilent = () => performance.now() - this.#heardAt >= silence;
    probeUntilUnreachable(address, this.#over.signal, isSilent)
      .then(this.#unreachable.resolve, () => {});
  }

  #start(worker: number): void {
    if (this.#launcher === undefined || this.#workers.has(worker)) {
      throw new RangeError(`Malformed message: worker ${worker} can't start`);
    }
    const refusal = this.#options.beginWorker?.();
    if (refusal !== undefined) {
      return this.#ended(worker, { exitStatus: refusal, stderrTail: "" });
    }
    let process: WorkerProcess;
    try {
      process = this.#launcher.start(worker, `worker ${worker}`);
    } catch (error) {
      this.#options.endWorker?.();
      const exitStatus = `could not be started: ${error}`;
      return this.#ended(worker, { exitStatus, stderrTail: "" });
    }
    this.#workers.set(worker, process);
    process.ended.then((end) => {
      this.#workers.delete(worker);
      this.#options.endWorker?.();
      this.#ended(worker, end);
    });
  }

  #ended(worker: number, { exitStatus, stderrTail, memory }: WorkerEnd): void {
    const { ENDED } = SpawnerMessageType;
    this.#send([ENDED, worker, exitStatus, stderrTail, memory]);
  }

  async #output(
    worker: number,
    stream: OutputStream,
    bytes: Uint8Array<ArrayBuffer>,
  ): Promise<void> {
    this.#send([SpawnerMessageType.OUTPUT, worker, stream, bytes]);
    await this.#channel.drained();
  }

  #send(message: AgentToPool): void {
    this.#channel.writer.message(message);
    this.#channel.flush();
  }
}

/** Fills in the pool's host name, if the address has none. */
function resolveAddress(text: string, peer: string): Address {
  const [, transport, port] = text.match(/^(tcp|tls)::(\d+)$/) ?? [];
  return parseAddress(
    transport === undefined ? text : `${transport}:${peer}:${port}`,
  );
}

function machineInfo(): MachineInfo {
  return {
    deno: Deno.version.deno,
    platform: `${Deno.build.os} ${Deno.build.arch}`,
    cpus: navigator.hardwareConcurrency,
    memory: Deno.systemMemoryInfo().total,
  };
}
