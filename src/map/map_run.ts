import type { Call, CallTerms } from "../calls/call.ts";
import type { CallerTrace } from "../calls/caller_trace.ts";
import type { ChunkSize } from "./chunk_size.ts";
import { FlowControl } from "./flow_control.ts";
import type { Items } from "./items.ts";
import { watchLimits } from "../calls/watch_limits.ts";
import {
  argumentList,
  MapCall,
  type MapCallOwner,
  type Thrown,
} from "./map_call.ts";
import { MapFeed } from "./map_feed.ts";
import { MapIterator, type ResultReader } from "./map_iterator.ts";
import type { MapResults } from "./map_results.ts";
import { ResultBuffer } from "./result_buffer.ts";
import type { CallSource, Offer } from "../scheduling/call_sources.ts";
import type { UnreadMaps } from "./unread_maps.ts";
import type { RegisteredTask } from "../tasks/task_registry.ts";

/** What a map does. */
export interface MapPlan {
  /** The task. */
  readonly task: RegisteredTask;
  /** Where its arguments come from. */
  readonly items: Items;
  /** Whether an item is a list of arguments. */
  readonly spread: boolean;
  /** How many items travel together. */
  readonly chunkSize: ChunkSize;
  /** Whether results come in the order of the items. */
  readonly ordered: boolean;
  /** How long the map may take in all, in milliseconds. */
  readonly timeout: number | undefined;
  /** Where the map was called. */
  readonly trace: CallerTrace;
  /** Ends the map when it is aborted. */
  readonly signal: AbortSignal | undefined;
  /** The conditions under which its calls are made. */
  readonly terms: CallTerms;
}

/** Takes the calls of a map: a scheduler. */
export interface CallSink {
  /** Pulls calls from a source from now on. */
  addSource(source: CallSource): void;
  /** Takes a call. */
  submit(call: Call): void;
  /** Takes a call for items that a worker has left. */
  resubmit(call: Call): void;
  /** Notes that a source may be able to submit more calls, or has ended. */
  wake(): void;
}

/**
 * The phases of a map: it waits for its reader; takes items; has taken the
 * last one, and is being read; is over.
 */
type Phase = "idle" | "running" | "draining" | "ended";

/**
 * Prepares a map, which starts when its first result is asked for.
 *
 * @param unread Warns if that never happens.
 */
export function prepareMap<Result>(
  plan: MapPlan,
  sink: CallSink,
  unread: UnreadMaps,
): MapResults<Result> {
  const run = new MapRun(plan, sink);
  run.onRead = unread.add(run.results, plan.task.name);
  return run.results as MapResults<Result>;
}

