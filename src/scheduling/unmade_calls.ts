import type { CallObserver } from "../calls/call_state.ts";
import type { CallKind } from "../calls/call_kind.ts";
import { type Resolve, UnobservedCall } from "../calls/unobserved_call.ts";

/** The most calls in the first run, and in any. */
const MIN_CALLS = 64;
const MAX_CALLS = 1_024;

/**
 * Consecutive calls of one kind that wait, and are made when they are taken. A
 * program may queue calls by the hundred thousand. The garbage collector copies
 * whatever waits, so most of the time for a call would be spent on its fields.
 */
export class UnmadeCalls {
  readonly #kind: CallKind;
  readonly #observer: CallObserver;
  /** The payload of each call, then the function that resolves its promise. */
  readonly #parts: unknown[];
  #pushed = 0;
  #taken = 0;

  /**
   * Constructs an empty run of calls.
   *
   * @param before The run before this one, if that has calls.
   */
  constructor(
    kind: CallKind,
    observer: CallObserver,
    before: UnmadeCalls | undefined,
  ) {
    this.#kind = kind;
    this.#observer = observer;
    // An array that grows is copied several times.
    const length = before === undefined
      ? MIN_CALLS * 2
      : Math.min(before.#parts.length * 2, MAX_CALLS * 2);
    this.#parts = new Array(length);
  }

  /** How many calls weren't taken. */
  get length(): number {
    return (this.#pushed - this.#taken) / 2;
  }

  /** Returns whether a call of a kind can be appended. */
  fits(kind: CallKind): boolean {
    return kind === this.#kind && this.#pushed < this.#parts.length;
  }

  /** Appends a call that the observer has counted. */
  push(payload: unknown, resolve: Resolve): void {
    this.#parts[this.#pushed++] = payload;
    this.#parts[this.#pushed++] = resolve;
  }

  /** Makes and removes the first call. There must be one. */
  take(): UnobservedCall {
    const parts = this.#parts;
    const at = this.#taken;
    const payload = parts[at];
    const resolve = parts[at + 1] as Resolve;
    parts[at] = parts[at + 1] = undefined;
    this.#taken = at + 2;
    return new UnobservedCall(this.#kind, payload, resolve, this.#observer);
  }

  /** Makes and removes all calls, first to last. */
  takeAll(): UnobservedCall[] {
    return Array.from({ length: this.length }, () => this.take());
  }
}
