import type { CallTerms } from "../calls/call.ts";
import type { CallerTrace } from "../calls/caller_trace.ts";
import type { ChunkSize } from "./chunk_size.ts";
import type { Items } from "./items.ts";
import { watchLimits } from "../calls/watch_limits.ts";
import { argumentList, MapCall } from "./map_call.ts";
import { MapFeed } from "./map_feed.ts";
import { Queue } from "../util/queue.ts";
import type { CallSource } from "../scheduling/call_sources.ts";
import type { Scheduler } from "../scheduling/scheduler.ts";
import type { RegisteredTask } from "../tasks/task_registry.ts";

/** Results that may wait for their reader, in bytes. */
const MAX_HELD_BYTES = 32 * 2 ** 20;

/** What may be under way per worker, with the results, in bytes. */
const MAX_UNDER_WAY_BYTES = 4 * 2 ** 20;

/** Calls per worker, beyond the windows, whose results may wait for others. */
const CALLS_AHEAD = 16;

/** Items per worker that may be taken before their results are read. */
const ITEMS_AHEAD = 32_768;

/**
 * The results of a map, to be iterated once.
 *
 * Nothing is taken from the inputs before the first result is asked for, and
 * when the loop is left early, tasks that haven't begun are dropped and the
 * inputs are closed.
 *
 * @typeParam Result What the task returns.
 */
export interface MapResults<Result>
  extends AsyncIterableIterator<Result, undefined>, AsyncDisposable {
  /** Itself. */
  [Symbol.asyncIterator](): MapResults<Result>;
  /**
   * Collects the results that remain: faster than a loop, if they fit in
   * memory.
   *
   * @example Usage
   * ```ts
   * import { Pool } from "@distex/pool";
   * import { assertEquals } from "@std/assert";
   *
   * await using pool = new Pool(2);
   * const squares = pool.map((x: number) => x * x, [1, 2, 3]);
   * assertEquals((await squares.next()).value, 1);
   * assertEquals(await squares.toArray(), [4, 9]);
   * ```
   *
   * @returns All results, in the order in which a loop would see them.
   * @throws What a loop would throw.
   */
  toArray(): Promise<Result[]>;
}

/** What a map is to do. */
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
  /** On what terms its calls are made. */
  readonly terms: CallTerms;
}

type Step = "value" | "wait" | "end";

/** A map on its way from its inputs to its reader. */
export class MapRun<Result> implements MapResults<Result>, CallSource {
  readonly #plan: MapPlan;
  readonly #scheduler: Scheduler;
  readonly #feed: MapFeed;

  /** Calls in the order of results; unordered, only those that have arrived. */
  readonly #results = new Queue<MapCall>();
  /** Unordered: the calls that have not arrived. */
  readonly #expected = new Set<MapCall>();
  readonly #readers = new Queue<
    PromiseWithResolvers<IteratorResult<Result, undefined>>
  >();
  #changed: PromiseWithResolvers<void> | undefined;

  /** The call whose values are being read, and the index of the next one. */
  #current: MapCall | undefined;
  #index = 0;

  /** Calls whose items were taken and whose values weren't all read. */
  #outstanding = 0;
  #heldBytes = 0;
  /** Calls that were submitted and haven't arrived. */
  #underWay = 0;
  /** What they and their results are expected to take. */
  #underWayBytes = 0;
  /** The source is asked again once no more than this are outstanding. */
  #wakeAt = -1;

  #started = false;
  #finished = false;
  /** Whether nothing is submitted any more, whatever the source still gives. */
  #sealed = false;
  #error: { readonly reason: unknown } | undefined;
  /** How many calls the workers have room for. */
  #wanted = 0;
  /** How many calls may be outstanding. */
  #most = 0;
  /** How many workers there are for them. */
  #workers = 0;
  /** Watches no more for what would end the map early. */
  #unwatch: (() => void) | undefined;

