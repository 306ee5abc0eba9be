import { Backlog } from "./backlog.ts";
import type { Call } from "../calls/call.ts";
import type { PromisedCall } from "../calls/promised_call.ts";

/** A call on every worker, once those submitted before it are done. */
export interface Round {
  /** The host of the workers; `undefined` for all. */
  readonly host: string | undefined;
  /** Makes the call for one of them. */
  readonly makeCall: () => PromisedCall<unknown>;
  /** Takes what the calls return. */
  readonly resolve: (results: Promise<unknown[]>) => void;
  /** Takes the reason why they can't be made. */
  readonly reject: (reason: unknown) => void;
  /** Calls that were submitted after it and wait for its end. */
  readonly after: Backlog;
}

/** Calls that wait in their order, with rounds between them. */
export class Rounds {
  /** The calls before the first round. */
  backlog: Backlog = new Backlog();
  readonly #rounds: Round[] = [];

  /** How many rounds wait. */
  get length(): number {
    return this.#rounds.length;
  }

  /** The round that is next. */
  get first(): Round | undefined {
    return this.#rounds[0];
  }

  /** How many calls wait, before and behind rounds. */
  get calls(): number {
    let calls = 0;
    for (const backlog of this.backlogs()) calls += backlog.length;
    return calls;
  }

  /** All calls that wait, before and behind rounds. */
  backlogs(): Backlog[] {
    return [this.backlog, ...this.#rounds.map(({ after }) => after)];
  }

  /** Appends a call. */
  push(call: Call): void {
    (this.#rounds.at(-1)?.after ?? this.backlog).push(call);
  }

  /** Appends a round, and returns what its calls return. */
  add(
    makeCall: () => PromisedCall<unknown>,
    host: string | undefined,
  ): Promise<unknown[]> {
    const { promise, resolve, reject } = Promise.withResolvers<unknown[]>();
    const after = new Backlog();
    this.#rounds.push({ host, makeCall, resolve, reject, after });
    return promise;
  }

  /** Takes the first round; the calls behind it are next. */
  shift(): Round | undefined {
    const round = this.#rounds.shift();
    if (round !== undefined) this.backlog = round.after;
    return round;
  }

  /** Takes a round out, and says whether it was there. */
  withdraw(makeCall: () => PromisedCall<unknown>): boolean {
    const index = this.#rounds
      .findIndex((round) => round.makeCall === makeCall);
    const round = this.#rounds[index];
    if (round === undefined) return false;
    this.#rounds.splice(index, 1);
    (this.#rounds[index - 1]?.after ?? this.backlog).append(round.after);
    return true;
  }

  /** Takes all rounds out. */
  drain(): Round[] {
    return this.#rounds.splice(0);
  }
}
