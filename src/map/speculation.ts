import type { CallSink } from "./call_sink.ts";
import { DurationQuantile } from "./duration_quantile.ts";
import type { MapCall } from "./map_call.ts";
import { WatchedCall } from "./watched_call.ts";

/** How many items must have been answered before others count as slow. */
const MIN_ITEMS = 10;

/** Which share of the items takes as long as expected. */
const SHARE = 0.95;

/** A call is slow if it takes this many times as long as expected. */
const FACTOR = 2;

/** A call is slow if it takes this much longer than expected, in milliseconds. */
const MARGIN = 100;

/** How long to wait for an idle worker before looking again, in milliseconds. */
const PAUSE = 50;

/**
 * How many turns of the event loop pass before a call counts as slow: if the
 * program was busy, its answer may have arrived unread.
 */
const TURNS = 2;

/**
 * Runs the calls of a map that take much longer than others a second time, once
 * the map has nothing left to hand out. These are the backup tasks of MapReduce
 * (Dean and Ghemawat, 2004, section 3.6).
 */
export class Speculation {
  readonly #sink: CallSink;
  readonly #isDrained: () => boolean;
  /** The calls that haven't been answered. */
  readonly #calls = new Set<WatchedCall>();
  /** How long an item takes. */
  readonly #quantile = new DurationQuantile(SHARE);
  #timer: ReturnType<typeof setTimeout> | undefined;
  #hasEnded = false;
  readonly #watch = () => this.watch();

  /**
   * Constructs the speculation of a map that has no calls yet.
   *
   * @param isDrained Returns whether the map has nothing left to hand out.
   */
  constructor(sink: CallSink, isDrained: () => boolean) {
    this.#sink = sink;
    this.#isDrained = isDrained;
  }

  /**
   * Adds a call.
   *
   * @param before The call that had its items before, if another one had them.
   */
  add(call: WatchedCall, before: MapCall | undefined): void {
    if (this.#hasEnded) return;
    // Its items may have begun twice.
    call.isFinal = before instanceof WatchedCall && before.isFinal;
    // Nothing else may be answered after it has waited to run again.
    call.onSent = this.#watch;
    this.#calls.add(call);
  }

  /**
   * Handles that a call was answered.
   *
   * @param left How many of its items are left.
   * @param microseconds How long a worker was busy with the others, if known.
   */
  settled(call: MapCall, left: number, microseconds?: number): void {
    if (!(call instanceof WatchedCall)) return;
    this.#calls.delete(call);
    call.endBackup();
    // Items that yield values don't run twice.
    if (call.isStreamed) this.end();
    const items = call.items - left;
    if (microseconds !== undefined && items > 0) {
      this.#quantile.add(microseconds / items, items);
    }
    this.watch();
  }

  /** Watches the calls from now on, if the map has nothing left to hand out. */
  watch(): void {
    if (this.#hasEnded || this.#timer !== undefined) return;
    if (this.#quantile.count < MIN_ITEMS || !this.#isDrained()) return;
    this.#lookAfter(0, TURNS);
  }

  /** Starts no more second runs, and ends those whose first run goes on. */
  end(): void {
    this.#hasEnded = true;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const call of this.#calls) {
      if (call.state === "sent") call.endBackup();
    }
    this.#calls.clear();
  }

  /** Starts second runs of the slow calls, and looks again when others may be. */
  #look(): void {
    const expected = this.#quantile.microseconds / 1_000;
    let next = Infinity;
    for (const call of this.#calls) {
      if (!call.mayBackUp) continue;
      const time = expected * call.items;
      const slow = Math.max(time * FACTOR, time + MARGIN);
      const left = slow - call.runningTime;
      if (left > 0) next = Math.min(next, left);
      else if (!this.#backUp(call)) next = Math.min(next, PAUSE);
    }
    if (next < Infinity) this.#lookAfter(next, TURNS);
  }

  #lookAfter(milliseconds: number, turns: number): void {
    this.#timer = setTimeout(() => {
      if (turns > 0) return this.#lookAfter(0, turns - 1);
      this.#timer = undefined;
      this.#look();
    }, milliseconds);
    Deno.unrefTimer(this.#timer);
  }

  #backUp(call: WatchedCall): boolean {
    return this.#sink.backUp(call, () => call.makeBackup());
  }
}
