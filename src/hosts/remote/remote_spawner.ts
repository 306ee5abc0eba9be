import { nextTurn } from "../../util/next_turn.ts";
import { pause } from "../../util/pause.ts";
import type { OutputHandler } from "../../spawner/worker_launcher.ts";
import { type WorkerEnd, WorkerProcess } from "../../spawner/worker_process.ts";
import type { Channel } from "../../transport/channel.ts";
import type { Connection } from "../../transport/connection.ts";
import { fromSpawner } from "../../protocol/check_messages.ts";
import { Relays } from "../../spawner/relays.ts";
import {
  type AgentToPool,
  type MachineInfo,
  type Pong,
  type PoolToAgent,
  type SessionRequest,
  SpawnerMessageType,
} from "../../protocol/spawner_messages.ts";

/** How many heartbeats in a row may be missed. */
const MAX_MISSED = 3;

/** The result of a ping. */
export interface PingAnswer {
  /** The time until the answer arrived, in milliseconds. */
  readonly roundTrip: number;
  /** How far the other machine's clock is ahead of ours, in milliseconds. */
  readonly clockOffset: number;
}

interface SentPing extends PromiseWithResolvers<PingAnswer> {
  readonly sentAt: number;
}

/** Controls a spawner on another machine. */
export class RemoteSpawner {
  /** Resolves when the connection has ended, to its error if it broke. */
  readonly closed: Promise<unknown>;

  readonly #channel: Channel;
  readonly #relays: Relays;
  readonly #onConnection: ((connection: Connection) => void) | undefined;
  readonly #onOutput: OutputHandler;
  readonly #heartbeatTimeout: number;
  readonly #ready = Promise.withResolvers<MachineInfo>();
  readonly #workers = new Map<number, (end: WorkerEnd) => void>();
  readonly #pings = new Map<number, SentPing>();
  #nextPing = 0;
  /** Whether the spawner limits the memory of workers. */
  #limitsMemory = false;
  #silence: Error | undefined;
  readonly #ended = new AbortController();
  /** Whether any message has arrived since the last heartbeat. */
  #heard = false;

  /**
   * Constructs the pool's end of an authenticated connection.
   *
   * @param heartbeatTimeout How long the spawner may be silent, once the session
   * is open, before the connection is closed, in milliseconds.
   * @param check Checks each message that arrives.
   * @param onConnection Takes the connections of workers that it relays; by
   * default, it relays none.
   */
  constructor(
    channel: Channel,
    onOutput: OutputHandler,
    heartbeatTimeout: number = Infinity,
    check: (message: unknown[]) => AgentToPool = fromSpawner,
    onConnection?: (connection: Connection) => void,
  ) {
    this.#channel = channel;
    this.#relays = new Relays(channel);
    this.#onConnection = onConnection;
    this.#onOutput = onOutput;
    channel.unref();
    this.#heartbeatTimeout = heartbeatTimeout;
    this.closed = this.#receive(check);
  }

  /** Opens the session; returns the machine that the spawner runs on. */
  async open(request: SessionRequest): Promise<MachineInfo> {
    this.#limitsMemory = request.maxMemory !== undefined;
    this.send([SpawnerMessageType.OPEN, request]);
    const machine = await Promise.race([
      this.#ready.promise,
      this.closed.then((reason) => {
        throw reason ?? new Error(CLOSED);
      }),
    ]);
    // Not before: TCP may delay the second of two answers.
    if (this.#heartbeatTimeout !== Infinity) {
      this.#watch(this.#heartbeatTimeout).catch(() => {});
    }
    return machine;
  }

