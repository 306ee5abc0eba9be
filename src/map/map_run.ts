import type { CallSink } from "./call_sink.ts";
import type { MapPhase } from "../options/map_progress.ts";
import type { FailureLimit } from "./failure_limit.ts";
import { FlowControl } from "./flow_control.ts";
import { watchLimits } from "../calls/watch_limits.ts";
import type { MapCall, MapCallOwner } from "./map_call.ts";
import { MapJournal } from "./map_journal.ts";
import { MapCalls } from "./map_calls.ts";
import { MapCounts } from "./map_counts.ts";
import { MapIterator, type ResultReader } from "./map_iterator.ts";
import type { MapPlan } from "./map_plan.ts";
import { MapSource, type MapSourceOwner } from "./map_source.ts";
import type { MapState } from "./map_state.ts";
import { ResultBuffer } from "./result_buffer.ts";
import { Speculation } from "./speculation.ts";
import type { Thrown } from "./thrown.ts";
import type { UnreadMaps } from "./unread_maps.ts";

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

/** One run of a map, from its start to its last result. */
class MapRun implements MapCallOwner, MapSourceOwner, ResultReader {
  /** The results of the map. */
  readonly results: MapIterator<unknown>;
  /** Called when the map is first read or closed. */
  onRead: (() => void) | undefined;
  readonly #plan: MapPlan;
  readonly #sink: CallSink;
  readonly #calls: MapCalls;
  /** Submits the calls. */
  readonly #source: MapSource;
  readonly #flow: FlowControl;
  readonly #buffer: ResultBuffer;
  /** How many items have ended. */
  readonly #counts = new MapCounts();
  /** Runs what takes long a second time, if the map may do so. */
  readonly #speculation: Speculation | undefined;
  /** Where finished items are recorded, if they are. */
  readonly #journal: MapJournal | undefined;
  #phase: MapPhase = "idle";
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
      needs: (call) => this.#source.submitRest(call),
      grows: (part) => this.#source.grows(part),
    });
    if (plan.speculate) {
      this.#speculation = new Speculation(sink, () => this.#source.ended);
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
    this.#source = new MapSource(plan, this, {
      sink,
      calls: this.#calls,
      flow: this.#flow,
      buffer: this.#buffer,
      journal: this.#journal,
    });
    this.results = new MapIterator(this);
  }

  get state(): MapState {
    const { task, ordered } = this.#plan;
    const { taken, total } = this.#source;
    const { ended, failed, skipped } = this.#counts;
    const isOver = this.#isAbandoned || this.#phase === "ended";
    const now = this.#endTime ?? performance.now();
    return {
      task: task.name,
      ordered,
      phase: this.#phase,
      total,
      taken,
      done: ended - failed,
      failed,
      running: isOver ? 0 : taken - ended,
      elapsed: now - (this.#startTime ?? now),
      skipped,
    };
  }

  /** The index of the item whose error has ended the map, if that is known. */
  get failedIndex(): number | undefined {
    return this.#error?.index;
  }

  /** Whether somebody waits for the next result. */
  get isAwaited(): boolean {
    return this.results.isAwaited;
  }

  /** What the map is doing. */
  get phase(): MapPhase {
    return this.#phase;
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
    this.#source.divideAfter(call);
    if (call.thrown !== undefined) this.#source.dropAfter(call.part);
    this.#flow.arrived(call);
    if (microseconds !== undefined) {
      const done = call.items - rest.length;
      const bytes = call.bytes * (done / call.items) + call.resultBytes;
      this.#plan.chunkSize.measured(done, microseconds, bytes);
    }
    const hasRest = rest.length > 0 && !call.endsMap;
    if (hasRest) this.#source.follow(call, rest);
    this.#counts.add(call, rest.length);
    if (this.#journal !== undefined) this.#record(call, this.#journal);
    if (call.pieces.length > 0) this.#source.runAgain(call);
    // Only now all calls that follow this one are known to its reader.
    if (hasRest) this.#source.offerRest();
    if (call.failedItems > 0) this.#addFailures(call);
    if (this.#counts.ended === this.#source.taken) this.#source.finish();
    this.results.serve();
  }

  /** Handles the outcome of a call that gets results of an earlier run. */
  #wasRecalled(call: MapCall): void {
    this.#buffer.arrived(call);
    this.#flow.recalled(call);
    this.#counts.addRecalled(call);
    if (call.thrown !== undefined) this.#source.dropAfter(call.part);
  }

  /** Makes calls for items of a chunk that a worker has given back. */
  cut(
    call: MapCall,
    rest: readonly unknown[],
    parts: number,
    microseconds: number,
  ): MapCall[] {
    return this.#source.cut(call, rest, parts, microseconds);
  }

  /** Handles a call that has got results of an earlier run. */
  recalled(call: MapCall): void {
    if (call.failedItems > 0) this.#addFailures(call);
    // The reader may end the map, which must not happen within the feed.
    queueMicrotask(() => this.results.serve());
  }

  /** Handles a call for items of a chunk that have ended, while others run again. */
  separated(call: MapCall): void {
    this.#flow.recalled(call);
    if (this.#journal !== undefined) this.#buffer.hold(call);
    this.#buffer.arrived(call);
    this.#counts.addResults(call);
    if (call.thrown !== undefined) this.#source.dropAfter(call.part);
    if (this.#journal !== undefined) this.#record(call, this.#journal);
    this.#counts.addFailures(call);
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
    if (this.#phase === "idle") this.#source.collect();
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
    if (thrown === undefined && !this.#source.ended) return this.#wait();
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

  /** Handles the end or an error of the inputs, or an unusable item. */
  exhausted(error?: Thrown): void {
    this.#phase = "draining";
    this.#error ??= error;
    this.#checkFailures();
    this.#speculation?.watch();
    this.#sink.wake();
    this.results.serve();
  }

  /** Handles that the pool was shut down or is broken. */
  stopped(reason: Error): void {
    if (this.#phase === "running") {
      this.#drain({ reason: this.#plan.trace.addTo(reason) });
    }
    this.results.serve();
  }

  /** Ends the map. */
  async close(): Promise<void> {
    if (this.#phase === "ended") return;
    if (this.#phase === "idle") this.onRead?.();
    this.#phase = "ended";
    this.#endTime = performance.now();
    this.#source.dropRest();
    this.#unwatch?.();
    this.#speculation?.end();
    this.#buffer.clear();
    this.#sink.wake();
    await Promise.all([this.#journal?.close(), this.#source.close()]);
  }

  #start(): void {
    this.#phase = "running";
    this.#startTime = performance.now();
    this.onRead?.();
    const { signal, trace } = this.#plan;
    if (signal?.aborted) return this.#interrupt(signal.reason);
    const interrupt = (reason: unknown) => this.#interrupt(reason);
    this.#unwatch = watchLimits(this.#plan, interrupt, trace, "map");
    if (this.#journal === undefined) this.#sink.addSource(this.#source);
    else this.#journal.open();
  }

  /** Handles that the journal can be read and written. */
  #opened(): void {
    if (this.#phase === "running") this.#sink.addSource(this.#source);
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
    this.#source.dropRest();
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
    const error = this.#counts.check(this.#source.expected);
    if (error !== undefined) this.#interrupt(this.#plan.trace.addTo(error));
  }

  /** Stops taking items, and closes the inputs. */
  #drain(error: Thrown): void {
    this.#phase = "draining";
    this.#error ??= error;
    this.#source.close().catch(() => {});
    this.#sink.wake();
  }
}