/** A map on its way from its inputs to its reader. */
class MapRun implements CallSource, MapCallOwner, ResultReader {
  /** What its reader gets. */
  readonly results: MapIterator<unknown>;
  /** Called when it is read or closed. */
  onRead: (() => void) | undefined;
  readonly #plan: MapPlan;
  readonly #sink: CallSink;
  readonly #feed: MapFeed;
  readonly #flow: FlowControl;
  readonly #buffer: ResultBuffer;
  /** Calls for items that workers have left, not submitted yet. */
  readonly #rest = new Set<MapCall>();
  #phase: Phase = "idle";
  /** Why the map ends early, once all that can be read was. */
  #error: Thrown | undefined;
  /** Stops watching for a time-out and the signal. */
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
    });
    this.#feed = new MapFeed(plan.items, plan.chunkSize, {
      wants: () => this.#flow.isOpen,
      submit: (items, bytes) => this.#submit(items, bytes),
      end: (error) => this.#exhaust(error),
    });
    this.results = new MapIterator(this);
  }

  /** The host where its tasks must run; `undefined` for any. */
  get host(): string | undefined {
    return this.#plan.terms.host;
  }

  /** Whether it submits nothing more. */
  get ended(): boolean {
    return this.#phase !== "running" && this.#rest.size === 0;
  }

  /** Submits calls, now or when its inputs have given items. */
  pull(offer: Offer): void {
    this.#flow.offer(offer);
    for (const call of this.#rest) {
      if (!this.#flow.isOpen) return;
      this.#submitRest(call);
    }
    if (this.#phase === "running") this.#feed.fill();
  }

  /** Takes no more items: the pool was shut down, or is broken. */
  stop(reason: Error): void {
    if (this.ended) return;
    for (const call of this.#rest) this.#submitRest(call);
    if (this.#phase === "running") {
      this.#drain({ reason: this.#plan.trace.addTo(reason) });
    }
    this.results.serve();
  }

  /** Takes a call's outcome. */
  settled(
    call: MapCall,
    rest: readonly unknown[],
    microseconds?: number,
  ): void {
    if (!this.#buffer.arrived(call)) return;
    this.#flow.arrived(call);
    if (microseconds !== undefined) {
      const share = call.values.length / call.items;
      const bytes = call.bytes * share + call.resultBytes;
      this.#plan.chunkSize.measured(call.values.length, microseconds, bytes);
    }
    if (rest.length > 0) this.#follow(call, rest);
    this.results.serve();
  }

  /** Takes the size of a call that was larger than expected. */
  grown(call: MapCall, bytes: number): void {
    this.#plan.chunkSize.sent(call.items, call.bytes);
    this.#flow.grown(bytes);
  }

  /** Moves on to the next result. */
  advance(): "value" | "waiting" | "end" {
    if (this.#phase === "idle") this.#start();
    if (this.#phase === "ended") return "end";
    const next = this.#buffer.advance();
    if (next === "value" || next === "waiting") return next;
    const thrown = this.#buffer.thrown;
    if (thrown === undefined && !this.ended) return "waiting";
    this.close().catch(() => {});
    if (thrown !== undefined) {
      throw this.#plan.trace.addTo(thrown.reason, this.#plan.task);
    }
    if (this.#error !== undefined) throw this.#error.reason;
    return "end";
  }

  takeValue(): unknown {
    return this.#buffer.takeValue();
  }

  takeValues(results: unknown[]): void {
    this.#buffer.takeValues(results);
  }

  /** Ends the map. */
  async close(): Promise<void> {
    if (this.#phase === "ended") return;
    if (this.#phase === "idle") this.onRead?.();
    this.#phase = "ended";
    this.#rest.clear();
    this.#unwatch?.();
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

  /** Ends the map early; only results that are there can still be read. */
  #interrupt(reason: unknown): void {
    this.#error = { reason };
    this.#rest.clear();
    this.#drain({ reason });
    this.#buffer.abandonUnread();
    this.results.serve();
  }

  /** Takes no more items, and closes the inputs. */
  #drain(error: Thrown): void {
    this.#phase = "draining";
    this.#error ??= error;
    this.#feed.close().catch(() => {});
    this.#sink.wake();
  }

  /** Notes that the inputs have ended, or that an item can't be used. */
  #exhaust(error?: Thrown): void {
    if (this.#phase !== "running") return;
    this.#phase = "draining";
    this.#error ??= error;
    this.#feed.stop();
    this.#sink.wake();
    this.results.serve();
  }

  #submit(items: unknown[], bytes: number): void {
    if (this.#phase !== "running") return;
    let call: MapCall;
    try {
      call = this.#makeCall(items, bytes);
    } catch (reason) {
      return this.#exhaust({ reason });
    }
    this.#flow.submitted(call);
    this.#buffer.push(call);
    this.#sink.submit(call);
  }

  /** Makes calls of the items that a worker has left. */
  #follow(call: MapCall, rest: readonly unknown[]): void {
    const { task, chunkSize, terms } = this.#plan;
    const { items, itemBytes = 0 } = chunkSize;
    let last = call;
    for (let at = 0; at < rest.length; at += items) {
      const part = rest.slice(at, at + items);
      const bytes = part.length * itemBytes;
      const next = new MapCall(this, task, part, call.chunk, terms, bytes);
      last.follow(next);
      this.#rest.add(next);
      last = next;
    }
    // It may have taken its last item before.
    this.#sink.addSource(this);
  }

  /** Submits a call for items that a worker has left, if it waits. */
  #submitRest(call: MapCall): void {
    if (!this.#rest.delete(call)) return;
    this.#flow.submitted(call);
    this.#buffer.pushNext(call);
    this.#sink.resubmit(call);
  }

  #makeCall(items: unknown[], bytes: number): MapCall {
    const { task, spread, chunkSize, terms } = this.#plan;
    if (chunkSize.single) {
      const args = spread ? argumentList(items[0]) : items;
      return new MapCall(this, task, args, undefined, terms, bytes);
    }
    const payload = spread ? items.map(argumentList) : items;
    const chunk = spread ? "spread" : "single";
    return new MapCall(this, task, payload, chunk, terms, bytes);
  }
}
