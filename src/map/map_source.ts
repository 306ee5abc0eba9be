import type { Placement } from "../calls/placement.ts";
import type { MapPhase } from "../options/map_progress.ts";
import type { CallSource, Offer } from "../scheduling/call_sources.ts";
import type { CallSink } from "./call_sink.ts";
import type { FlowControl } from "./flow_control.ts";
import type { MapCall } from "./map_call.ts";
import type { MapCalls } from "./map_calls.ts";
import { type FeedTarget, MapFeed } from "./map_feed.ts";
import type { MapJournal, Piece } from "./map_journal.ts";
import type { MapPlan } from "./map_plan.ts";
import type { ResultBuffer } from "./result_buffer.ts";
import type { Thrown } from "./thrown.ts";

/**
 * How many chunks per worker must be left if a map takes them from several
 * places: with fewer, their order matters little.
 */
const MIN_CHUNKS = 16;

/** How long a chunk must take at least: with shorter ones, too, it matters little. */
const MIN_MICROSECONDS = 250;

/** Handles what happens to the items of a map; the map implements it. */
export interface MapSourceOwner {
  /** What the map is doing. */
  readonly phase: MapPhase;
  /** Whether somebody waits for the next result. */
  readonly isAwaited: boolean;
  /** Whether the map goes on after items that fail. */
  readonly isSettled: boolean;
  /** Handles the end or an error of the inputs, or an unusable item. */
  exhausted(error?: Thrown): void;
  /** Handles that the pool was shut down or is broken. */
  stopped(reason: Error): void;
  /** Handles a call that has got results of an earlier run. */
  recalled(call: MapCall): void;
  /** Handles a call for items of a chunk that have ended, while others run again. */
  separated(call: MapCall): void;
}

/** The parts of a map that its source works with. */
export interface MapSourceParts {
  /** Accepts the calls. */
  readonly sink: CallSink;
  /** Makes the calls. */
  readonly calls: MapCalls;
  /** Decides when another call may be submitted. */
  readonly flow: FlowControl;
  /** Has the calls until their results are read. */
  readonly buffer: ResultBuffer;
  /** Has the items that have ended in an earlier run, if any are recorded. */
  readonly journal: MapJournal | undefined;
}

/**
 * Submits the calls of a map: for items from its inputs, and for those that
 * workers have given back or that run again.
 */
export class MapSource implements CallSource, FeedTarget {
  readonly #plan: MapPlan;
  readonly #map: MapSourceOwner;
  readonly #sink: CallSink;
  readonly #calls: MapCalls;
  readonly #flow: FlowControl;
  readonly #buffer: ResultBuffer;
  readonly #journal: MapJournal | undefined;
  readonly #feed: MapFeed;
  /** Unsubmitted calls for items that workers left unprocessed. */
  readonly #rest = new Set<MapCall>();
  /** How many items were submitted. */
  #taken = 0;
  /** Whether the inputs have ended, so all items were submitted. */
  #isExhausted = false;
  /** How many items there are, if some were dropped, as one before has failed. */
  #totalWithDropped: number | undefined;
  /** Whether all results are read together. */
  #isCollected = false;
  /** Whether the items may still be divided into parts. */
  #mayDivide = true;
  /** Whether the results of the parts must be put in order. */
  #isDivided = false;

  /** Constructs the source of a map that hasn't submitted any call. */
  constructor(plan: MapPlan, map: MapSourceOwner, parts: MapSourceParts) {
    this.#plan = plan;
    this.#map = map;
    this.#sink = parts.sink;
    this.#calls = parts.calls;
    this.#flow = parts.flow;
    this.#buffer = parts.buffer;
    this.#journal = parts.journal;
    this.#feed = new MapFeed(plan.items, plan.chunkSize, this);
  }

  /** The name of its task. */
  get task(): string {
    return this.#plan.task.name;
  }

  /** Where the map's calls may run; `undefined` for anywhere. */
  get placement(): Placement | undefined {
    return this.#plan.terms.placement;
  }

  /** The priority of the map's calls. */
  get priority(): number | undefined {
    return this.#plan.terms.priority;
  }

  /** How many items were submitted. */
  get taken(): number {
    return this.#taken;
  }

