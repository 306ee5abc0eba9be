import type { Placement } from "../calls/placement.ts";
import type { CallSink } from "./call_sink.ts";
import type { MapPhase } from "../options/map_progress.ts";
import type { FailureLimit } from "./failure_limit.ts";
import { FlowControl } from "./flow_control.ts";
import { watchLimits } from "../calls/watch_limits.ts";
import type { MapCall, MapCallOwner } from "./map_call.ts";
import { MapJournal, type Piece } from "./map_journal.ts";
import { MapCalls } from "./map_calls.ts";
import { MapCounts } from "./map_counts.ts";
import { MapFeed } from "./map_feed.ts";
import { MapIterator, type ResultReader } from "./map_iterator.ts";
import type { MapPlan } from "./map_plan.ts";
import type { MapState } from "./map_state.ts";
import { ResultBuffer } from "./result_buffer.ts";
import type { CallSource, Offer } from "../scheduling/call_sources.ts";
import { Speculation } from "./speculation.ts";
import type { Thrown } from "./thrown.ts";
import type { UnreadMaps } from "./unread_maps.ts";

/**
 * How many chunks per worker must be left if a map takes them from several
 * places: with fewer, their order matters little.
 */
const MIN_CHUNKS = 16;

/** How long a chunk must take at least: with shorter ones, too, it matters little. */
const MIN_MICROSECONDS = 250;

/**
 * Prepares a map, which starts when its first result is requested.
 *
 * @param unread Warns if no result is ever requested; `undefined`: no warning.
 */
export function prepareMap<Result>(
  plan: MapPlan,
  sink: CallSink,
  unread?: UnreadMaps,
): MapIterator<Result> {
  const run = new MapRun(plan, sink);
  if (plan.onProgress !== undefined) run.results.watch(plan.onProgress);
  run.onRead = unread?.add(run.results, plan.task.name);
  return run.results as MapIterator<Result>;
}

/** One run of a map, from its inputs to its results. */
class MapRun implements CallSource, MapCallOwner, ResultReader {
  /** The results of the map. */
  readonly results: MapIterator<unknown>;
  /** Called when the map is first read or closed. */
  onRead: (() => void) | undefined;
  readonly #plan: MapPlan;
  readonly #calls: MapCalls;
  readonly #sink: CallSink;
  readonly #feed: MapFeed;
  readonly #flow: FlowControl;
  readonly #buffer: ResultBuffer;
  /** How many items have ended. */
  readonly #counts = new MapCounts();
  /** Runs what takes long a second time, if the map may do so. */
  readonly #speculation: Speculation | undefined;
  /** Where finished items are recorded, if they are. */
  readonly #journal: MapJournal | undefined;
  /** Unsubmitted calls for items that workers left unprocessed. */
  readonly #rest = new Set<MapCall>();
  #phase: MapPhase = "idle";
  /** Whether all results are read together. */
  #isCollected = false;
  /** Whether the items may still be divided into parts. */
  #mayDivide = true;
  /** Whether the results of the parts must be put in order. */
  #isDivided = false;
  /** How many items were submitted. */
  #taken = 0;
  /** Whether the inputs have ended, so all items were submitted. */
  #isExhausted = false;
  /** Whether the calls that haven't arrived were abandoned. */
  #isAbandoned = false;
  /** When the map began and ended. */
  #startTime: number | undefined;
  #endTime: number | undefined;
  /** The error to throw after the last result, if the map ended early. */
  #error: Thrown | undefined;
  /** Stops watching the timeout and the signal. */
  #unwatch: (() => void) | undefined;

