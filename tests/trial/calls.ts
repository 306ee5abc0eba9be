import { assertEquals, assertInstanceOf } from "@std/assert";
import { CallKind } from "../../src/calls/call_kind.ts";
import type { CallSituation } from "../../src/scheduling/call_situation.ts";
import { PromisedCall } from "../../src/calls/promised_call.ts";
import { QueueFullError } from "../../src/errors/queue_full_error.ts";
import { WorkerLostError } from "../../src/errors/worker_lost_error.ts";
import type { Scheduler } from "../../src/scheduling/scheduler.ts";
import { TASK } from "../helpers/fake_worker.ts";
import type { Random } from "../helpers/random.ts";
import type { Ledger } from "./ledger.ts";
import { randomTerms } from "./terms.ts";
import type { Work } from "./work.ts";

/** A call that was submitted. */
interface Submitted {
  readonly work: Work;
  readonly call: PromisedCall<unknown>;
  /** Whether it fails if too many calls wait. */
  readonly isAdmitted: boolean;
  isCancelled: boolean;
}

/** The single calls of a trial. */
export class TrialCalls {
  readonly #random: Random;
  readonly #scheduler: Scheduler;
  readonly #ledger: Ledger;
  /** Those that haven't ended. */
  readonly #pending = new Set<Submitted>();
  /** Those that waited for any worker, and how often each had arrived. */
  #waited = new Map<Submitted, number>();
  #roomWaiters = 0;

  constructor(random: Random, scheduler: Scheduler, ledger: Ledger) {
    this.#random = random;
    this.#scheduler = scheduler;
    this.#ledger = ledger;
  }

  /** Whether all of them have ended, and nobody waits for room. */
  get areDone(): boolean {
    return this.#pending.size + this.#roomWaiters === 0;
  }

  /** Submits a call, perhaps only if there is room for it. */
  submit(): void {
    const random = this.#random;
    const terms = randomTerms(random, { retries: random.below(2) });
    const work = this.#ledger.add("call", terms);
    const kind = new CallKind(TASK, terms, undefined, true);
    const call = new PromisedCall<unknown>(kind, work.label, undefined);
    const isAdmitted = random.below(2) === 0;
    const submitted = { work, call, isAdmitted, isCancelled: false };
    this.#ledger.link(call, work);
    this.#pending.add(submitted);
    call.promise
      .then(
        (value) => assertEquals(value, work.label),
        (error) => this.#checkError(submitted, error),
      )
      .catch((fault) => this.#ledger.faults.push(String(fault)))
      .finally(() => this.#pending.delete(submitted));
    if (isAdmitted) this.#scheduler.admit(call);
    else this.#scheduler.submit(call);
  }

  /** Waits until there is room for a call. */
  awaitRoom(): void {
    this.#roomWaiters++;
    this.#scheduler.hasRoom().then(() => this.#roomWaiters--);
  }

  /** Cancels a call, if there is one. */
  cancel(): void {
    const calls = [...this.#pending];
    const submitted = calls[this.#random.below(calls.length)];
    if (submitted === undefined) return;
    submitted.isCancelled = true;
    submitted.call.cancel(new DOMException("cancelled", "AbortError"));
  }

  /** Returns the calls that were made before others and must end first. */
  before(number: number): string[] {
    return [...this.#pending].filter(({ work, call }) =>
      work.number < number && call.state !== "delayed" && !this.#isOver(call)
    ).map(({ work }) => work.label);
  }

  /** The calls that should be sent in a moment. */
  get due(): Work[] {
    return [...this.#pending].filter(({ call }) => {
      const situation = this.#scheduler.situations.of(call);
      return situation.code === "waiting" && situation.reason.code === "next";
    }).map(({ work }) => work);
  }

  /**
   * Checks that the scheduler knows all calls, and that none was overtaken by
   * one of a lower priority. Nothing must be due.
   */
  check(): void {
    const arrived = this.#ledger.arrivals
      .filter(({ terms }) => !terms.isBarrier);
    const waited = this.#waited;
    this.#waited = new Map();
    for (const submitted of this.#pending) {
      const { work, call } = submitted;
      const situation = this.#scheduler.situations.of(call);
      this.#checkSituation(work, situation);
      if (!waitsForAny(work, situation)) continue;
      this.#waited.set(submitted, work.arrived);
      if (waited.get(submitted) !== work.arrived) continue;
      for (const { label, priority } of arrived) {
        this.#ledger.check(
          priority >= work.priority,
          () => `${label} was sent before ${work.label}`,
        );
      }
    }
  }

  /** Describes the calls that haven't ended. */
  describe(): string[] {
    return [...this.#pending].map(({ work, call }) => {
      const situation = this.#scheduler.situations.of(call);
      return `${work.description}: ${inspect(situation)}`;
    });
  }

  /** Whether a call has an outcome, though nobody may know it yet. */
  #isOver({ state }: PromisedCall<unknown>): boolean {
    return state === "settled" || state === "abandoned";
  }

  #checkSituation({ label }: Work, { code }: CallSituation): void {
    this.#ledger.check(
      code !== "lost" && code !== "unknown",
      () => `${label} is ${code}`,
    );
  }

  #checkError(submitted: Submitted, error: unknown): void {
    const { work, isAdmitted, isCancelled } = submitted;
    if (error instanceof DOMException) return assertEquals(isCancelled, true);
    if (error instanceof QueueFullError) {
      return assertEquals([isAdmitted, work.arrived], [true, 0]);
    }
    if (error instanceof WorkerLostError) {
      return assertEquals(work.lost, work.terms.retries + 1, work.label);
    }
    assertInstanceOf(error, TypeError);
    assertEquals(work.thrown, work.attempts, work.label);
  }
}

/** Returns whether a call waits until any worker has room. */
function waitsForAny({ terms }: Work, situation: CallSituation): boolean {
  return terms.placement === undefined && situation.code === "waiting" &&
    situation.reason.code === "busy" && !situation.isIsolated;
}

function inspect(situation: CallSituation): string {
  const reason = situation.code === "waiting" ? situation.reason.code : "";
  return `${situation.code} ${reason}`.trimEnd();
}
