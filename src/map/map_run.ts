import type { Placement } from "../calls/placement.ts";
import type { CallSink } from "./call_sink.ts";
import type { MapPhase, MapProgress } from "./display_map.ts";
import type { FailureLimit } from "./failure_limit.ts";
import { FlowControl } from "./flow_control.ts";
import { watchLimits } from "../calls/watch_limits.ts";
import type { MapCall, MapCallOwner, Thrown } from "./map_call.ts";
import { MapCalls } from "./map_calls.ts";
import { MapFeed } from "./map_feed.ts";
import { MapIterator, type ResultReader } from "./map_iterator.ts";
import type { MapPlan } from "./map_plan.ts";
import { ResultBuffer } from "./result_buffer.ts";
import type { CallSource, Offer } from "../scheduling/call_sources.ts";
import { Speculation } from "./speculation.ts";
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
  /** Runs what takes long a second time, if the map may do so. */
  readonly #speculation: Speculation | undefined;
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
  /** For how many of them the task has returned. */
  #done = 0;
  /** How many items may fail, if that doesn't end the map. */
  #limit: FailureLimit | undefined;
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
    this.#calls = new MapCalls(plan, this, this.#speculation);
    this.results = new MapIterator(this);
  }

  get progress(): MapProgress {
    const { task, ordered } = this.#plan;
    return {
      task: task.name,
      ordered,
      phase: this.#phase,
      taken: this.#taken,
      done: this.#done,
    };
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
    if (!this.#buffer.arrived(call)) return;
    if (this.#mayDivide) this.#divideItems(call);
    if (call.thrown !== undefined) this.#feed.dropAfter(call.part);
    this.#flow.arrived(call);
    if (microseconds !== undefined) {
      const done = call.items - rest.length;
      const bytes = call.bytes * (done / call.items) + call.resultBytes;
      this.#plan.chunkSize.measured(done, microseconds, bytes);
    }
    if (rest.length > 0) this.#follow(call, rest);
    if (call.thrown === undefined) this.#done += call.items - rest.length;
    if (call.failedItems > 0) {
      call.addFailures(this.#limit!);
      this.#checkFailures();
    }
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

  /** Handles values of a call that has no outcome yet. */
  yielded(call: MapCall, bytes: number): void {
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
    this.#limit = limit;
    this.#calls.settle();
  }

  explain(reason: unknown): unknown {
    return this.#plan.trace.addTo(reason, this.#plan.task);
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
    this.#rest.clear();
    this.#unwatch?.();
    this.#speculation?.end();
    this.#buffer.clear();
    this.#sink.wake();
    await this.#feed.close();
  }

  #start(): void {
    this.#phase = "running";
    this.onRead?.();
    const { signal, trace } = this.#plan;
    if (signal?.aborted) return this.#interrupt(signal.reason);
    const interrupt = (reason: unknown) => this.#interrupt(reason);
    this.#unwatch = watchLimits(this.#plan, interrupt, trace, "map");
    this.#sink.addSource(this);
  }

  /** Ends the map early; only results that have arrived can still be read. */
  #interrupt(reason: unknown): void {
    this.#error = { reason };
    this.#rest.clear();
    this.#drain({ reason });
    this.#speculation?.end();
    this.#buffer.abandonUnread();
    this.results.serve();
  }

  /** Ends the map if too many items have failed. */
  #checkFailures(): void {
    if (this.#phase === "ended" || this.#error !== undefined) return;
    const total = this.#taken + this.#feed.left;
    const error = this.#limit?.check(this.#done, total);
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
    let call: MapCall;
    try {
      call = this.#calls.make(items, bytes, part, index);
    } catch (reason) {
      return this.#endAt(part, { reason });
    }
    this.#taken += items.length;
    this.#flow.submitted(call);
    this.#buffer.push(call);
    this.#sink.submit(call);
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

  /** Submits a call for unprocessed items, unless it was submitted already. */
  #submitRest(call: MapCall): void {
    if (!this.#rest.delete(call)) return;
    this.#flow.submitted(call);
    this.#buffer.pushNext(call);
    this.#sink.resubmit(call);
  }
}
