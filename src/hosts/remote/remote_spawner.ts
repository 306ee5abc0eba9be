import { nextTurn } from "../../util/next_turn.ts";
import { pause } from "../../util/pause.ts";
import type {
  OutputHandler,
  WorkerEnd,
  WorkerProcess,
} from "../../spawner/spawner.ts";
import type { Channel } from "../../transport/channel.ts";
import { fromSpawner } from "../../protocol/received.ts";
import {
  type MachineInfo,
  type Pong,
  type PoolToSpawner,
  type SessionRequest,
  SpawnerMessageType,
  type SpawnerToPool,
} from "../../protocol/spawner_messages.ts";

/** How many signs of life may be missed. */
const BEATS = 3;

/** What a ping tells. */
export interface PingAnswer {
  /** How long it took, in milliseconds. */
  readonly roundTrip: number;
  /** How far the clock there is ahead of this one's, in milliseconds. */
  readonly clockOffset: number;
}

interface SentPing extends PromiseWithResolvers<PingAnswer> {
  readonly sentAt: number;
}

/** A spawner on another machine, as the pool sees it. */
export class RemoteSpawner {
  /** Resolves, when the connection has ended, to why. */
  readonly closed: Promise<unknown>;

  readonly #channel: Channel;
  readonly #onOutput: OutputHandler;
  readonly #ready = Promise.withResolvers<MachineInfo>();
  readonly #workers = new Map<number, (end: WorkerEnd) => void>();
  readonly #pings = new Map<number, SentPing>();
  #nextPing = 0;
  #silence: Error | undefined;
  readonly #ended = new AbortController();
  /** Whether anything has come lately, be it the answer to an older ping. */
  #heard = false;

  /**
   * Constructs the pool's end of an authenticated connection.
   *
   * @param heartbeat After how long without a sign of life it is given up, in
   * milliseconds.
   */
  constructor(
    channel: Channel,
    onOutput: OutputHandler,
    heartbeatTimeout: number = Infinity,
  ) {
    this.#channel = channel;
    this.#onOutput = onOutput;
    channel.unref();
    this.closed = this.#receive();
    if (heartbeatTimeout !== Infinity) {
      this.#watch(heartbeatTimeout).catch(() => {});
    }
  }

  /** Says how workers are to be started, and learns about the machine. */
  async open(request: SessionRequest): Promise<MachineInfo> {
    this.#send([SpawnerMessageType.OPEN, request]);
    return await Promise.race([
      this.#ready.promise,
      this.closed.then((reason) => {
        throw reason ?? new Error(CLOSED);
      }),
    ]);
  }

  /** Starts a worker. */
  start(worker: number): WorkerProcess {
    const { promise, resolve } = Promise.withResolvers<WorkerEnd>();
    if (this.#channel.closed) resolve(LOST);
    else {
      this.#workers.set(worker, resolve);
      this.#send([SpawnerMessageType.START, worker]);
    }
    return {
      ended: promise,
      kill: () => this.#send([SpawnerMessageType.KILL, worker]),
    };
  }

  /**
   * Asks for a sign of life.
   *
   * @throws {Error} If the connection ends before it comes.
   */
  ping(): Promise<PingAnswer> {
    if (this.#channel.closed) return Promise.reject(new Error(CLOSED));
    const id = this.#nextPing++;
    const ping = Promise.withResolvers<PingAnswer>();
    this.#pings.set(id, { ...ping, sentAt: performance.now() });
    this.#send([SpawnerMessageType.PING, id]);
    return ping.promise;
  }

  /** Ends the connection, and with it all workers that are left there. */
  close(): void {
    this.#channel.close();
  }

  /** Asks for signs of life, and hangs up when there is none for too long. */
  async #watch(heartbeatTimeout: number): Promise<void> {
    const interval = heartbeatTimeout / (BEATS + 1);
    let missed = 0;
    while (!this.#channel.closed) {
      this.#heard = false;
      this.ping().catch(() => {});
      await pause(interval, this.#ended.signal);
      // A program that was busy itself has yet to read what came meanwhile.
      if (!this.#heard) await nextTurn();
      missed = this.#heard ? 0 : missed + 1;
      if (missed < BEATS) continue;
      this.#silence = new Error(
        `There was no sign of life for ${heartbeatTimeout} ms`,
      );
      this.close();
    }
  }

  async #receive(): Promise<unknown> {
    let reason: unknown;
    try {
      await this.#channel.receive((message) =>
        this.#take(fromSpawner(message))
      );
    } catch (error) {
      reason = error;
    }
    this.#ended.abort();
    reason ??= this.#silence;
    for (const resolve of this.#workers.values()) resolve(LOST);
    this.#workers.clear();
    for (const { reject } of this.#pings.values()) reject(new Error(CLOSED));
    this.#pings.clear();
    return reason;
  }

  #take(message: SpawnerToPool): void {
    this.#heard = true;
    switch (message[0]) {
      case SpawnerMessageType.READY:
        return this.#ready.resolve(message[1]);
      case SpawnerMessageType.ENDED: {
        const [, worker, exitStatus, stderrTail] = message;
        this.#workers.get(worker)?.({ exitStatus, stderrTail });
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
    }
  }

  #pong([, id, time]: Pong): void {
    const ping = this.#pings.get(id);
    if (ping === undefined) return;
    this.#pings.delete(id);
    const roundTrip = performance.now() - ping.sentAt;
    // The answer left about half a round trip ago.
    const clockOffset = time - (Date.now() - roundTrip / 2);
    ping.resolve({ roundTrip, clockOffset });
  }

  #send(message: PoolToSpawner): void {
    if (this.#channel.closed) return;
    this.#channel.writer.message(message);
    this.#channel.flush();
  }
}

const CLOSED = "The spawner has closed the connection";

/** The end of workers whose spawner is gone: what became of them isn't known. */
const LOST: WorkerEnd = {
  exitStatus: "the connection to its host was lost",
  stderrTail: "",
  hostLost: true,
};
