import type { Call } from "../calls/call.ts";
import { CallList } from "./call_list.ts";

/** The calls for one host; `undefined`: the calls without a host. */
export type AffinityList = [host: string | undefined, calls: CallList];

const NO_LISTS: readonly AffinityList[] = [];

/** Waiting calls, in one list per host and one for calls without a host. */
export class AffinityLists {
  readonly #anywhere = new CallList();
  /** Only that list. Most pools never have another. */
  readonly #onlyAnywhere: readonly AffinityList[] = [
    [undefined, this.#anywhere],
  ];
  readonly #byHost = new Map<string, CallList>();
  #turn = 0;

  /** How many calls wait. */
  get length(): number {
    let length = this.#anywhere.length;
    for (const calls of this.#byHost.values()) length += calls.length;
    return length;
  }

  /** Returns how many calls wait for a host; `undefined`: without a host. */
  waiting(host: string | undefined): number {
    if (host === undefined) return this.#anywhere.length;
    return this.#byHost.get(host)?.length ?? 0;
  }

  /** Appends a call. */
  push(call: Call): void {
    this.listFor(call.terms.host).push(call);
  }

  /** Puts calls before all others, and keeps their order. */
  unshift(calls: readonly Call[]): void {
    for (const call of calls.toReversed()) {
      this.listFor(call.terms.host).unshift(call);
    }
  }

  /** Returns the lists that aren't empty. */
  lists(): readonly AffinityList[] {
    if (this.#byHost.size === 0) {
      return this.#anywhere.length === 0 ? NO_LISTS : this.#onlyAnywhere;
    }
    const lists: AffinityList[] = [];
    for (const entry of this.#byHost) {
      if (entry[1].length > 0) lists.push(entry);
    }
    if (this.#anywhere.length > 0) lists.push(...this.#onlyAnywhere);
    return lists;
  }

  /** Returns the same lists, rotated by one each time, so none starves. */
  listsInTurn(): readonly AffinityList[] {
    const lists = this.lists();
    if (lists.length < 2) return lists;
    const first = this.#turn++ % lists.length;
    return [...lists.slice(first), ...lists.slice(0, first)];
  }

  /** Takes all calls; calls for the same host stay in order. */
  drain(): Call[] {
    return this.lists().flatMap(([, calls]) => calls.drain());
  }

  /** Returns the list of the calls for a host; `undefined`: without a host. */
  listFor(host: string | undefined): CallList {
    if (host === undefined) return this.#anywhere;
    let calls = this.#byHost.get(host);
    if (calls === undefined) {
      calls = new CallList();
      this.#byHost.set(host, calls);
    }
    return calls;
  }
}
