import { HostError } from "../errors/host_error.ts";
import { describeMemoryUse } from "../errors/out_of_memory_error.ts";
import { type WorkerEnd, WorkerProcess } from "../spawner/worker_process.ts";
import type { Channel } from "../transport/channel.ts";
import { useCodec } from "../protocol/value_codec.ts";
import type { Host } from "./host.ts";
import type { PendingConnection } from "./pending_connections.ts";
import type { SupervisorOptions } from "./supervisor_options.ts";

/** A worker that a supervisor has started. */
export class SupervisedWorker {
  /** Its process. */
  readonly process: WorkerProcess;
  /** When it was started (`performance.now()`). */
  readonly begin: number;
  /** Whether the supervisor has let it go, and expects its end. */
  isReleased = false;
  readonly #pending: PendingConnection;
  readonly #onCalledOff: SupervisorOptions["onCalledOff"];
  #channel: Channel | undefined;

  /**
   * Starts a worker.
   *
   * @param index The index of the worker on its host.
   */
  constructor(
    host: Host,
    index: number,
    { name, login, pendingConnections, onName, onCalledOff, onEnded }:
      SupervisorOptions,
  ) {
    this.#onCalledOff = onCalledOff;
    const workerName = `${name} worker ${index + 1}`;
    this.#pending = pendingConnections.add(host.secret);
    const { number } = this.#pending;
    onName(number, workerName, login);
    this.process = startProcess(host, number, workerName);
    this.begin = performance.now();
    this.process.ended.then((end) => {
      onEnded(number);
      if (this.#channel !== undefined) return;
      const message = `The ${this.process.name} did not connect ${
        describeEnd(end)
      }`;
      this.#pending.cancel(new HostError(name, "worker", message));
    });
  }

  /** Whether it has connected. */
  get isConnected(): boolean {
    return this.#channel !== undefined;
  }

  /**
   * Waits until it has connected.
   *
   * @throws {HostError} If it ends before.
   */
  async connected(codec: SupervisorOptions["codec"]): Promise<Channel> {
    const channel = await this.#pending.channel;
    this.#channel = channel;
    this.process.limitMemory();
    await useCodec(channel, codec);
    return channel;
  }

  /**
   * Ends it: by itself if it has connected, otherwise at once.
   *
   * @param reason Why nobody waits for it any longer.
   */
  end(reason: Error): void {
    this.#pending.cancel(reason);
    if (this.#channel !== undefined) return this.#channel.close();
    this.#onCalledOff(this.#pending.number);
    this.process.kill();
  }
}

/** Starts a worker; if that fails, returns a process that has ended. */
function startProcess(
  host: Host,
  worker: number,
  name: string,
): WorkerProcess {
  try {
    return host.start(worker, name);
  } catch (error) {
    return WorkerProcess.failed(name, error);
  }
}

/** Describes how a worker ended, for the last words of a message. */
export function describeEnd(
  { exitStatus, stderrTail, memory }: WorkerEnd,
): string {
  if (memory !== undefined) {
    return `(out of memory, ${exitStatus}): ${describeMemoryUse(memory)}`;
  }
  return stderrTail === ""
    ? `(${exitStatus})`
    : `(${exitStatus}): ${stderrTail}`;
}
