import type { CallObserver } from "../calls/call.ts";
import type { CallKind } from "../calls/call_kind.ts";
import { type Resolve, UnobservedCall } from "../calls/unobserved_call.ts";

/** The most calls in a run. */
const MAX_CALLS = 1_024;

/**
 * Consecutive calls of one kind that wait, and are made when they are taken. A
 * program may queue calls by the hundred thousand. The garbage collector copies
 * whatever waits, so most of the time for a call would be spent on its fields.
 */
export class UnmadeCalls {
  readonly #kind: CallKind;
  readonly #observer: CallObserver;
  /** The payload of each call, and the function that resolves its promise. */
  readonly #payloads: unknown[] = [];
  readonly #resolves: (Resolve | undefined)[] = [];
  #taken = 0;

  /** Constructs an empty run of calls of a kind with an observer. */
  constructor(kind: CallKind, observer: CallObserver) {
    this.#kind = kind;
    this.#observer = observer;
  }

  /** How many calls weren't taken. */
  get length(): number {
    return this.#payloads.length - this.#taken;
  }

  /** Returns whether a call of a kind can be appended. */
  fits(kind: CallKind): boolean {
    return kind === this.#kind && this.#payloads.length < MAX_CALLS;
  }

  /** Appends a call that the observer has counted. */
  push(payload: unknown, resolve: Resolve): void {
    this.#payloads.push(payload);
    this.#resolves.push(resolve);
  }

  /** Makes and removes the first call. There must be one. */
  take(): UnobservedCall {
    const index = this.#taken++;
    const call = new UnobservedCall(
      this.#kind,
      this.#payloads[index],
      this.#resolves[index]!,
      this.#observer,
    );
    this.#payloads[index] = this.#resolves[index] = undefined;
    return call;
  }

  /** Makes and removes all calls, first to last. */
  takeAll(): UnobservedCall[] {
    return Array.from({ length: this.length }, () => this.take());
  }
}
