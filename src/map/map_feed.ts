import { setImmediate } from "node:timers";
import type { ChunkSize } from "./chunk_size.ts";
import { END, type Items } from "./items.ts";
import { roughSize } from "../util/rough_size.ts";

/** Arguments that are taken into one chunk, in bytes. */
const MAX_CHUNK_BYTES = 4 * 2 ** 20;

/** Takes what a feed gives. */
export interface FeedTarget {
  /** Whether another chunk is wanted now. */
  wants(): boolean;
  /**
   * Takes a chunk.
   *
   * @param bytes About how much its items and their results take.
   */
  submit(items: unknown[], bytes: number): void;
  /** Notes that the items have come to their end, or why. */
  end(error?: { readonly reason: unknown }): void;
}

/** Takes the items of a map from its inputs, and makes chunks of them. */
export class MapFeed {
  readonly #items: Items;
  readonly #chunkSize: ChunkSize;
  readonly #target: FeedTarget;
  /** The next chunk, as far as its items have come. */
  #chunk: unknown[] = [];
  #bytes = 0;
  #ended = false;
  #pumping = false;
  #submitDue = false;

  /** Constructs a feed that takes nothing before it is told to. */
  constructor(items: Items, chunkSize: ChunkSize, target: FeedTarget) {
    this.#items = items;
    this.#chunkSize = chunkSize;
    this.#target = target;
  }

  /** Whether nothing more will come. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Gives what is wanted, now or when the inputs have it. */
  fill(): void {
    if (!this.#items.sync) {
      if (!this.#pumping) this.#pump();
      return;
    }
    while (!this.#ended && this.#target.wants()) this.#take();
  }

  /** Gives nothing more. */
  stop(): void {
    this.#ended = true;
    this.#chunk = [];
  }

  /**
   * Gives nothing more, and tells the inputs so.
   *
   * @throws Whatever one of them throws.
   */
  async close(): Promise<void> {
    this.stop();
    await this.#items.close();
  }

  /** Takes the items of a chunk; fewer if they end. */
  #take(): void {
    try {
      for (;;) {
        const item = this.#items.next();
        if (item === END) return this.#end();
        if (this.#add(item)) break;
      }
    } catch (reason) {
      return this.#end({ reason });
    }
    this.#submit();
  }

  /**
   * Takes items from inputs that give them when they have them. One that is
   * asked for is waited for, whatever becomes of those before it.
   */
  async #pump(): Promise<void> {
    this.#pumping = true;
    while (!this.#ended && (this.#chunk.length > 0 || this.#target.wants())) {
      let isFull: boolean;
      try {
        const item = await this.#items.nextAsync();
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

  /** Adds an item, and says whether the chunk is complete. */
  #add(item: unknown): boolean {
    this.#chunk.push(item);
    if (typeof item !== "number") {
      // Later, what objects hold is known from those that came back.
      const isFirst = this.#chunkSize.itemBytes === undefined;
      this.#bytes += roughSize(item, isFirst);
    }
    return this.#chunk.length >= this.#chunkSize.items ||
      this.#bytes > MAX_CHUNK_BYTES;
  }

  /**
   * Doesn't let items wait for more than a turn: the next one may be long in
   * coming, or come only once the results of these were read.
   */
  async #submitSoon(): Promise<void> {
    if (this.#submitDue) return;
    this.#submitDue = true;
    await new Promise((resolve) => setImmediate(resolve));
    this.#submitDue = false;
    this.#submit();
  }

  #submit(): void {
    if (this.#chunk.length === 0) return;
    const items = this.#chunk;
    const { itemBytes = 0 } = this.#chunkSize;
    const bytes = Math.max(this.#bytes, items.length * itemBytes);
    this.#chunk = [];
    this.#bytes = 0;
    this.#target.submit(items, bytes);
  }

  #end(error?: { readonly reason: unknown }): void {
    if (this.#ended) return;
    this.#submit();
    this.#ended = true;
    this.#target.end(error);
  }
}
