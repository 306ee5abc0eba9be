import type { Call } from "../calls/call.ts";
import type { CallObserver } from "../calls/call_state.ts";
import type { CallOwner } from "../calls/call_owner.ts";
import type { CallKind } from "../calls/call_kind.ts";
import type { Resolve } from "../calls/unobserved_call.ts";
import { Queue } from "../util/queue.ts";
import { UnmadeCalls } from "./unmade_calls.ts";

/** How many released calls may stay in the list before they are removed. */
const MIN_RELEASED = 32;

/**
 * A FIFO queue of calls that wait for a worker. Releasing a call from anywhere
 * in the list takes amortized constant time.
 */
export class CallList implements CallOwner<Call> {
  readonly #calls = new Queue<Call | UnmadeCalls>();
  #length = 0;
  /** How many released calls are still in the list. */
  #released = 0;

  /** How many calls wait. */
  get length(): number {
    return this.#length;
  }

  /** Appends a call. */
  push(call: Call): void {
    call.pass(this);
    this.#calls.push(call);
    this.#length++;
  }

  /** Appends a call that is made when it is taken. */
  pushUnmade(
    kind: CallKind,
    payload: unknown,
    resolve: Resolve,
    observer: CallObserver,
  ): void {
    const last = this.#calls.peekLast();
    const before = last instanceof UnmadeCalls ? last : undefined;
    let calls = before;
    if (calls?.fits(kind) !== true) {
      calls = new UnmadeCalls(kind, observer, before);
      this.#calls.push(calls);
    }
    calls.push(payload, resolve);
    this.#length++;
  }

  /** Puts a call before all others. */
  unshift(call: Call): void {
    call.pass(this);
    this.#calls.unshift(call);
    this.#length++;
  }

  /** Yields the calls, first to last. */
  *[Symbol.iterator](): Generator<Call> {
    const calls = this.drain();
    for (const call of calls) this.push(call);
    for (const call of calls) {
      if (call.isWith(this)) yield call;
    }
  }

  /** Returns how many calls wait before a call of the list. */
  before(call: Call): number {
    let before = 0;
    for (const entry of this.#calls.toArray()) {
      if (entry === call) break;
      if (entry instanceof UnmadeCalls) before += entry.length;
      else if (entry.isWith(this)) before++;
    }
    return before;
  }

  /** The kind of the first call; `undefined` if there is none. */
  get nextKind(): CallKind | undefined {
    for (;;) {
      const first = this.#calls.peek();
      if (first === undefined) return undefined;
      if (first instanceof UnmadeCalls || first.isWith(this)) return first.kind;
      this.#calls.shift();
      this.#released--;
    }
  }

  /** Takes the first call. */
  shift(): Call | undefined {
    for (;;) {
      const first = this.#calls.peek();
      if (first === undefined) return undefined;
      if (first instanceof UnmadeCalls) {
        const call = first.take();
        if (first.length === 0) this.#calls.shift();
        this.#length--;
        return call;
      }
      this.#calls.shift();
      if (first.isWith(this)) {
        first.pass(undefined);
        this.#length--;
        return first;
      }
      this.#released--;
    }
  }

  /** Takes all calls, first to last. */
  drain(): Call[] {
    const calls: Call[] = [];
    for (const entry of this.#calls.drain()) {
      if (entry instanceof UnmadeCalls) calls.push(...entry.takeAll());
      else if (entry.isWith(this)) calls.push(entry);
    }
    for (const call of calls) call.pass(undefined);
    this.#length = this.#released = 0;
    return calls;
  }

  /** Removes a call from anywhere in the list. */
  release(call: Call): void {
    call.pass(undefined);
    this.#length--;
    this.#released++;
    // Released calls may hold large arguments. Removing them only when they are
    // the majority keeps the amortized cost constant.
    if (
      this.#length > 0 &&
      this.#released <= Math.max(this.#length, MIN_RELEASED)
    ) return;
    this.#released = 0;
    this.#calls.retain((entry) =>
      entry instanceof UnmadeCalls || entry.isWith(this)
    );
  }
}