  constructor(plan: MapPlan, sink: CallSink) {
    this.#plan = plan;
    this.#sink = sink;
    this.#flow = new FlowControl(plan.chunkSize);
    this.#buffer = new ResultBuffer(plan.ordered, {
      read: (call) => {
        if (this.#flow.read(call)) sink.wake();
      },
      needs: (call) => this.#submitRest(call),
      grows: (part) => this.#feed.grows(part),
    });
    this.#feed = new MapFeed(plan.items, plan.chunkSize, {
      wants: () => this.#wants,
      needsFirst: () =>
        this.#flow.isFull || plan.chunkSize.microseconds < MIN_MICROSECONDS,
      most: (left) => this.#flow.share(left),
      submit: (items, bytes, part, index) =>
        this.#submit(items, bytes, part, index),
      end: (part, error) => this.#endAt(part, error),
    });
    if (plan.speculate) {
      this.#speculation = new Speculation(sink, () => this.ended);
    }
    if (plan.journal !== undefined) {
      this.#journal = new MapJournal(plan.journal, plan.task.name, {
        opened: () => this.#opened(),
        failed: (reason) => this.#journalFailed(reason),
        recorded: (call) => {
          this.#buffer.release(call);
          this.results.serve();
        },
      });
    }
    this.#calls = new MapCalls(plan, this, this.#speculation);
    this.results = new MapIterator(this);
  }

  get state(): MapState {
    const { task, ordered } = this.#plan;
    const { ended, failed, skipped } = this.#counts;
    const isOver = this.#isAbandoned || this.#phase === "ended";
    const now = this.#endTime ?? performance.now();
    return {
      task: task.name,
      ordered,
      phase: this.#phase,
      total: this.#total,
      taken: this.#taken,
      done: ended - failed,
      failed,
      running: isOver ? 0 : this.#taken - ended,
      elapsed: now - (this.#startTime ?? now),
      skipped,
    };
  }

  /** How many items there are; `undefined` if that is unknown. */
  get #total(): number | undefined {
    if (this.#isExhausted) return this.#taken;
    const { size } = this.#plan.items;
    return size === undefined ? undefined : Math.max(size, this.#taken);
  }

  /** The index of the item whose error has ended the map, if that is known. */
  get failedIndex(): number | undefined {
    return this.#error?.index;
  }

  /** Where the map's calls may run; `undefined` for anywhere. */
  get placement(): Placement | undefined {
    return this.#plan.terms.placement;
  }

  /** The priority of the map's calls. */
  get priority(): number | undefined {
    return this.#plan.terms.priority;
  }

  /** Whether somebody waits for the next result. */
  get isAwaited(): boolean {
    return this.results.isAwaited;
  }

  /** How many items weren't submitted; `Infinity` if that is unknown. */
  get left(): number {
    let { left } = this.#feed;
    for (const { items } of this.#rest) left += items;
    return left;
  }

  /** The name of its task. */
  get task(): string {
    return this.#plan.task.name;
  }

  /** What keeps it from submitting calls, even if workers have room. */
  get waitsFor(): "reader" | "input" | undefined {
    if (!this.isAwaited && this.#flow.waitsForReader) return "reader";
    return this.#feed.waitsForInput ? "input" : undefined;
  }

  /** Whether the map submits no more calls. */
  get ended(): boolean {
    return this.#phase !== "running" && this.#rest.size === 0;
  }

  /** Whether another call may be submitted now. */
  get #wants(): boolean {
    return this.#flow.isOpen(this.isAwaited);
  }

  /** Submits calls, now or when the inputs provide items. */
  pull(offer: Offer): void {
    this.#flow.offer(offer);
    for (const call of this.#rest) {
      if (!this.#wants) return;
      this.#submitRest(call);
    }
    if (this.#phase === "running") this.#feed.fill();
  }

  /** Stops taking items, because the pool was shut down or is broken. */
  stop(reason: Error): void {
    if (this.ended) return;
    for (const call of this.#rest) this.#submitRest(call);
    if (this.#phase === "running") {
      this.#drain({ reason: this.#plan.trace.addTo(reason) });
    }
    this.results.serve();
  }

  /** Handles a call's outcome. */
  settled(
    call: MapCall,
    rest: readonly unknown[],
    microseconds?: number,
  ): void {
    this.#speculation?.settled(call, rest.length, microseconds);
    if (this.#journal !== undefined) {
      if (call === this.#journal.recalled) return this.#wasRecalled(call);
      this.#buffer.hold(call);
    }
    if (!this.#buffer.arrived(call)) return;
    if (this.#mayDivide) this.#divideItems(call);
    if (call.thrown !== undefined) this.#feed.dropAfter(call.part);
    this.#flow.arrived(call);
    if (microseconds !== undefined) {
      const done = call.items - rest.length;
      const bytes = call.bytes * (done / call.items) + call.resultBytes;
      this.#plan.chunkSize.measured(done, microseconds, bytes);
    }
    if (rest.length > 0 && !call.endsMap) this.#follow(call, rest);
    this.#counts.add(call, rest.length);
    if (this.#journal !== undefined) this.#record(call, this.#journal);
    if (call.pieces.length > 0) this.#runAgain(call);
    if (call.failedItems > 0) this.#addFailures(call);
    this.results.serve();
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

  delayed(call: MapCall): void {
    this.#flow.delayed(call);
  }

  resumed(call: MapCall): void {
    this.#flow.resumed(call);
  }

  /** Handles values of a call that has no outcome yet. */
  yielded(call: MapCall, bytes: number): void {
    if (this.#journal !== undefined) return this.#journal.refuseValues();
    this.#speculation?.end();
    this.#flow.held(bytes);
    this.#buffer.yielded(call);
    this.results.serve();
  }

  /** Handles that such values were read. */
  consumed(bytes: number): void {
    if (this.#flow.released(bytes)) this.#sink.wake();
  }

  /** Handles a call that is larger than expected. */
  grown(call: MapCall, bytes: number): void {
    this.#plan.chunkSize.sent(call.items, call.bytes);
    this.#flow.grown(bytes);
  }

  /** Handles that all results will be read together. */
  collect(): void {
    if (this.#phase === "idle") this.#isCollected = true;
  }

  /** Lets the map go on after items that fail, and deliver how each has ended. */
  settle(limit: FailureLimit): void {
    if (this.#phase !== "idle") {
      throw new DOMException(
        "settled() must be called before the first result of the map is requested",
        "InvalidStateError",
      );
    }
    this.#counts.settle(limit);
    this.#calls.settle();
  }

  readonly explain = (reason: unknown): unknown => {
    // It was explained before it was recorded.
    if (this.#journal?.recalled !== undefined) return reason;
    return this.#plan.trace.addTo(reason, this.#plan.task);
  };

  /** Whether the map goes on after items that fail. */
  get isSettled(): boolean {
    return this.#counts.isSettled;
  }

  /** Moves to the next results. */
  advance(): "values" | "waiting" | "end" {
    if (this.#phase === "idle") this.#start();
    if (this.#phase === "ended") return "end";
    const next = this.#buffer.advance();
    if (next === "waiting") return this.#wait();
    if (next === "values") return next;
    const thrown = this.#buffer.thrown;
    if (thrown === undefined && !this.ended) return this.#wait();
    this.close().catch(() => {});
    if (thrown !== undefined) {
      const reason = this.explain(thrown.reason);
      this.#error = { ...thrown, reason };
    }
    if (this.#error !== undefined) throw this.#error.reason;
    return "end";
  }

  /** Handles that the reader waits. */
  #wait(): "waiting" {
    if (this.#flow.awaited()) this.#sink.wake();
    return "waiting";
  }

  take(): readonly unknown[] {
    return this.#buffer.take();
  }

  /** Ends the map. */
  async close(): Promise<void> {
    if (this.#phase === "ended") return;
    if (this.#phase === "idle") this.onRead?.();
    this.#phase = "ended";
    this.#endTime = performance.now();
    this.#rest.clear();
    this.#unwatch?.();
    this.#speculation?.end();
    this.#buffer.clear();
    this.#sink.wake();
    await Promise.all([this.#journal?.close(), this.#feed.close()]);
  }

  #start(): void {
    this.#phase = "running";
    this.#startTime = performance.now();
    this.onRead?.();
    const { signal, trace } = this.#plan;
    if (signal?.aborted) return this.#interrupt(signal.reason);
    const interrupt = (reason: unknown) => this.#interrupt(reason);
    this.#unwatch = watchLimits(this.#plan, interrupt, trace, "map");
    if (this.#journal === undefined) this.#sink.addSource(this);
    else this.#journal.open();
  }

  /** Handles that the journal can be read and written. */
  #opened(): void {
    if (this.#phase === "running") this.#sink.addSource(this);
  }

  /** Ends the map: its journal can't be opened or written. */
  #journalFailed(reason: unknown): void {
    if (this.#phase === "ended") return;
    this.#interrupt(this.#plan.trace.addTo(reason));
  }

  /** Records the results of a call, which can be read once that is done. */
  #record(call: MapCall, journal: MapJournal): void {
    if (!journal.record(call, this.isSettled)) this.#buffer.release(call);
  }

  /** Ends the map early; only results that have arrived can still be read. */
  #interrupt(reason: unknown): void {
    this.#error = { reason };
    this.#isAbandoned = true;
    this.#rest.clear();
    this.#drain({ reason });
    this.#speculation?.end();
    this.#journal?.commit();
    this.#buffer.abandonUnread();
    this.results.serve();
  }

  /** Takes note of the items of a call that have failed. */
  #addFailures(call: MapCall): void {
    this.#counts.addFailures(call);
    this.#checkFailures();
  }

  /** Ends the map if too many items have failed. */
  #checkFailures(): void {
    if (this.#phase === "ended" || this.#error !== undefined) return;
    const total = this.#taken + this.#feed.left;
    const error = this.#counts.check(total);
    if (error !== undefined) this.#interrupt(this.#plan.trace.addTo(error));
  }

  /** Stops taking items, and closes the inputs. */
  #drain(error: Thrown): void {
    this.#phase = "draining";
    this.#error ??= error;
    this.#feed.close().catch(() => {});
    this.#sink.wake();
  }

  /** Handles the end or an error of the inputs, or an unusable item. */
  #exhaust(error?: Thrown): void {
    if (this.#phase !== "running") return;
    this.#phase = "draining";
    this.#isExhausted = error === undefined;
    this.#error ??= error;
    this.#feed.stop();
    this.#checkFailures();
    this.#speculation?.watch();
    this.#sink.wake();
    this.results.serve();
  }

  /** Handles the end, an error or an unusable item of a part of the items. */
  #endAt(part: number, error?: Thrown): void {
    if (!this.#isDivided || error === undefined) return this.#exhaust(error);
    // The items of other parts that come before it still run.
    const call = this.#calls.makeEmpty(part);
    this.#flow.submitted(call);
    this.#buffer.push(call);
    call.fail(error.reason);
    // The call has used room that others can take, after this dispatch.
    queueMicrotask(() => this.#sink.wake());
  }

  /**
   * Divides the items into parts if their order doesn't matter, so long ones
   * are likely to begin early. The first call shows that the task yields no
   * values one by one.
   */
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

  #submit(
    items: unknown[],
    bytes: number,
    part: number,
    index: number,
  ): void {
    if (this.#phase !== "running") return;
    if (this.#journal === undefined) {
      return this.#submitItems(items, bytes, part, index);
    }
    const itemBytes = bytes / items.length;
    const pieces = this.#journal.split(items, index, this.isSettled);
    // Calls of these parts are added in reverse order.
    if (part % 2 === 1) pieces.reverse();
    for (const piece of pieces) {
      this.#submitPiece(this.#journal, piece, itemBytes, part);
    }
  }

  /** Submits a call for items that must run, or recalls how they have ended. */
  #submitPiece(
    journal: MapJournal,
    piece: Piece,
    itemBytes: number,
    part: number,
  ): void {
    if (this.#phase !== "running") return;
    const { items, index, recorded, error } = piece;
    if (error !== undefined) {
      const reason = this.#plan.trace.addTo(error.reason);
      return this.#endAt(part, { reason });
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
    if (call.failedItems > 0) this.#addFailures(call);
    // The reader may end the map, which must not happen within the feed.
    queueMicrotask(() => this.results.serve());
  }

  /** Handles a call that has got results of an earlier run. */
  #wasRecalled(call: MapCall): void {
    this.#buffer.arrived(call);
    this.#flow.recalled(call);
    this.#counts.addRecalled(call);
    if (call.thrown !== undefined) this.#feed.dropAfter(call.part);
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

  /** Makes a call; ends the map there if that can't be done. */
  #makeCall(
    items: unknown[],
    bytes: number,
    part: number,
    index: number,
  ): MapCall | undefined {
    try {
      return this.#calls.make(items, bytes, part, index);
    } catch (reason) {
      this.#endAt(part, { reason });
      return undefined;
    }
  }

  /** Creates calls for the items that a worker left unprocessed. */
  #follow(call: MapCall, rest: readonly unknown[]): void {
    const most = call.isUnsendable ? 1 : this.#plan.chunkSize.items;
    const index = call.index + call.items - rest.length;
    const calls = this.#calls.divide(call, rest, most, index);
    for (const next of calls) this.#rest.add(next);
    // The scheduler drops a map that has taken its last item.
    this.#sink.addSource(this);
  }

  /** Runs items of a call again, and delivers the results between them. */
  #runAgain(call: MapCall): void {
    const followers = this.#calls.separate(call);
    for (const { next, failed } of followers) {
      this.#buffer.pushNext(next);
      if (failed !== undefined) {
        this.#flow.submitted(next);
        continue;
      }
      this.#flow.recalled(next);
      if (this.#journal !== undefined) this.#buffer.hold(next);
      this.#buffer.arrived(next);
      this.#counts.addResults(next);
      if (next.thrown !== undefined) this.#feed.dropAfter(next.part);
      if (this.#journal !== undefined) this.#record(next, this.#journal);
      this.#counts.addFailures(next);
    }
    for (const { next, failed } of followers) {
      if (failed === undefined) continue;
      const { attempts, pause } = failed;
      this.#sink.resubmitLater(next, attempts!, pause!);
    }
  }

  /** Submits a call for unprocessed items, unless it was submitted already. */
  #submitRest(call: MapCall): void {
    if (!this.#rest.delete(call)) return;
    this.#flow.submitted(call);
    this.#buffer.pushNext(call);
    this.#sink.resubmit(call);
  }
}
