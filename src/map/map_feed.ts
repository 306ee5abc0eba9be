import { setImmediate } from "node:timers";
import type { ChunkSize } from "./chunk_size.ts";
import { END, type Items } from "./items.ts";
import { roughSize } from "../util/rough_size.ts";

/** The size of items that completes a chunk, in bytes. */
const MAX_CHUNK_BYTES = 4 * 2 ** 20;

/** Takes the chunks of a feed. */
export interface FeedTarget {
  /** Returns whether another chunk may be submitted now. */
  wants(): boolean;
  /**
   * Takes a chunk.
   *
   * @param bytes About how many bytes its items and their results have.
   */
  submit(items: unknown[], bytes: number): void;
  /** Notes that the items have ended, or failed with an error. */
  end(error?: { readonly reason: unknown }): void;
}

/** Makes chunks of the items of a map. */
export class MapFeed {
  readonly #items: Items;
  readonly #chunkSize: ChunkSize;
  readonly #target: FeedTarget;
  /** The items of the next chunk so far. */
  #chunk: unknown[] = [];
  #bytes = 0;
  #ended = false;
  #pumping = false;
  #submitDue = false;

  /** Constructs a feed that has taken nothing. */
  constructor(items: Items, chunkSize: ChunkSize, target: FeedTarget) {
    this.#items = items;
    this.#chunkSize = chunkSize;
    this.#target = target;
  }

  /** Whether it gives no more chunks. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Gives the chunks that are wanted, now or when their items arrive. */
  fill(): void {
    if (!this.#items.sync) {
      if (!this.#pumping) this.#pump();
      return;
    }
    while (!this.#ended && this.#target.wants()) this.#take();
  }

  /** Gives no more chunks. */
  stop(): void {
    this.#ended = true;
    this.#chunk = [];
  }

  /**
   * Gives no more chunks, and closes the inputs.
   *
   * @throws Whatever an input throws.
   */
  async close(): Promise<void> {
    this.stop();
    await this.#items.close();
  }

  /** Takes the items of one chunk; fewer if they end. */
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
   * Takes items from async inputs, until no more are wanted. An item that was
   * asked for is sent even if no chunk is wanted any more when it arrives.
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

  /** Adds an item, and returns whether the chunk is complete. */
  #add(item: unknown): boolean {
    this.#chunk.push(item);
    if (typeof item !== "number") {
      // Later, the sizes of objects are known from those that were sent.
      const isFirst = this.#chunkSize.itemBytes === undefined;
      this.#bytes += roughSize(item, isFirst);
    }
    return this.#chunk.length >= this.#chunkSize.items ||
      this.#bytes > MAX_CHUNK_BYTES;
  }

  /**
   * Submits the chunk after a turn: the next item may take long to arrive, or
   * arrive only after the results of these items were read.
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
