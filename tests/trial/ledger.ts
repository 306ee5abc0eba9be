import type { Call } from "../../src/calls/call.ts";
import { Work, type WorkTerms } from "./work.ts";

/** All the work of a trial, and what went wrong with it. */
export class Ledger {
  /** What went wrong. */
  readonly faults: string[] = [];
  /**
   * What workers have got since it was last emptied, but for what runs again
   * because a worker was lost.
   */
  arrivals: Work[] = [];
  /** How many messages workers have got since it was last set. */
  messages = 0;
  /** The labels of all that workers have got, in this order. */
  readonly history: string[] = [];
  readonly #work = new Map<string, Work>();
  /** The work of single calls, which forget it when they end. */
  readonly #ofCalls = new WeakMap<Call, Work>();

  /** Adds work, whose label begins with a letter for its kind. */
  add(kind: string, terms: WorkTerms): Work {
    const number = this.#work.size;
    const label = `${kind}${number}`;
    const work = new Work(label, number, terms);
    this.#work.set(label, work);
    return work;
  }

  /** Takes note that a call is for this work only. */
  link(call: Call, work: Work): void {
    this.#ofCalls.set(call, work);
  }

  /** Returns the work of a call; nothing if it was for a map and has ended. */
  workOf(call: Call): Work[] {
    const work = this.#ofCalls.get(call);
    if (work !== undefined) return [work];
    return call.payload.map((label) => this.of(label as string));
  }

  /** Takes note that a worker has got work. */
  arrived(work: Work): void {
    work.arrived++;
    this.history.push(work.label);
    if (!work.isRerun) this.arrivals.push(work);
  }

  /** Returns the work that a worker got. */
  of(label: string): Work {
    return this.#work.get(label)!;
  }

  /** Records a fault if something isn't as it must be. */
  check(isTrue: boolean, fault: () => string): void {
    if (!isTrue) this.faults.push(fault());
  }
}
