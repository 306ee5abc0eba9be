import { PoolClosedError, WorkerLostError } from "../../mod.ts";

/** The ways in which a call may fail. */
export interface Allowed {
  /** How often it may be retried. */
  readonly retries: number;
  /**
   * Whether values of its streams may have arrived, or been sent, so that it
   * isn't retried.
   */
  readonly used?: boolean;
  /**
   * Whether it may throw the error of a stream that it reads, which has lost its
   * class on the way.
   */
  readonly passesErrors?: boolean;
  /** Whether it may time out. */
  readonly timeout?: boolean;
  /** Whether it may be cancelled. */
  readonly cancel?: boolean;
  /** The reason with which it may be aborted. */
  readonly reason?: unknown;
  /** The message of the error that the task itself throws. */
  readonly own?: string;
}

/** How many of the last events the report of a fault has. */
const LAST_EVENTS = 40;

/** Records calls, their outcomes, and faults. */
export class Ledger {
  /** The number of tasks that have finished in any way. */
  finished = 0;
  /** The time when the last task finished. */
  finishedAt: number = performance.now();
  /** Descriptions of everything that was wrong. */
  readonly faults: string[] = [];
  /** The number of tasks by outcome. */
  readonly outcomes = new Map<string, number>();
  /** The last events. */
  readonly events: string[] = [];

  readonly #start = performance.now();
  readonly #open = new Map<object, string>();
  readonly #onFinish: (finished: number) => void;

  /** Constructs a ledger; `onFinish` gets the number of finished tasks. */
  constructor(onFinish: (finished: number) => void) {
    this.#onFinish = onFinish;
  }

  /** The promises that haven't settled. */
  get unsettled(): string[] {
    return [...this.#open.values()];
  }

  /** Records an event. */
  event(text: string): void {
    const seconds = ((performance.now() - this.#start) / 1_000).toFixed(1);
    this.events.push(`${seconds} s, ${this.finished} tasks: ${text}`);
    if (this.events.length > LAST_EVENTS) this.events.shift();
  }

  /** Records a fault. */
  fault(text: string): void {
    this.faults.push(text);
    this.event(`FAULT ${text}`);
  }

  /** Records the outcome of finished tasks. */
  count(outcome: string, tasks: number): void {
    if (tasks === 0) return;
    this.outcomes.set(outcome, (this.outcomes.get(outcome) ?? 0) + tasks);
    this.finished += tasks;
    this.finishedAt = performance.now();
    this.#onFinish(this.finished);
  }

  /** Waits for a promise, and records it until it settles. */
  async settled<T>(
    what: string,
    promise: Promise<T>,
  ): Promise<PromiseSettledResult<T>> {
    const key = {};
    this.#open.set(key, what);
    const [outcome] = await Promise.allSettled([promise]);
    this.#open.delete(key);
    return outcome;
  }

  /** Waits for a call, and checks its outcome. */
  async call<T>(
    what: string,
    promise: Promise<T>,
    isRight: (value: T) => boolean,
    allowed: Allowed,
  ): Promise<T | undefined> {
    const outcome = await this.settled(what, promise);
    if (outcome.status === "rejected") {
      this.count(this.judge(what, outcome.reason, allowed), 1);
      return undefined;
    }
    if (!isRight(outcome.value)) {
      this.fault(`${what}: wrong answer ${Deno.inspect(outcome.value)}`);
    }
    this.count("answered", 1);
    return outcome.value;
  }

  /** Returns how a call failed, and records a fault if it must not fail so. */
  judge(what: string, error: unknown, allowed: Allowed): string {
    const outcome = outcomeOf(error, allowed);
    if (outcome !== undefined) return outcome;
    this.fault(`${what}: ${Deno.inspect(error)}`);
    return "wrongly rejected";
  }
}

function outcomeOf(error: unknown, allowed: Allowed): string | undefined {
  if ("reason" in allowed && error === allowed.reason) return "aborted";
  if (isLoss(error, allowed.passesErrors)) {
    const { tries } = error;
    const most = allowed.retries + 1;
    const isRight = tries === most || allowed.used && tries < most;
    return isRight ? `lost ${tries} times` : undefined;
  }
  if (error instanceof PoolClosedError) return undefined;
  if (error instanceof DOMException) {
    const { name } = error;
    if (name === "TimeoutError" && allowed.timeout) return "timed out";
    if (name === "AbortError" && allowed.cancel) return "cancelled";
  }
  if (error instanceof RangeError && error.message === allowed.own) {
    return "threw";
  }
  return undefined;
}

function isLoss(error: unknown, passes = false): error is WorkerLostError {
  if (error instanceof WorkerLostError) return true;
  return passes && error instanceof Error && error.name === "WorkerLostError";
}
