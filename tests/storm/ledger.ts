import { PoolClosedError, WorkerLostError } from "../../mod.ts";

/** How a call may end other than with its answer. */
export interface Allowed {
  /** How often it may be run again. */
  readonly retries: number;
  /** Whether it may take too long. */
  readonly timeout?: boolean;
  /** Whether it may have been cancelled. */
  readonly cancel?: boolean;
  /** What it may have been aborted with. */
  readonly reason?: unknown;
  /** What the task itself throws. */
  readonly own?: string;
}

/** How many of the last events are told when something is wrong. */
const LAST_EVENTS = 40;

/** Keeps account of what was called, what became of it, and what was wrong. */
export class Ledger {
  /** How many tasks have finished, in whatever way. */
  finished = 0;
  /** When the last one did. */
  finishedAt: number = performance.now();
  /** What was wrong. */
  readonly faults: string[] = [];
  /** How many tasks ended in which way. */
  readonly outcomes = new Map<string, number>();
  /** What became of the storm's events, as far as it is still of interest. */
  readonly events: string[] = [];

  readonly #start = performance.now();
  readonly #open = new Map<object, string>();
  readonly #onFinish: (finished: number) => void;

  /** Constructs it; it is told how many tasks have finished each time. */
  constructor(onFinish: (finished: number) => void) {
    this.#onFinish = onFinish;
  }

  /** What hasn't settled. */
  get unsettled(): string[] {
    return [...this.#open.values()];
  }

  /** Notes that something has happened. */
  event(text: string): void {
    const seconds = ((performance.now() - this.#start) / 1_000).toFixed(1);
    this.events.push(`${seconds} s, ${this.finished} tasks: ${text}`);
    if (this.events.length > LAST_EVENTS) this.events.shift();
  }

  /** Notes that something is wrong. */
  fault(text: string): void {
    this.faults.push(text);
    this.event(`FAULT ${text}`);
  }

  /** Notes that tasks have finished. */
  count(outcome: string, tasks: number): void {
    if (tasks === 0) return;
    this.outcomes.set(outcome, (this.outcomes.get(outcome) ?? 0) + tasks);
    this.finished += tasks;
    this.finishedAt = performance.now();
    this.#onFinish(this.finished);
  }

  /** Waits for a promise, and notes as long that it hasn't settled. */
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

  /** Says how a call has failed, and whether it may. */
  judge(what: string, error: unknown, allowed: Allowed): string {
    const outcome = outcomeOf(error, allowed);
    if (outcome !== undefined) return outcome;
    this.fault(`${what}: ${Deno.inspect(error)}`);
    return "wrongly rejected";
  }
}

function outcomeOf(error: unknown, allowed: Allowed): string | undefined {
  if ("reason" in allowed && error === allowed.reason) return "aborted";
  if (error instanceof WorkerLostError) {
    const { tries } = error;
    return tries === allowed.retries + 1 ? `lost ${tries} times` : undefined;
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