  /** Starts a worker; see {@linkcode Host.start}. */
  start(worker: number, name: string): WorkerProcess {
    const { promise, resolve } = Promise.withResolvers<WorkerEnd>();
    if (this.#channel.closed) resolve(LOST);
    else {
      this.#workers.set(worker, resolve);
      this.send([SpawnerMessageType.START, worker]);
    }
    const kill = () => this.send([SpawnerMessageType.KILL, worker]);
    const limitMemory = this.#limitsMemory
      ? () => this.send([SpawnerMessageType.CONNECTED, worker])
      : undefined;
    return new WorkerProcess(name, promise, kill, limitMemory);
  }

  /**
   * Pings the spawner.
   *
   * @throws {Error} If the connection ends before the answer arrives.
   */
  ping(): Promise<PingAnswer> {
    if (this.#channel.closed) return Promise.reject(new Error(CLOSED));
    const id = this.#nextPing++;
    const ping = Promise.withResolvers<PingAnswer>();
    this.#pings.set(id, { ...ping, sentAt: performance.now() });
    this.send([SpawnerMessageType.PING, id]);
    return ping.promise;
  }

  /** Closes the connection, which ends all workers that still run there. */
  close(): void {
    this.#channel.close();
  }

  /** Sends heartbeats, and closes the connection if too many are missed. */
  async #watch(heartbeatTimeout: number): Promise<void> {
    const interval = heartbeatTimeout / (MAX_MISSED + 1);
    let missed = 0;
    while (!this.#channel.closed) {
      this.#heard = false;
      this.ping().catch(() => {});
      await pause(interval, this.#ended.signal);
      // If this program was busy, it may not have read all messages yet.
      if (!this.#heard) await nextTurn();
      missed = this.#heard ? 0 : missed + 1;
      if (missed < MAX_MISSED) continue;
      this.#silence = new Error(
        `it sent nothing for ${heartbeatTimeout} ms`,
      );
      this.close();
    }
  }

  async #receive(
    check: (message: unknown[]) => AgentToPool,
  ): Promise<unknown> {
    let reason: unknown;
    try {
      await this.#channel.receive((message) => this.take(check(message)));
    } catch (error) {
      reason = error;
    }
    this.#ended.abort();
    reason ??= this.#silence;
    this.#relays.end();
    for (const resolve of this.#workers.values()) resolve(LOST);
    this.#workers.clear();
    for (const { reject } of this.#pings.values()) reject(new Error(CLOSED));
    this.#pings.clear();
    return reason;
  }

  /** Takes a message from the spawner. */
  protected take(message: AgentToPool): void {
    this.#heard = true;
    switch (message[0]) {
      case SpawnerMessageType.READY:
        return this.#ready.resolve(message[1]);
      case SpawnerMessageType.ENDED: {
        const [, worker, exitStatus, stderrTail, memory] = message;
        const end = { exitStatus, stderrTail };
        this.#workers.get(worker)?.(
          memory === undefined ? end : { ...end, memory },
        );
        this.#workers.delete(worker);
        return;
      }
      case SpawnerMessageType.OUTPUT: {
        const [, worker, stream, bytes] = message;
        if (this.#workers.has(worker)) this.#onOutput(worker, stream, bytes);
        return;
      }
      case SpawnerMessageType.PONG:
        return this.#pong(message);
      case SpawnerMessageType.RELAY_OPEN:
        if (this.#onConnection === undefined) {
          throw new RangeError("Malformed message: no connection is relayed");
        }
        return this.#onConnection(this.#relays.accept(message[1]));
      case SpawnerMessageType.RELAY:
      case SpawnerMessageType.RELAY_CREDIT:
      case SpawnerMessageType.RELAY_END:
        return this.#relays.take(message);
    }
  }

  #pong([, id, time]: Pong): void {
    const ping = this.#pings.get(id);
    if (ping === undefined) return;
    this.#pings.delete(id);
    const roundTrip = performance.now() - ping.sentAt;
    // The answer was sent about half a round trip ago.
    const clockOffset = time - (Date.now() - roundTrip / 2);
    ping.resolve({ roundTrip, clockOffset });
  }

  /** Sends a message to the spawner, unless the connection has ended. */
  protected send(message: PoolToAgent): void {
    if (this.#channel.closed) return;
    this.#channel.writer.message(message);
    this.#channel.flush();
  }
}

const CLOSED = "The spawner has closed the connection";

/** Reported for workers whose spawner is gone: how they ended is unknown. */
const LOST: WorkerEnd = {
  exitStatus: "the connection to its host was lost",
  stderrTail: "",
  hostLost: true,
};
