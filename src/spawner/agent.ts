import { LONGEST_DELAY } from "../util/keep_alive.ts";
import { pause } from "../util/pause.ts";
import { formatPlace } from "../transport/address.ts";
import type { AgentSettings } from "./agent_settings.ts";
import { dialPool } from "./dial_pool.ts";
import { PoolSession } from "./pool_session.ts";
import type { ProgramBundle } from "./program_bundle.ts";
import type { Reaper } from "./reaper.ts";

/**
 * How long the pool may be silent before the agent checks that it can still be
 * reached, in milliseconds. A pool may have many agents, which shouldn't all
 * probe it.
 */
const SILENCE = 5_000;

/** What an agent needs from the program that runs it. */
export interface AgentProgram {
  /** The program of a worker: a URL or a path. */
  readonly program: string;
  /** The same program in one file, which may not exist. */
  readonly bundle: Pick<ProgramBundle, "find"> | undefined;
  /** The configuration file for imports of workers, if any. */
  readonly config: string | undefined;
  /** Kills the workers if the agent can't. */
  readonly reaper: Reaper | undefined;
  /** Takes a line for the log. */
  readonly log: (line: string) => void;
  /**
   * Returns for how many milliseconds the process has run.
   *
   * @default {() => performance.now()}
   */
  readonly uptime?: () => number;
}

/** A spawner that connects to a pool by itself. */
export class Agent {
  readonly #settings: AgentSettings;
  readonly #program: AgentProgram;
  /** Aborted when the agent ends, before the pool or after it. */
  readonly #over = new AbortController();
  readonly #uptime: () => number;
  #session: PoolSession | undefined;
  /** Why it leaves the pool, if it does. */
  #leaving: string | undefined;
  /** Why it has ended without the pool, if it has. */
  #ended: string | undefined;

  /** Constructs an agent that isn't connected yet. */
  constructor(settings: AgentSettings, program: AgentProgram) {
    this.#settings = settings;
    this.#program = program;
    this.#uptime = program.uptime ?? (() => performance.now());
  }

  /**
   * Joins the pool, and serves it until the connection ends.
   *
   * @returns The reason for the end, once all workers have ended.
   * @throws {Error} If the pool can't be reached in time, if one end refuses the
   * other, or if {@linkcode Agent.end} was called.
   */
  async run(): Promise<string> {
    this.#watchWallTime().catch(() => {});
    const { signal } = this.#over;
    try {
      return await this.#serve(signal);
    } catch (error) {
      if (!signal.aborted) throw error;
      if (this.#ended !== undefined) throw new Error(this.#ended);
      return `Left before it had reached the pool: ${this.#leaving}`;
    } finally {
      this.#over.abort();
    }
  }

  /** Asks the pool to take back its calls, and to close the connection. */
  leave(reason: string): void {
    if (this.#leaving !== undefined) return;
    this.#leaving = reason;
    if (this.#session === undefined) return this.#over.abort();
    this.#program.log(`leaving the pool: ${reason}`);
    this.#session.leave(reason, this.#timeLeft());
  }

  /** Ends at once, with all workers. */
  end(reason: string): void {
    if (this.#over.signal.aborted) return;
    this.#ended = `Ended before the pool had let it go: ${reason}`;
    this.#over.abort();
    this.#session?.close();
  }

  async #serve(signal: AbortSignal): Promise<string> {
    const { address, offer, wallTime } = this.#settings;
    const { program, bundle, config, reaper, log } = this.#program;
    // Many agents may start at the same time, so none of them makes a bundle.
    const stored = await bundle?.find();
    const { channel, secret } = await dialPool(this.#settings, signal, log);
    const place = formatPlace(address.hostname, address.port);
    log(`connected to the pool at ${place} with ${describe(offer.workers)}`);
    const session = this.#session = new PoolSession(channel, {
      program,
      bundle: stored,
      config,
      secret,
      reaper,
      peer: address.hostname,
      probed: address,
      silence: SILENCE,
      offer: wallTime === Infinity
        ? offer
        : { ...offer, wallTime: this.#timeLeft() },
    });
    const reason = await session.serve();
    if (session.refusal !== undefined) {
      throw new Error(
        `The pool at ${place} refused this agent: ${session.refusal}`,
      );
    }
    signal.throwIfAborted();
    return reason;
  }

  /** How long it may still run, in milliseconds. */
  #timeLeft(): number {
    return Math.max(0, this.#settings.wallTime - this.#uptime());
  }

  async #watchWallTime(): Promise<void> {
    const { wallTime, leaveBefore } = this.#settings;
    if (wallTime === Infinity) return;
    const { signal } = this.#over;
    await this.#hasRunFor(wallTime - leaveBefore, signal);
    this.leave(`its wall time is over in ${Math.ceil(leaveBefore / 1_000)} s`);
    await this.#hasRunFor(wallTime, signal);
    this.end("its wall time is over");
  }

  async #hasRunFor(time: number, signal: AbortSignal): Promise<void> {
    for (let left: number; (left = time - this.#uptime()) > 0;) {
      await pause(Math.min(left, LONGEST_DELAY), signal);
    }
  }
}

function describe(workers: number): string {
  return workers === 1 ? "1 worker" : `${workers} workers`;
}
