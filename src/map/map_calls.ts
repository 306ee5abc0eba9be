import { CallKind, type CallTerms } from "../calls/call_kind.ts";
import type { ItemFailure, ItemPiece } from "./item_pieces.ts";
import { MapCall, type MapCallOwner, NO_INDEX } from "./map_call.ts";
import type { MapPlan } from "./map_plan.ts";
import type { Speculation } from "./speculation.ts";
import { WatchedCall } from "./watched_call.ts";

/** A call that follows a chunk of which items run again. */
export interface Follower {
  /** The call. */
  readonly next: MapCall;
  /** Why its item runs again; `undefined` if it has arrived. */
  readonly failed?: ItemFailure;
}

/** Makes the calls of a map. */
export class MapCalls {
  readonly #plan: MapPlan;
  readonly #owner: MapCallOwner;
  readonly #speculation: Speculation | undefined;
  #kind: CallKind;
  /** The kinds of calls with keys of their own, by their terms. */
  readonly #keyedKinds = new Map<CallTerms, CallKind>();
  /** Whether the calls go on after items that fail. */
  #settles: boolean;
  /** The kind of calls for single items of chunks. */
  #itemKind: CallKind | undefined;

  /**
   * Constructs it without calls.
   *
   * @param owner Handles the outcomes of the calls.
   * @param speculation Runs calls a second time, if the map may do so.
   */
  constructor(
    plan: MapPlan,
    owner: MapCallOwner,
    speculation: Speculation | undefined,
  ) {
    this.#plan = plan;
    this.#owner = owner;
    this.#speculation = speculation;
    // In a chunk that ends with an item that throws, later ones would wait.
    this.#settles = plan.terms.retry !== undefined;
    this.#kind = kindOf(plan, this.#settles);
  }

  /** Lets the map go on after items that fail; comes before any call is made. */
  settle(): void {
    this.#settles = true;
    this.#kind = kindOf(this.#plan, true);
  }

  /** Makes a call without items, to fail after those of a part. */
  makeEmpty(part: number): MapCall {
    const kind = kindOf(this.#plan, false);
    return new MapCall(this.#owner, kind, [], 0, part, NO_INDEX);
  }

  /**
   * Makes a call for items.
   *
   * @param bytes The approximate bytes of the items and their results.
   * @param part The part of the map's items that they belong to.
   * @param index The index of the first item.
   * @throws {TypeError} If an item must be a list of arguments, and isn't.
   */
  make(
    items: unknown[],
    bytes: number,
    part: number,
    index: number,
  ): MapCall {
    const { spread, chunkSize, onMessage, keyed } = this.#plan;
    if (!chunkSize.single) {
      const payload = spread ? items.map(argumentList) : items;
      return this.#make(payload, bytes, part, index);
    }
    const [item] = items;
    const payload = spread ? argumentList(item) : item;
    const kind = keyed === undefined
      ? this.#kind
      : this.#kindWith(keyed.of(spread ? payload as unknown[] : items));
    const call = this.#make(payload, bytes, part, index, undefined, kind);
    if (onMessage !== undefined) call.openMessages().listen(onMessage);
    return call;
  }

  /**
   * Makes calls for the items of a chunk that run again, and calls that have
   * arrived for the results between them. They follow the chunk.
   */
  separate(chunk: MapCall): Follower[] {
    const after = chunk.next;
    const followers: Follower[] = [];
    let last = chunk;
    const add = (follower: Follower) => {
      followers.push(follower);
      last.follow(follower.next);
      last = follower.next;
    };
    for (const [at, piece] of chunk.pieces.entries()) {
      const { index, values, thrown, failed } = piece;
      const hasOutcome = values.length > 0 || thrown !== undefined;
      // The chunk itself has the first piece.
      if (at > 0 && hasOutcome) add({ next: this.#makeArrived(chunk, piece) });
      if (failed === undefined) continue;
      add({ next: this.#makeItem(chunk, index + values.length), failed });
    }
    last.follow(after);
    return followers;
  }

  /**
   * Makes calls for the last items of a call, which follow it.
   *
   * @param index The index of the first of these items.
   */
  divide(
    call: MapCall,
    rest: readonly unknown[],
    items: number,
    index: number,
  ): MapCall[] {
    const { itemBytes = 0 } = this.#plan.chunkSize;
    const after = call.next;
    const calls: MapCall[] = [];
    let last = call;
    for (let at = 0; at < rest.length; at += items) {
      const part = rest.slice(at, at + items);
      const bytes = part.length * itemBytes;
      const next = this.#make(
        part,
        bytes,
        call.part,
        index + at,
        call,
        call.kind,
      );
      last.follow(next);
      calls.push(next);
      last = next;
    }
    last.follow(after);
    return calls;
  }

  /** Returns the kind of calls with a key. */
  #kindWith(terms: CallTerms): CallKind {
    let kind = this.#keyedKinds.get(terms);
    if (kind === undefined) {
      kind = kindOf({ ...this.#plan, terms }, this.#settles);
      this.#keyedKinds.set(terms, kind);
    }
    return kind;
  }

  #makeItem(chunk: MapCall, index: number): MapCall {
    const { task, terms, spread, chunkSize: { itemBytes = 0 } } = this.#plan;
    const kind = this.#itemKind ??= new CallKind(
      task,
      terms,
      undefined,
      !spread,
      true,
    );
    const item = chunk.payload[index - chunk.index];
    return this.#make(item, itemBytes, chunk.part, index, chunk, kind);
  }

  #makeArrived({ kind, part }: MapCall, piece: ItemPiece): MapCall {
    const call = new MapCall(this.#owner, kind, [], 0, part, piece.index);
    call.arrive(piece);
    return call;
  }

  /** Creates a call; `before` had its items first, if they were given back. */
  #make(
    payload: unknown,
    bytes: number,
    part: number,
    index: number,
    before?: MapCall,
    kind = this.#kind,
  ): MapCall {
    if (this.#speculation === undefined) {
      return new MapCall(this.#owner, kind, payload, bytes, part, index);
    }
    const call = new WatchedCall(
      this.#owner,
      kind,
      payload,
      bytes,
      part,
      index,
    );
    this.#speculation.add(call, before);
    return call;
  }
}

function kindOf(
  { task, terms, chunkSize, spread }: MapPlan,
  settles: boolean,
): CallKind {
  return chunkSize.single
    ? new CallKind(task, terms, undefined, !spread, settles)
    : new CallKind(task, terms, spread ? "spread" : "single", false, settles);
}

/**
 * Returns an item as an array of arguments.
 *
 * @throws {TypeError} If the item isn't an array.
 */
function argumentList(item: unknown): unknown[] {
  if (Array.isArray(item)) return item;
  throw new TypeError(
    `With 'spread', each item must be an array of arguments, but one is ${
      Deno.inspect(item)
    }`,
  );
}