  /** How many items there are; `undefined` if that is unknown. */
  get total(): number | undefined {
    if (this.#isExhausted) return this.#totalWithDropped ?? this.#taken;
    const { size } = this.#plan.items;
    return size === undefined ? undefined : Math.max(size, this.#taken);
  }

  /** How many items the map will have submitted; `Infinity` if that is unknown. */
  get expected(): number {
    return this.#taken + this.#feed.left;
  }

  /** How many items weren't submitted; `Infinity` if that is unknown. */
  get left(): number {
    let { left } = this.#feed;
    for (const { items } of this.#rest) left += items;
    return left;
  }

  /** What keeps it from submitting calls, even if workers have room. */
  get waitsFor(): "reader" | "input" | undefined {
    if (!this.#map.isAwaited && this.#flow.waitsForReader) return "reader";
    return this.#feed.waitsForInput ? "input" : undefined;
  }

  /** Whether it submits no more calls. */
  get ended(): boolean {
    return this.#map.phase !== "running" && this.#rest.size === 0;
  }

  /** Submits calls, now or when the inputs provide items. */
  pull(offer: Offer): void {
    this.#flow.offer(offer);
    for (const call of this.#rest) {
      if (!this.wants()) return;
      this.submitRest(call);
    }
    if (this.#map.phase === "running") this.#feed.fill();
  }

  /** Stops taking items, because the pool was shut down or is broken. */
  stop(reason: Error): void {
    if (this.ended) return;
    for (const call of this.#rest) this.submitRest(call);
    this.#map.stopped(reason);
  }

  /** Drops the calls for unprocessed items. */
  dropRest(): void {
    this.#rest.clear();
  }

  /**
   * Takes no more items, and closes the inputs.
   *
   * @throws Any error of an input.
   */
  close(): Promise<void> {
    return this.#feed.close();
  }

  /** Returns whether another call may be submitted now. */
  wants(): boolean {
    return this.#flow.isOpen(this.#map.isAwaited);
  }

  /** Returns whether the first items are needed before others. */
  needsFirst(): boolean {
    return this.#flow.isFull ||
      this.#plan.chunkSize.microseconds < MIN_MICROSECONDS;
  }

  /** Returns how many of the items that are left a chunk should have at most. */
  most(left: number): number {
    return this.#flow.share(left);
  }

  /** Submits a chunk, except for items that have ended in an earlier run. */
  submit(items: unknown[], bytes: number, part: number, index: number): void {
    if (this.#map.phase !== "running") return;
    const journal = this.#journal;
    if (journal === undefined) {
      return this.#submitItems(items, bytes, part, index);
    }
    const itemBytes = bytes / items.length;
    const pieces = journal.split(items, index, this.#map.isSettled);
    // Calls of these parts are added in reverse order.
    if (part % 2 === 1) pieces.reverse();
    for (const piece of pieces) {
      this.#submitPiece(journal, piece, itemBytes, part);
    }
  }

  /** Handles the end, an error or an unusable item of a part of the items. */
  end(part: number, error?: Thrown): void {
    // An array or a function of the program may have ended the map.
    if (this.#map.phase !== "running") return;
    if (!this.#isDivided || error === undefined) return this.#exhaust(error);
    // The items of other parts that come before it still run.
    const call = this.#calls.makeEmpty(part);
    this.#flow.submitted(call);
    this.#buffer.push(call);
    call.fail(error.reason);
    // The call has used room that others can take, after this dispatch.
    queueMicrotask(() => this.#sink.wake());
  }

  /** Returns whether more calls for a part of the items may be added. */
  grows(part: number): boolean {
    return this.#feed.grows(part);
  }

  /** See {@linkcode MapFeed.finish}. */
  finish(): void {
    this.#feed.finish();
  }

  /** Drops the items that come after those already taken of a part. */
  dropAfter(part: number): void {
    const { total } = this;
    if (this.#feed.dropAfter(part)) this.#totalWithDropped ??= total;
  }

  /** Handles that all results will be read together. */
  collect(): void {
    this.#isCollected = true;
  }

  /**
   * Divides the items into parts, after the first call, if their order doesn't
   * matter, so long ones are likely to begin early. The first call shows that
   * the task yields no values one by one.
   */
  divideAfter(call: MapCall): void {
    if (this.#mayDivide) this.#divideItems(call);
  }

  /** Submits a call for unprocessed items, unless it was submitted already. */
  submitRest(call: MapCall): void {
    if (!this.#rest.delete(call)) return;
    this.#flow.submitted(call);
    this.#buffer.pushNext(call);
    this.#sink.resubmit(call);
  }

  /** Creates calls for the items that a worker left unprocessed. */
  follow(call: MapCall, rest: readonly unknown[]): void {
    const most = call.isUnsendable ? 1 : this.#plan.chunkSize.items;
    const index = call.index + call.items - rest.length;
    const calls = this.#calls.divide(call, rest, most, index);
    for (const next of calls) this.#rest.add(next);
  }

  /**
   * Lets the scheduler ask for these calls. If it is closed, they are submitted
   * at once, and the reader is served.
   */
  offerRest(): void {
    // The scheduler drops a map that has taken its last item.
    this.#sink.addSource(this);
  }

  /** Makes calls for items of a chunk that a worker has given back. */
  cut(
    call: MapCall,
    rest: readonly unknown[],
    parts: number,
    microseconds: number,
  ): MapCall[] {
    const { chunkSize } = this.#plan;
    chunkSize.slowed(call.items, microseconds);
    const share = Math.ceil(rest.length / parts);
    const most = Math.min(chunkSize.items, share);
    const calls = this.#calls.divide(call, rest, most, call.index + call.items);
    for (const next of calls) {
      this.#flow.submitted(next);
      this.#buffer.pushNext(next);
    }
    return calls;
  }

  /** Runs items of a call again; the results between them can be delivered. */
  runAgain(call: MapCall): void {
    const followers = this.#calls.separate(call);
    for (const { next, failed } of followers) {
      this.#buffer.pushNext(next);
      if (failed === undefined) this.#map.separated(next);
      else this.#flow.submitted(next);
    }
    for (const { next, failed } of followers) {
      if (failed === undefined) continue;
      const { attempts, pause } = failed;
      this.#sink.resubmitLater(next, attempts!, pause!);
    }
  }

  /** Submits a call for items that must run, or recalls how they have ended. */
  #submitPiece(
    journal: MapJournal,
    { items, index, recorded, error }: Piece,
    itemBytes: number,
    part: number,
  ): void {
    if (this.#map.phase !== "running") return;
    if (error !== undefined) {
      const reason = this.#plan.trace.addTo(error.reason);
      return this.end(part, { reason });
    }
    const bytes = Math.ceil(items.length * itemBytes);
    if (recorded === undefined) {
      return this.#submitItems(items, bytes, part, index);
    }
    const call = this.#makeCall(items, bytes, part, index);
    if (call === undefined) return;
    this.#taken += items.length;
    this.#buffer.push(call);
    journal.recall(call, recorded);
    this.#map.recalled(call);
  }

  #submitItems(
    items: unknown[],
    bytes: number,
    part: number,
    index: number,
  ): void {
    const call = this.#makeCall(items, bytes, part, index);
    if (call === undefined) return;
    this.#taken += items.length;
    this.#flow.submitted(call);
    this.#buffer.push(call);
    this.#sink.submit(call);
  }

  /**
   * Makes a call; ends the items there if that can't be done.
   *
   * @returns `undefined` if there is none, or the map has ended meanwhile.
   */
  #makeCall(
    items: unknown[],
    bytes: number,
    part: number,
    index: number,
  ): MapCall | undefined {
    let call: MapCall;
    try {
      call = this.#calls.make(items, bytes, part, index);
    } catch (reason) {
      this.end(part, { reason });
      return undefined;
    }
    // The program's function `key` was called.
    return this.#map.phase === "running" ? call : undefined;
  }

  #exhaust(error?: Thrown): void {
    this.#isExhausted = error === undefined;
    this.#feed.stop();
    this.#map.exhausted(error);
  }

  #divideItems({ isStreamed, thrown }: MapCall): void {
    this.#mayDivide = false;
    const { ordered, chunkSize } = this.#plan;
    if (isStreamed || thrown !== undefined) return;
    if (ordered && !this.#isCollected || this.#flow.workers < 2) return;
    const { items } = chunkSize;
    const count = MIN_CHUNKS * this.#flow.workers * items;
    const last = this.#feed.divide(count, items);
    if (last === 0 || !ordered) return;
    this.#isDivided = true;
    this.#buffer.divide(last);
    // The results of later parts must not hold up the first one.
    this.#flow.lift();
  }
}
