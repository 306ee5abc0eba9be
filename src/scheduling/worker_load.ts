import type { Call } from "../calls/call.ts";
import type { Placement } from "../calls/placement.ts";
import type { PrefetchWindow } from "./prefetch_window.ts";

/** How much a worker has to do, and where else that may run. */
export class WorkerLoad {
  readonly #window: PrefetchWindow;
  #items = 0;
  /** How many calls may not run anywhere. */
  #placed = 0;
  /** How many calls have keys. */
  #keyed = 0;
  /** The placement of the last one that was sent. */
  #range: Placement | undefined;

  /** Constructs the load of a worker without calls. */
  constructor(window: PrefetchWindow) {
    this.#window = window;
  }

  /** How many items the worker's calls have, without those that are paused. */
  get items(): number {
    return this.#items;
  }

  /** How many of its calls could move to other workers, if they haven't begun. */
  get movable(): number {
    return Math.max(0, this.#window.calls - this.#keyed);
  }

  /**
   * Where the calls that wait here may run: anywhere only if that is so for all
   * of them. The last ones are given back first, so the last placement counts.
   */
  get range(): Placement | undefined {
    return this.#placed > 0 ? this.#range : undefined;
  }

  /**
   * Adds a call that is sent.
   *
   * @param bytes Its size in bytes.
   */
  add({ items, terms }: Call, bytes: number): void {
    this.#window.sent(bytes, items);
    this.#items += items;
    const { placement } = terms;
    // A call with resources doesn't wait here.
    if (placement !== undefined && placement.needs === undefined) {
      this.#placed++;
      this.#range = placement;
      if (placement.isKeyed) this.#keyed++;
    }
  }

  /** Removes a call that was answered. */
  remove(call: Call): void {
    const { placement } = call.terms;
    if (placement !== undefined && placement.needs === undefined) {
      this.#placed--;
      if (placement.isKeyed) this.#keyed--;
    }
    if (call.hasPlace) this.pause(call);
  }

  /** Frees the place of a call that was paused for others. */
  pause(call: Call): void {
    this.#window.returned(call.bytes);
    this.#items -= call.items;
  }

  /** Takes a place for a paused call that continues. */
  resume(call: Call): void {
    this.#window.sent(call.bytes);
    this.#items += call.items;
  }

  /** Removes the last items of a chunk, which the worker has given back. */
  cut(items: number): void {
    this.#items -= items;
  }

  /** Takes note that removed calls can run elsewhere. */
  giveBack(calls: readonly Call[]): void {
    for (const { items } of calls) this.#window.givenBack(items);
  }
}
