import { HostError } from "../../errors/host_error.ts";
import { PoolClosedError } from "../../errors/pool_closed_error.ts";
import { fromSpawner } from "../../protocol/check_messages.ts";
import type { MachineInfo } from "../../protocol/spawner_messages.ts";
import type { WorkerProcess } from "../../spawner/worker_process.ts";
import { isTimeout, withinLimit } from "../../util/within_limit.ts";
import type { Host } from "../host.ts";
import type { PoolServices } from "../pool_services.ts";
import type { Connector } from "./connector.ts";
import { RemoteSpawner } from "./remote_spawner.ts";

/** The settings of a remote host. */
export interface RemoteHostSettings {
  /** The name of the host in messages. */
  readonly name: string;
  /** The number of workers; 0 means one per CPU. */
  readonly workers: number;
}

/** What a remote host needs from its pool. */
type HostServices = Pick<
  PoolServices,
  "onOutput" | "heartbeatTimeout" | "admit"
>;

/** Another machine, where a spawner starts the workers. */
export class RemoteHost implements Host {
  readonly name: string;
  /** The spawner has no limit: to wait for each worker would take round trips. */
  readonly parallelStarts = Infinity;
  /** The machine, once the host is open. */
  machine: MachineInfo | undefined;

  readonly #settings: RemoteHostSettings;
  readonly #connector: Connector;
  readonly #services: HostServices;
  readonly #lost = Promise.withResolvers<Error>();
  #closed: Error | undefined;
  #spawner: RemoteSpawner | undefined;

  /** Constructs a host that isn't open yet. */
  constructor(
    settings: RemoteHostSettings,
    connector: Connector,
    services: HostServices,
  ) {
    this.name = settings.name;
    this.#settings = settings;
    this.#connector = connector;
    this.#services = services;
  }

  get kind(): Connector["kind"] {
    return this.#connector.kind;
  }

  get secret(): Uint8Array<ArrayBuffer> {
    return this.#connector.secret;
  }

  get lost(): Promise<Error> {
    return this.#lost.promise;
  }

  /** The spawner on that machine, once the host is open. */
  get spawner(): RemoteSpawner {
    return this.#spawner!;
  }

  async open(timeout: number): Promise<number> {
    try {
      this.machine = await withinLimit(this.#open(timeout), timeout);
    } catch (error) {
      if (error instanceof HostError || this.#closed !== undefined) throw error;
      throw this.#connector.explain(
        isTimeout(error)
          ? { code: "timeout", timeout }
          : { code: "failed", cause: error },
      );
    }
    this.#connector.lost.then(this.#lost.resolve);
    this.spawner.closed.then((cause) =>
      this.#lost.resolve(this.#connector.explain({ code: "closed", cause }))
    );
    return this.#settings.workers || this.machine.cpus;
  }

  start(worker: number, name: string): WorkerProcess {
    return this.spawner.start(worker, name);
  }

  async close(): Promise<void> {
    this.#closed ??= new PoolClosedError();
    this.#spawner?.close();
    await this.#connector.close(this.#closed);
  }

  async #open(timeout: number): Promise<MachineInfo> {
    const { channel, request } = await this.#connector.connect(timeout);
    if (this.#closed !== undefined) {
      channel.close();
      throw this.#closed;
    }
    const { onOutput, heartbeatTimeout, admit } = this.#services;
    this.#spawner = new RemoteSpawner(
      channel,
      onOutput,
      heartbeatTimeout,
      fromSpawner,
      request.fanout ? admit : undefined,
    );
    return await this.#spawner.open(request);
  }
}
