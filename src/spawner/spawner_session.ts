import { KeepAlive } from "../util/keep_alive.ts";
import { type Address, parseAddress } from "../transport/address.ts";
import type { Channel } from "../transport/channel.ts";
import { fromPoolToSpawner } from "../protocol/received.ts";
import {
  type MachineInfo,
  type PoolToSpawner,
  type SessionRequest,
  SpawnerMessageType,
  type SpawnerToPool,
} from "../protocol/spawner_messages.ts";
import type { Reaper } from "./reaper.ts";
import { lifelineCut } from "./lifeline.ts";
import type { Grants } from "./permission_flags.ts";
import { type OutputStream, Spawner, type WorkerProcess } from "./spawner.ts";

/** Where and by whose leave a session's workers run. */
export interface SessionPlace {
  /** The program that a worker runs: a URL or a path. */
  readonly program: string;
  /** The configuration that workers' imports resolve by, if any. */
  readonly config: string | undefined;
  /** The secret by which the pool and its workers know each other. */
  readonly secret: Uint8Array<ArrayBuffer>;
  /** Ends the workers if this process can't. */
  readonly reaper: Reaper | undefined;
  /** The host name at which this machine sees the pool. */
  readonly peer: string;
  /**
   * What is probed to know whether the pool can be reached; `undefined` for the
   * address that workers connect to.
   */
  readonly lifeline: Address | undefined;
  /** Called before a worker is started; a reason refuses it. */
  readonly beginWorker?: () => string | undefined;
  /** Called when a worker has ended that was begun. */
  readonly endWorker?: () => void;
}

/** Starts and ends workers for a pool elsewhere, as it asks. */
export class SpawnerSession {
  readonly #channel: Channel;
  readonly #place: SessionPlace;
  readonly #workers = new Map<number, WorkerProcess>();
  readonly #over = new AbortController();
  #lifelineCut = Promise.withResolvers<string>();
  #spawner: Spawner | undefined;

  /** Constructs a session over an authenticated connection. */
  constructor(channel: Channel, place: SessionPlace) {
    this.#channel = channel;
    this.#place = place;
  }

  /**
   * Serves the pool until its connection ends or it can't be reached any more.
   *
   * @returns Why it is over, once all of its workers have ended.
   */
  async serve(): Promise<string> {
    // The end of workers, which are unref'ed, is to be seen too.
    const keepAlive = new KeepAlive();
    keepAlive.hold();
    const { lifeline } = this.#place;
    if (lifeline !== undefined) this.#probe(lifeline);
    try {
      return await Promise.race([this.#receive(), this.#lifelineCut.promise]);
    } finally {
      this.#over.abort();
      this.#channel.close();
      for (const process of this.#workers.values()) process.kill();
      await Promise.all(
        [...this.#workers.values()].map(({ ended }) => ended),
      );
      keepAlive.close();
    }
  }

  async #receive(): Promise<string> {
    try {
      await this.#channel.receive((message) =>
        this.#take(fromPoolToSpawner(message))
      );
      return "The pool has closed the connection";
    } catch (error) {
      return `The connection to the pool broke: ${error}`;
    }
  }

  #take(message: PoolToSpawner): void {
    switch (message[0]) {
      case SpawnerMessageType.OPEN:
        return this.#open(message[1]);
      case SpawnerMessageType.START:
        return this.#start(message[1]);
      case SpawnerMessageType.KILL:
        return this.#workers.get(message[1])?.kill();
      case SpawnerMessageType.PING:
        return this.#send([SpawnerMessageType.PONG, message[1], Date.now()]);
    }
  }

  #open(request: SessionRequest): void {
    if (this.#spawner !== undefined) {
      throw new RangeError("Malformed message: the session is open already");
    }
    const { program, config, secret, reaper, peer, lifeline } = this.#place;
    const address = resolveAddress(request.address, peer);
    this.#spawner = new Spawner({
      program,
      address,
      secret,
      certificate: request.certificate,
      grants: request.grants as Grants,
      config,
      denoArgs: request.denoArgs,
      env: request.env,
      cwd: request.cwd,
      onOutput: (...output) => this.#output(...output),
    }, reaper);
    if (lifeline === undefined) this.#probe(address);
    this.#send([SpawnerMessageType.READY, machineInfo()]);
  }

  #probe(address: Address): void {
    lifelineCut(address, this.#over.signal)
      .then(this.#lifelineCut.resolve, () => {});
  }

  #start(worker: number): void {
    if (this.#spawner === undefined || this.#workers.has(worker)) {
      throw new RangeError(`Malformed message: worker ${worker} can't start`);
    }
    const refused = this.#place.beginWorker?.();
    if (refused !== undefined) return this.#ended(worker, refused, "");
    let process: WorkerProcess;
    try {
      process = this.#spawner.start(worker);
    } catch (error) {
      this.#place.endWorker?.();
      return this.#ended(worker, `could not be started: ${error}`, "");
    }
    this.#workers.set(worker, process);
    process.ended.then(({ exitStatus, stderrTail }) => {
      this.#workers.delete(worker);
      this.#place.endWorker?.();
      this.#ended(worker, exitStatus, stderrTail);
    });
  }

  #ended(worker: number, exitStatus: string, stderrTail: string): void {
    this.#send([SpawnerMessageType.ENDED, worker, exitStatus, stderrTail]);
  }

  async #output(
    worker: number,
    stream: OutputStream,
    bytes: Uint8Array<ArrayBuffer>,
  ): Promise<void> {
    this.#send([SpawnerMessageType.OUTPUT, worker, stream, bytes]);
    await this.#channel.drained();
  }

  #send(message: SpawnerToPool): void {
    this.#channel.writer.message(message);
    this.#channel.flush();
  }
}

/** The address with what the pool left open: the host that is seen here. */
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
