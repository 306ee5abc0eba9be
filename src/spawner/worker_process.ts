import type { MemoryUse } from "../errors/out_of_memory_error.ts";

/** How long a process may take to end by itself, in milliseconds. */
const END_TIMEOUT = 500;

/** How a worker's process ended. */
export interface WorkerEnd {
  /** Its exit code or signal, in words. */
  readonly exitStatus: string;
  /** The end of its stderr, if that was read. */
  readonly stderrTail: string;
  /** How much memory it used, if it was out of memory. */
  readonly memory?: MemoryUse | undefined;
  /** Whether its host was lost; then how it really ended is unknown. */
  readonly hostLost?: boolean;
}

/**
 * The process of a worker, on this or another machine. Everything that uses the
 * worker shares this object.
 */
export class WorkerProcess {
  /** Resolves when the process has ended. */
  readonly ended: Promise<WorkerEnd>;
  /** Whether it was killed through no fault of its own. */
  isBlameless = false;
  /** Whether its host was lost, and the process with it. */
  isHostLost = false;
  /** Why it was refused, if it was. */
  refusal: string | undefined;
  readonly #kill: () => void;
  readonly #limitMemory: (() => void) | undefined;

  /**
   * Constructs the handle of a process.
   *
   * @param name The name of the worker in messages.
   * @param kill Ends the process at once.
   * @param limitMemory Ends the process from now on if it uses more memory than
   * it may; by default, there is no limit.
   */
  constructor(
    readonly name: string,
    ended: Promise<WorkerEnd>,
    kill: () => void,
    limitMemory?: () => void,
  ) {
    this.ended = ended;
    this.#kill = kill;
    this.#limitMemory = limitMemory;
    ended.then(({ hostLost = false }) => this.isHostLost = hostLost);
  }

  /** Returns the handle of a process that couldn't be started. */
  static failed(name: string, error: unknown): WorkerProcess {
    const exitStatus = `could not be started: ${error}`;
    const ended = Promise.resolve({ exitStatus, stderrTail: "" });
    return new WorkerProcess(name, ended, () => {});
  }

  /**
   * Ends the process at once.
   *
   * @param blameless Whether this isn't the worker's fault. Then it doesn't
   * count towards the limit of restarts. A later kill doesn't change this.
   */
  kill(blameless = false): void {
    this.isBlameless ||= blameless;
    this.#kill();
  }

  /** Limits its memory, once it has connected: see `maxMemory`. */
  limitMemory(): void {
    this.#limitMemory?.();
  }

  /**
   * Waits for the process to end by itself, and kills it after a timeout.
   *
   * @param timeout The timeout, in milliseconds.
   */
  async end(timeout: number = END_TIMEOUT): Promise<WorkerEnd> {
    const timer = setTimeout(() => this.kill(), timeout);
    const end = await this.ended;
    clearTimeout(timer);
    return end;
  }

  /** Records why the worker can't be used; reports of its end show the reason. */
  refuse(reason: string): void {
    this.refusal = reason;
  }
}
