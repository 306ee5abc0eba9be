import type { Call } from "../calls/call.ts";
import {
  type FailedAttempt,
  judgeAttempt,
  lastAttempt,
} from "../calls/failed_attempt.ts";

/** Runs calls again whose tasks have thrown, and counts their attempts. */
export class ThrownCalls {
  readonly #attempts = new WeakMap<Call, number>();
  readonly #delay: (call: Call, pause: number) => void;

  /**
   * Constructs an object that hasn't handled an error yet.
   *
   * @param delay Queues a call again after a pause, in milliseconds.
   */
  constructor(delay: (call: Call, pause: number) => void) {
    this.#delay = delay;
  }

  /**
   * Decides what follows an error of a call that a worker has. This asks the
   * program, which may end the call meanwhile.
   *
   * @returns `undefined` if the call doesn't run again whatever it throws.
   */
  judge(call: Call, thrown: unknown): FailedAttempt | undefined {
    const { retry } = call;
    if (retry === undefined || call.state === "abandoned") return undefined;
    const attempts = this.attemptsOf(call) + 1;
    return call.isRepeatable
      ? judgeAttempt(retry, thrown, attempts)
      : lastAttempt(thrown, attempts);
  }

  /** Runs a call again that its worker has answered. */
  rerun(answered: Call, { reason, attempts, pause }: FailedAttempt): void {
    // The program has ended it.
    if (answered.state !== "sent") return answered.fail(reason);
    const call = answered.leaveToTwin();
    if (call === undefined) return;
    const made = call === answered ? attempts : this.attemptsOf(call) + 1;
    if (made >= call.retry!.attempts) {
      const last = lastAttempt(reason, made);
      return call.fail(last.reason, undefined, made);
    }
    this.delay(call, made, pause!);
  }

  /**
   * Queues a call after a pause.
   *
   * @param attempts How many times its task has run.
   * @param pause How long it waits, in milliseconds.
   */
  delay(call: Call, attempts: number, pause: number): void {
    this.#attempts.set(call, attempts);
    this.#delay(call, pause);
  }

  /** Returns how many times the task of a call has thrown and was retried. */
  attemptsOf(call: Call): number {
    return this.#attempts.get(call) ?? 0;
  }
}
