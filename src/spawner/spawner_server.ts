import { admitPool } from "../protocol/spawner_handshake.ts";
import { AuthenticatedListener } from "../transport/authenticated_listener.ts";
import type { Channel } from "../transport/channel.ts";
import type { Connection } from "../transport/connection.ts";
import { HANDSHAKE_TIMEOUT } from "../transport/unauthenticated_connections.ts";
import { isTimeout } from "../util/within_limit.ts";
import { PoolSession } from "./pool_session.ts";
import type { ProgramBundle } from "./program_bundle.ts";
import { Reaper } from "./reaper.ts";
import { WORKER_PROGRAM } from "./worker_program.ts";

/** The settings of a spawner server. */
export interface SpawnerServerSettings {
  /** The address to listen on. */
  readonly hostname: string;
  /** The port to listen on; 0 is any free port. */
  readonly port: number;
  /** The token that pools must know; `""` admits every pool. */
  readonly token: string;
  /** The limit of workers at the same time, for all pools together. */
  readonly maxWorkers: number;
  /** The limit of workers at the same time, for each pool. */
  readonly maxWorkersPerPool: number;
  /** The certificate and its key (PEM), to serve with TLS. */
  readonly tls: { readonly cert: string; readonly key: string } | undefined;
  /** The configuration file for imports of workers, if any. */
  readonly config: string | undefined;
  /** The program of workers in one file; by default, they load its modules. */
  readonly bundle?: ProgramBundle;
  /** Takes a line for the log. */
  readonly log: (line: string) => void;
  /**
   * How long a pool may take to authenticate itself, in milliseconds.
   *
   * @default {5_000}
   */
  readonly handshakeTimeout?: number;
}

/** Starts workers on this machine for pools that know the token. */
export class SpawnerServer implements AsyncDisposable {
  /** The port that it listens on. */
  readonly port: number;

  readonly #settings: SpawnerServerSettings;
  readonly #listener: AuthenticatedListener<Uint8Array<ArrayBuffer>>;
  readonly #reaper = Reaper.isSupported ? new Reaper(undefined) : undefined;
  /** The sessions that aren't over, by the channel of their pool. */
  readonly #sessions = new Map<Channel, Promise<void>>();
  readonly #closed = new AbortController();
  #workers = 0;
  #pools = 0;
  /** The path of the bundle, once it is found. */
  #bundle: string | undefined;
  readonly #bundling: Promise<void>;

  /**
   * Listens for pools.
   *
   * @throws {Error} If it can't listen there, or has a bad certificate.
   */
  constructor(settings: SpawnerServerSettings) {
    this.#settings = settings;
    const { hostname, port, tls, token, log } = settings;
    const { handshakeTimeout = HANDSHAKE_TIMEOUT } = settings;
    const listener = tls === undefined
      ? Deno.listen({ hostname, port })
      : Deno.listenTls({ hostname, port, ...tls });
    this.port = (listener.addr as Deno.NetAddr).port;
    this.#listener = new AuthenticatedListener({
      authenticate: (connection) => admitPool(connection, token),
      onChannel: (secret, channel, connection) =>
        this.#admit(channel, peerOf(connection), secret),
      onRefused: (reason, connection) =>
        log(
          `refused a connection from ${peerOf(connection)}: ${
            describeRefusal(reason, handshakeTimeout)
          }`,
        ),
      onAcceptError: (error) =>
        log(`a connection could not be accepted: ${error}`),
      handshakeTimeout,
    });
    this.#listener.serve(listener);
    this.#bundling = this.#findBundle().catch(() => {});
  }

  /** Ends all workers and stops listening. */
  async close(): Promise<void> {
    if (this.#closed.signal.aborted) return;
    this.#closed.abort();
    this.#listener.close();
    for (const channel of this.#sessions.keys()) channel.close();
    await Promise.all(this.#sessions.values());
    await this.#bundling;
    await this.#reaper?.close();
  }

  /** The same as {@linkcode SpawnerServer.close}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** Workers run without it, so it doesn't matter if this fails. */
  async #findBundle(): Promise<void> {
    const { bundle } = this.#settings;
    this.#bundle = await bundle?.find();
    if (bundle === undefined || this.#bundle !== undefined) return;
    await bundle.make(this.#closed.signal);
    this.#bundle = await bundle.find();
  }

  async #admit(
    channel: Channel,
    peer: string,
    secret: Uint8Array<ArrayBuffer>,
  ): Promise<void> {
    const session = this.#serve(channel, peer, secret).catch((error) =>
      this.#settings.log(`the session of a pool from ${peer} failed: ${error}`)
    );
    this.#sessions.set(channel, session);
    await session;
    this.#sessions.delete(channel);
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
    const session = new PoolSession(channel, {
      program: WORKER_PROGRAM,
      bundle: this.#bundle,
      config,
      secret,
      reaper: this.#reaper,
      peer,
      probed: undefined,
      beginWorker: () => {
        const refusal = this.#refusalOfAnother(workers);
        if (refusal !== undefined) log(`${pool}: a worker ${refusal}`);
        else {
          workers++;
          this.#workers++;
        }
        return refusal;
      },
      endWorker: () => {
        workers--;
        this.#workers--;
      },
    });
    const reason = await session.serve();
    log(`${pool} is gone: ${reason}`);
  }

  /** Returns why a pool with this many workers can't start another, if so. */
  #refusalOfAnother(workers: number): string | undefined {
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

function peerOf({ remoteAddr }: Connection): string {
  return (remoteAddr as Deno.NetAddr).hostname;
}

function describeRefusal(reason: unknown, timeout: number): string {
  if (isTimeout(reason)) {
    return `it did not authenticate itself within ${timeout} ms`;
  }
  return reason instanceof Error ? reason.message : String(reason);
}
