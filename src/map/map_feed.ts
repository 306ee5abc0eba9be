import { setImmediate } from "node:timers";
import type { ChunkSize } from "./chunk_size.ts";
import { END } from "./array_cursor.ts";
import type { ItemRange } from "./item_range.ts";
import type { Items } from "./items.ts";
import { type ItemReceiver, PushedItems } from "./pushed_items.ts";
import { roughSize } from "../util/rough_size.ts";

/** A chunk whose items exceed this many bytes is complete. */
const MAX_CHUNK_BYTES = 4 * 2 ** 20;

/** The largest chunk for whose items there is room before they are taken. */
const MAX_ROOM = 4_096;

/** Handles the chunks of a feed. */
export interface FeedTarget {
  /** Returns whether another chunk may be submitted now. */
  wants(): boolean;
  /** Returns whether the first items are needed before others. */
  needsFirst(): boolean;
  /**
   * Returns how many items the next chunk should have at most.
   *
   * @param left How many items are left, including its own; `Infinity` if that
   * is unknown.
   */
  most(left: number): number;
  /**
   * Submits a chunk.
   *
   * @param bytes The approximate bytes of its items and their results.
   * @param part The part of the items that it belongs to.
   * @param index The index of its first item among all items.
   */
  submit(items: unknown[], bytes: number, part: number, index: number): void;
  /** Handles the end of the last part, or the error of an input at a part. */
  end(part: number, error?: { readonly reason: unknown }): void;
}

/**
 * Groups the items of a map into chunks.
 *
 * Items can be in parts. Parts of even and odd numbers are taken from the start
 * and from the end of a range, and the last part from what follows all ranges.
 */
export class MapFeed implements ItemReceiver {
  readonly #items: Items | PushedItems;
  readonly #chunkSize: ChunkSize;
  readonly #target: FeedTarget;
  /** The items of the incomplete chunk. */
  #chunk: unknown[] = [];
  #bytes = 0;
  /** The index of the next item that isn't in a range. */
  #next = 0;
  #ended = false;
  #pumping = false;
  #submitDue = false;
  /** The ranges that the items were divided into; without those taken. */
  #ranges: (ItemRange | undefined)[] = [];
  /** How many chunks were taken from ranges. */
  #turn = 0;

  /** Constructs a feed that hasn't taken any item. */
  constructor(
    items: Items | PushedItems,
    chunkSize: ChunkSize,
    target: FeedTarget,
  ) {
    this.#items = items;
    if (items instanceof PushedItems) items.connect(this);
    this.#chunkSize = chunkSize;
    this.#target = target;
  }

  /** Whether the feed submits no more chunks. */
  get ended(): boolean {
    return this.#ended;
  }