  /** Constructs a map that begins when its first result is asked for. */
  constructor(plan: MapPlan, scheduler: Scheduler) {
    this.#plan = plan;
    this.#scheduler = scheduler;
    this.#feed = new MapFeed(plan.items, plan.chunkSize, {
      wants: () => this.#wants(),
      submit: (items, bytes) => this.#submit(items, bytes),
      end: (error) => this.#exhaust(error),
    });
  }

  /** The host where its tasks must run; `undefined` for any. */
  get host(): string | undefined {
    return this.#plan.terms.host;
  }

  [Symbol.asyncIterator](): MapResults<Result> {
    return this;
  }

  next(): Promise<IteratorResult<Result, undefined>> {
    this.#start();
    if (this.#readers.length === 0) {
      try {
        const step = this.#advance();
        if (step === "value") return Promise.resolve(this.#read());
        if (step === "end") return Promise.resolve(ended());
      } catch (error) {
        return Promise.reject(error);
      }
    }
    const reader = Promise.withResolvers<IteratorResult<Result, undefined>>();
    this.#readers.push(reader);
    return reader.promise;
  }

  async return(): Promise<IteratorResult<Result, undefined>> {
    const closed = this.#finish();
    this.#serve();
    await closed;
    return ended();
  }

  async toArray(): Promise<Result[]> {
    this.#start();
    const results: Result[] = [];
    for (let step = this.#advance(); step !== "end"; step = this.#advance()) {
      if (step === "wait") {
        this.#changed ??= Promise.withResolvers();
        await this.#changed.promise;
        continue;
      }
      const { values } = this.#current!;
      for (; this.#index < values.length; this.#index++) {
        results.push(values[this.#index] as Result);
      }
    }
    return results;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  /** Submits calls, as the scheduler has room for them. */
  fill(room: number): void {
    if (this.#feed.ended) return;
    this.#wanted = room;
    const { workers, capacity } = this.#scheduler.roomAt(this.host);
    const chunks = Math.ceil(ITEMS_AHEAD / this.#plan.chunkSize.items);
    this.#workers = workers;
    this.#most = Math.min(
      capacity + workers * CALLS_AHEAD,
      workers * Math.max(2, chunks),
    );
    this.#feed.fill();
  }

  /** Takes no more from the source: the pool is shut down, or broken. */
  stop(reason: Error): void {
    if (this.#feed.ended) return;
    this.#seal({ reason });
    this.#serve();
  }

  /** Takes a call's outcome. */
  settled(call: MapCall, microseconds?: number): void {
    const { ordered, chunkSize } = this.#plan;
    if (!ordered) {
      if (!this.#expected.delete(call)) return;
      this.#results.push(call);
    }
    this.#underWay--;
    this.#underWayBytes -= call.expectedBytes;
    this.#heldBytes += call.resultBytes;
    if (microseconds !== undefined) {
      const bytes = call.bytes + call.resultBytes;
      chunkSize.measured(call.items, microseconds, bytes);
    }
    if (this.#readers.length > 0 || this.#changed !== undefined) this.#serve();
  }

  #start(): void {
    if (this.#started) return;
    this.#started = true;
    const { signal, trace } = this.#plan;
    if (signal?.aborted) return this.#interrupt(signal.reason);
    const interrupt = (reason: unknown) => this.#interrupt(reason);
    this.#unwatch = watchLimits(this.#plan, interrupt, trace, "map");
    this.#scheduler.addSource(this);
  }

  #interrupt(reason: unknown): void {
    this.#error = { reason };
    this.#seal({ reason });
    this.#abandon();
    this.#serve();
  }

  /** Whether there is room for another call. */
  #wants(): boolean {
    if (this.#wanted <= 0 || this.#isLarge()) return false;
    if (this.#outstanding < this.#most && this.#heldBytes <= MAX_HELD_BYTES) {
      return true;
    }
    this.#wakeAt = Math.floor(Math.min(this.#outstanding, this.#most) * 0.75);
    return false;
  }

  /** Whether no more fits under way, where each worker can have one call. */
  #isLarge(): boolean {
    return this.#underWay >= this.#workers &&
      this.#underWayBytes >= this.#workers * MAX_UNDER_WAY_BYTES;
  }

  #submit(items: unknown[], bytes: number): void {
    if (this.#sealed) return;
    let call: MapCall;
    try {
      call = this.#makeCall(items);
    } catch (reason) {
      return this.#exhaust({ reason });
    }
    this.#wanted--;
    this.#underWay++;
    this.#underWayBytes += call.expectedBytes = bytes;
    this.#outstanding++;
    if (this.#plan.ordered) this.#results.push(call);
    else this.#expected.add(call);
    this.#scheduler.submit(call);
  }

  #makeCall(items: unknown[]): MapCall {
    const { task, spread, chunkSize, terms } = this.#plan;
    if (chunkSize.single) {
      const args = spread ? argumentList(items[0]) : items;
      return new MapCall(this, task, args, undefined, terms);
    }
    if (!spread) return new MapCall(this, task, items, "single", terms);
    const lists = items.map(argumentList);
    return new MapCall(this, task, lists, "spread", terms);
  }

  #seal(error: { readonly reason: unknown }): void {
    this.#sealed = true;
    this.#endSource(error);
    this.#feed.close().catch(() => {});
  }

  /** Tells the readers, too, that the source has ended. */
  #exhaust(error?: { readonly reason: unknown }): void {
    this.#endSource(error);
    this.#serve();
  }

  #endSource(error?: { readonly reason: unknown }): void {
    this.#feed.stop();
    this.#error ??= error;
    this.#scheduler.removeSource(this);
  }

  /** Sees to it that there is a value to read, if one has arrived. */
  #advance(): Step {
    for (;;) {
      const current = this.#current;
      if (current !== undefined) {
        if (this.#index < current.values.length) return "value";
        this.#leave(current);
      }
      if (this.#finished) return "end";
      const head = this.#results.peek();
      if (head === undefined || !head.arrived) {
        const isMore = head !== undefined || this.#expected.size > 0;
        if (isMore || !this.#feed.ended) return "wait";
        this.#close();
        if (this.#error !== undefined) throw this.#error.reason;
        return "end";
      }
      this.#current = this.#results.shift();
      this.#index = 0;
    }
  }

  /** Goes on from a call whose values were all read. */
  #leave(call: MapCall): void {
    this.#current = undefined;
    this.#outstanding--;
    this.#heldBytes -= call.resultBytes;
    if (this.#outstanding <= this.#wakeAt) {
      this.#wakeAt = -1;
      this.#scheduler.wake();
    }
    if (call.thrown !== undefined) {
      this.#close();
      throw this.#plan.trace.addTo(call.thrown.reason);
    }
  }

  #read(): IteratorResult<Result, undefined> {
    const value = this.#current!.values[this.#index++] as Result;
    return { done: false, value };
  }

  /** Gives readers that wait what there is by now. */
  #serve(): void {
    this.#changed?.resolve();
    this.#changed = undefined;
    while (this.#readers.length > 0) {
      try {
        const step = this.#advance();
        if (step === "wait") return;
        this.#readers.shift()!.resolve(
          step === "value" ? this.#read() : ended(),
        );
      } catch (error) {
        this.#readers.shift()!.reject(error);
      }
    }
  }

  /** Ends the map without waiting for what its inputs do at their end. */
  #close(): void {
    this.#finish().catch(() => {});
  }

  async #finish(): Promise<void> {
    if (this.#finished) return;
    this.#finished = this.#sealed = this.#started = true;
    this.#unwatch?.();
    this.#endSource();
    this.#abandon();
    this.#current = undefined;
    this.#results.drain();
    await this.#feed.close();
  }

  /** Drops calls that haven't begun, and the results of those that have. */
  #abandon(): void {
    const calls = [...this.#results.drain(), ...this.#expected];
    this.#expected.clear();
    // What could be read without waiting stays readable.
    let readable = true;
    for (const call of calls) {
      readable &&= call.arrived;
      if (readable) this.#results.push(call);
      else this.#scheduler.abandon(call);
    }
  }
}

function ended(): IteratorReturnResult<undefined> {
  return { done: true, value: undefined };
}
