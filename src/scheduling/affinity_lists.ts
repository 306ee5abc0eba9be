import type { Call } from "../calls/call.ts";
import { CallList } from "./call_list.ts";

/** The calls for one host; `undefined` is any host. */
export type AffinityList = [host: string | undefined, calls: CallList];

/** Waiting calls by affinity: a list for each host and one for any host. */
export class AffinityLists {
  readonly #anywhere = new CallList();
  readonly #byHost = new Map<string, CallList>();
  #turn = 0;

  /** How many calls wait. */
  get length(): number {
    let length = this.#anywhere.length;
    for (const calls of this.#byHost.values()) length += calls.length;
    return length;
  }

  /** How many calls wait for a host; `undefined`: for any. */
  waiting(host: string | undefined): number {
    if (host === undefined) return this.#anywhere.length;
    return this.#byHost.get(host)?.length ?? 0;
  }

  /** Appends a call. */
  push(call: Call): void {
    this.#listOf(call).push(call);
  }

  /** Puts calls before all others, in their order. */
  unshift(calls: readonly Call[]): void {
    for (const call of calls.toReversed()) this.#listOf(call).unshift(call);
  }

  /** The lists in which calls wait. */
  lists(): AffinityList[] {
    const lists: AffinityList[] = [];
    for (const entry of this.#byHost) {
      if (entry[1].length > 0) lists.push(entry);
    }
    if (this.#anywhere.length > 0) lists.push([undefined, this.#anywhere]);
    return lists;
  }

  /** The same; each list comes first in turn, so none starves. */
  listsInTurn(): AffinityList[] {
    const lists = this.lists();
    if (lists.length < 2) return lists;
    const first = this.#turn++ % lists.length;
    return [...lists.slice(first), ...lists.slice(0, first)];
  }

  /** Takes all calls; those for one host stay in their order. */
  drain(): Call[] {
    return this.lists().flatMap(([, calls]) => calls.drain());
  }

  #listOf(call: Call): CallList {
    const { host } = call.terms;
    if (host === undefined) return this.#anywhere;
    let calls = this.#byHost.get(host);
    if (calls === undefined) {
      calls = new CallList();
      this.#byHost.set(host, calls);
    }
    return calls;
  }
}
