import { fromPoolToSpawner } from "../../src/protocol/check_messages.ts";
import {
  type PoolToSpawner,
  type SessionRequest,
  SpawnerMessageType,
  type SpawnerToPool,
} from "../../src/protocol/spawner_messages.ts";
import { type Address, parseAddress } from "../../src/transport/address.ts";
import type { Channel } from "../../src/transport/channel.ts";
import { WorkerRelay } from "../../src/spawner/worker_relay.ts";
import { SimulatedWorker } from "./simulated_worker.ts";

/** How a spawner's workers reach the pool. */
export interface SpawnerSettings {
  /** The secret that the pool and these workers share. */
  readonly secret: Uint8Array<ArrayBuffer>;
  /** The address of the pool; `undefined` for the one that it announces. */
  readonly address?: Address;
}

/** Starts {@linkcode SimulatedWorker}s for one pool, instead of processes. */
export class SimulatedSpawner {
  readonly #channel: Channel;
  readonly #settings: SpawnerSettings;
  readonly #workers = new Map<number, SimulatedWorker>();
  #address: Address | undefined;
  #relay: WorkerRelay | undefined;
  #certificate = "";

  /** Constructs the spawner's end of an authenticated connection. */
  constructor(channel: Channel, settings: SpawnerSettings) {
    this.#channel = channel;
    this.#settings = settings;
  }

  /** Serves the pool until its connection ends. */
  async serve(): Promise<void> {
    try {
      await this.#channel.receive((message) =>
        this.#take(fromPoolToSpawner(message))
      );
    } catch {
      // The pool was killed.
    }
    for (const worker of this.#workers.values()) worker.kill();
    this.#relay?.close();
  }

  /** Kills the first workers; returns how many it killed. */
  kill(count: number): number {
    const victims = [...this.#workers.values()].slice(0, count);
    for (const victim of victims) victim.kill();
    return victims.length;
  }

  #take(message: PoolToSpawner): void {
    switch (message[0]) {
      case SpawnerMessageType.OPEN:
        return this.#open(message[1]);
      case SpawnerMessageType.START:
        return this.#start(message[1]);
      case SpawnerMessageType.KILL:
        return this.#workers.get(message[1])?.kill();
      case SpawnerMessageType.CONNECTED:
        return;
      case SpawnerMessageType.PING:
        return this.#send([SpawnerMessageType.PONG, message[1], Date.now()]);
      default:
        return this.#relay?.take(message);
    }
  }

  #open({ address, certificate = "", fanout }: SessionRequest): void {
    this.#certificate = certificate;
    if (fanout) {
      this.#relay = new WorkerRelay(this.#channel, undefined, undefined);
    }
    this.#address = this.#relay?.address ?? this.#settings.address ??
      // Without a host name, it means the one that the spawner sees.
      parseAddress(address.replace("::", ":127.0.0.1:"));
    this.#send([SpawnerMessageType.READY, {
      deno: Deno.version.deno,
      platform: `${Deno.build.os} ${Deno.build.arch}`,
      cpus: navigator.hardwareConcurrency,
      memory: Deno.systemMemoryInfo().total,
    }]);
  }

  #start(number: number): void {
    const worker = new SimulatedWorker({
      address: this.#address!,
      certificate: this.#certificate,
      secret: this.#settings.secret,
      worker: number,
    });
    this.#workers.set(number, worker);
    worker.ended.then((exitStatus) => {
      this.#workers.delete(number);
      const { ENDED } = SpawnerMessageType;
      this.#send([ENDED, number, exitStatus, "", undefined]);
    });
  }

  #send(message: SpawnerToPool): void {
    if (this.#channel.closed) return;
    this.#channel.writer.message(message);
    this.#channel.flush();
  }
}