  /** How many items weren't submitted; `Infinity` if that is unknown. */
  get left(): number {
    if (this.#ended) return 0;
    if (this.#items instanceof PushedItems) return Infinity;
    return this.#chunk.length + this.#leftOf(this.#items);
  }

  /** Whether an item may be pushed now. */
  get isOpen(): boolean {
    if (this.#ended) return false;
    return this.#chunk.length > 0 || this.#target.wants();
  }

  /** Whether it waits for an item of an async input, or for one to be pushed. */
  get waitsForInput(): boolean {
    return this.#pumping ||
      this.#items instanceof PushedItems && this.isOpen;
  }

  /** Submits the chunks that are wanted, now or when their items arrive. */
  fill(): void {
    const items = this.#items;
    if (items instanceof PushedItems) items.resume();
    else if (!items.sync) {
      if (!this.#pumping) this.#pump(items);
    } else {
      while (!this.#ended && this.#target.wants()) this.#take(items);
    }
  }

  /**
   * Notices the end of arrays that have no further items, although no chunk is
   * wanted: there may be no worker to want one.
   */
  finish(): void {
    const items = this.#items;
    if (this.left > 0 || items instanceof PushedItems || !items.sync) return;
    // Each range has an end, too.
    for (let part = 0; part <= this.#lastPart && !this.#ended; part++) {
      this.#take(items);
    }
  }

  /**
   * Divides the items of arrays, if there are enough, into parts that are taken
   * in turn: see {@linkcode Items.halve}.
   *
   * @returns The number of the last part.
   */
  divide(count: number, unit: number): number {
    if (this.#items instanceof PushedItems) return 0;
    const ranges = this.#items.halve(count, unit);
    for (const { left } of ranges) this.#next += left;
    this.#ranges = ranges;
    return this.#lastPart;
  }

  /** Returns whether more chunks of a part may come. */
  grows(part: number): boolean {
    if (this.#ended) return false;
    return part === this.#lastPart || this.#ranges[part >> 1] !== undefined;
  }

  /**
   * Drops the items that come after those already taken of a part.
   *
   * @returns Whether there were any.
   */
  dropAfter(part: number): boolean {
    const first = (part + 1) >> 1;
    const last = this.#ranges.findLastIndex((range) => range !== undefined);
    this.#ranges.fill(undefined, first);
    return last >= first;
  }

  /** Adds a pushed item. */
  push(item: unknown): void {
    try {
      if (this.#add(item)) this.#submit();
      else if (!this.#submitDue && !this.#chunkSize.fixed) this.#submitSoon();
    } catch (reason) {
      this.#end({ reason });
    }
  }

  /** Handles the end of pushed items. */
  pushEnd(): void {
    this.#end();
  }

  /** Stops submitting chunks, and drops the incomplete one. */
  stop(): void {
    this.#ended = true;
    this.#chunk = [];
  }

  /**
   * Stops submitting chunks, and closes the inputs.
   *
   * @throws Any error of an input: see {@linkcode Items.close}.
   */
  async close(): Promise<void> {
    this.stop();
    if (this.#items instanceof PushedItems) return;
    await this.#items.close();
  }

  /** Takes items from sync inputs, and submits one chunk. */
  #take(items: Items): void {
    const size = this.#nextSize(items);
    // An array that grows is copied several times.
    const chunk: unknown[] = size > MAX_ROOM ? [] : new Array(size);
    let count = 0;
    let isLast = false;
    let error: { readonly reason: unknown } | undefined;
    const part = this.#nextPart();
    const range = this.#ranges[part >> 1];
    const isReversed = part % 2 === 1;
    try {
      if (range === undefined) count = items.takeNumbers(chunk, size);
      while (count < size && this.#bytes <= MAX_CHUNK_BYTES) {
        const item = range === undefined
          ? items.next()
          : range.take(isReversed);
        isLast = item === END;
        if (isLast) break;
        chunk[count++] = item;
        if (typeof item !== "number") this.#weigh(item);
      }
    } catch (reason) {
      error = { reason };
    }
    // The iterable may have stopped the feed.
    if (this.#ended) return;
    chunk.length = count;
    this.#chunk = isReversed ? chunk.reverse() : chunk;
    if (range === undefined && (isLast || error !== undefined)) {
      return this.#end(error, part);
    }
    if (isLast) this.#ranges[part >> 1] = undefined;
    if (range === undefined) this.#submit(part);
    else this.#submit(part, isReversed ? range.end : range.start - count);
    if (error !== undefined) this.#target.end(part, error);
  }

  /** Returns the number of items in the next chunk. */
  #nextSize(items: Items): number {
    const { items: size, fixed } = this.#chunkSize;
    if (fixed || size === 1) return size;
    const most = this.#target.most(this.#leftOf(items));
    return Math.min(size, Math.max(1, most));
  }

  /** Returns how many items weren't taken. */
  #leftOf(items: Items): number {
    let { left } = items;
    for (const range of this.#ranges) left += range?.left ?? 0;
    return left;
  }

  /** The part of the items after all ranges. */
  get #lastPart(): number {
    return this.#ranges.length * 2;
  }

  /** Returns the part to take the next chunk from. */
  #nextPart(): number {
    const parts = this.#lastPart;
    if (parts === 0) return 0;
    const start = this.#target.needsFirst() ? 0 : this.#turn++;
    for (let offset = 0; offset < parts; offset++) {
      const part = (start + offset) % parts;
      if (this.#ranges[part >> 1] !== undefined) return part;
    }
    return parts;
  }

  /**
   * Takes items from async inputs while a chunk is wanted or incomplete. An item
   * that was already requested is submitted even if no chunk is wanted by then.
   */
  async #pump(items: Items): Promise<void> {
    this.#pumping = true;
    while (!this.#ended && (this.#chunk.length > 0 || this.#target.wants())) {
      let isFull: boolean;
      try {
        const item = await items.nextAsync();
        if (item === END) return this.#end();
        if (this.#ended) return;
        isFull = this.#add(item);
      } catch (reason) {
        return this.#end({ reason });
      }
      if (isFull) this.#submit();
      else if (!this.#chunkSize.fixed) this.#submitSoon();
    }
    this.#pumping = false;
  }

  /** Adds an item to the chunk, and returns whether it is complete. */
  #add(item: unknown): boolean {
    this.#chunk.push(item);
    if (typeof item !== "number") this.#weigh(item);
    return this.#chunk.length >= this.#chunkSize.items ||
      this.#bytes > MAX_CHUNK_BYTES;
  }

  #weigh(item: unknown): void {
    // Objects are counted only until the first measurement, which is better.
    const isFirst = this.#chunkSize.itemBytes === undefined;
    this.#bytes += roughSize(item, isFirst);
  }

  /**
   * Submits the chunk after a turn of the event loop. The next item may arrive
   * much later, or only after the results of these items were read.
   */
  async #submitSoon(): Promise<void> {
    if (this.#submitDue) return;
    this.#submitDue = true;
    await new Promise((resolve) => setImmediate(resolve));
    this.#submitDue = false;
    this.#submit();
  }

  /**
   * Submits the chunk, if it has items.
   *
   * @param index The index of its first item; by default, it comes after those
   * that were submitted before.
   */
  #submit(part = 0, index?: number): void {
    const items = this.#chunk;
    if (items.length === 0) return;
    const first = index ?? this.#next;
    if (index === undefined) this.#next += items.length;
    const { itemBytes = 0 } = this.#chunkSize;
    const bytes = Math.max(this.#bytes, items.length * itemBytes);
    this.#chunk = [];
    this.#bytes = 0;
    this.#target.submit(items, bytes, part, first);
  }

  #end(error?: { readonly reason: unknown }, part = 0): void {
    if (this.#ended) return;
    this.#submit(part);
    this.#ended = true;
    this.#target.end(part, error);
  }
}
