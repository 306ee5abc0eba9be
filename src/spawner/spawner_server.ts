import { delay } from "@std/async/delay";
import {
  HANDSHAKE_TIMEOUT,
  UnauthenticatedConnections,
} from "../transport/unauthenticated_connections.ts";
import { isTimeout } from "../util/within_limit.ts";
import { Channel } from "../transport/channel.ts";
import { admitPool } from "../transport/handshake.ts";
import { Reaper } from "./reaper.ts";
import { SpawnerSession } from "./spawner_session.ts";
import { WORKER_PROGRAM } from "./worker_program.ts";

/** The pause after a connection couldn't be accepted, in milliseconds. */
const ACCEPT_PAUSE = 100;

/** How a spawner server serves. */
export interface SpawnerServerSettings {
  /** The address to listen at. */
  readonly hostname: string;
  /** The port to listen at; 0 is any that is free. */
  readonly port: number;
  /** What a pool must know; `""` is known to all. */
  readonly token: string;
  /** How many workers may run at the same time, of all pools together. */
  readonly maxWorkers: number;
  /** How many workers one pool may have. */
  readonly maxWorkersPerPool: number;
  /** The certificate and its key (PEM), to be reached with TLS. */
  readonly tls: { readonly cert: string; readonly key: string } | undefined;
  /** The configuration that workers' imports resolve by, if any. */
  readonly config: string | undefined;
  /** Takes a line about what happens. */
  readonly log: (line: string) => void;
}

/** Starts workers on this machine for pools that prove they may ask. */
export class SpawnerServer implements AsyncDisposable {
  /** The port that it listens at. */
  readonly port: number;

  readonly #settings: SpawnerServerSettings;
  readonly #listener: Deno.Listener;
  readonly #reaper = Reaper.isSupported ? new Reaper(undefined) : undefined;
  readonly #strangers = new UnauthenticatedConnections();
  /** The channels of pools, and their sessions until these are over. */
  readonly #sessions = new Map<Channel, Promise<void>>();
  #workers = 0;
  #pools = 0;
  #closed = false;

  /** Begins to listen. */
  constructor(settings: SpawnerServerSettings) {
    this.#settings = settings;
    const { hostname, port, tls } = settings;
    this.#listener = tls === undefined
      ? Deno.listen({ hostname, port })
      : Deno.listenTls({ hostname, port, ...tls });
    this.port = (this.#listener.addr as Deno.NetAddr).port;
    this.#accept();
  }

  /** Ends all workers and stops listening. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#listener.close();
    this.#strangers.refuseAll();
    for (const channel of this.#sessions.keys()) channel.close();
    await Promise.all(this.#sessions.values());
    await this.#reaper?.close();
  }

  /** The same as {@linkcode SpawnerServer.close}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #accept(): Promise<void> {
    while (!this.#closed) {
      try {
        this.#welcome(await this.#listener.accept());
      } catch (error) {
        if (this.#closed) return;
        this.#settings.log(`a connection could not be accepted: ${error}`);
        // It may be that too many are open, which passes.
        await delay(ACCEPT_PAUSE);
      }
    }
  }

  /** Lets a pool in, if it is one that may be. */
  async #welcome(connection: Deno.Conn): Promise<void> {
    const { hostname } = connection.remoteAddr as Deno.NetAddr;
    try {
      const secret = await this.#strangers.admit(
        connection,
        (connection) => admitPool(connection, this.#settings.token),
      );
      if (secret === undefined) return;
      const channel = new Channel(connection);
      const session = this.#serve(channel, hostname, secret);
      this.#sessions.set(channel, session);
      await session;
      this.#sessions.delete(channel);
    } catch (error) {
      const reason = isTimeout(error)
        ? `it has not proved itself within ${HANDSHAKE_TIMEOUT} ms`
        : error instanceof Error
        ? error.message
        : error;
      this.#settings.log(`refused a connection from ${hostname}: ${reason}`);
    }
  }

  async #serve(
    channel: Channel,
    peer: string,
    secret: Uint8Array<ArrayBuffer>,
  ): Promise<void> {
    const { log, config } = this.#settings;
    const pool = `pool ${++this.#pools} from ${peer}`;
    log(`${pool} has connected`);
    let workers = 0;
    const session = new SpawnerSession(channel, {
      program: WORKER_PROGRAM,
      config,
      secret,
      reaper: this.#reaper,
      peer,
      lifeline: undefined,
      beginWorker: () => {
        const refused = this.#limit(workers);
        if (refused !== undefined) log(`${pool}: a worker ${refused}`);
        else {
          workers++;
          this.#workers++;
        }
        return refused;
      },
      endWorker: () => {
        workers--;
        this.#workers--;
      },
    });
    const reason = await session.serve();
    log(`${pool} is gone: ${reason}`);
  }

  /** Why a pool that has so many workers can't have one more. */
  #limit(workers: number): string | undefined {
    const { maxWorkers, maxWorkersPerPool } = this.#settings;
    if (workers >= maxWorkersPerPool) {
      return `was refused, as the spawner server lets a pool have at most ${maxWorkersPerPool} (--max-workers-per-pool)`;
    }
    if (this.#workers >= maxWorkers) {
      return `was refused, as the spawner server runs at most ${maxWorkers} in all (--max-workers)`;
    }
    return undefined;
  }
}
