import { Queue } from "../util/queue.ts";

const DONE: IteratorReturnResult<undefined> = { done: true, value: undefined };

/**
 * An async iterator over items that are pushed into it. Items wait in a queue
 * without a limit until they are taken. It has one reader, which waits for each
 * item before it asks for the next.
 */
export class ItemQueue<Item> implements AsyncIterableIterator<Item> {
  readonly #items = new Queue<Item>();
  /** The pending request for an item. */
  #waiting: PromiseWithResolvers<IteratorResult<Item>> | undefined;
  #ended = false;
  /** The error to throw after the last item. */
  #error: { readonly reason: unknown } | undefined;

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** Adds an item, unless the items have ended. */
  push(item: Item): void {
    if (this.#ended) return;
    if (this.#waiting === undefined) return this.#items.push(item);
    this.#waiting.resolve({ done: false, value: item });
    this.#waiting = undefined;
  }

  /** Ends the items, after those that wait. */
  end(): void {
    this.#ended = true;
    this.#waiting?.resolve(DONE);
    this.#waiting = undefined;
  }

  /** Ends the items with an error, after those that wait. */
  fail(reason: unknown): void {
    if (this.#waiting === undefined) this.#error = { reason };
    else this.#waiting.reject(reason);
    this.#waiting = undefined;
    this.#ended = true;
  }

  next(): Promise<IteratorResult<Item>> {
    if (this.#items.length > 0) {
      const value = this.#items.shift() as Item;
      return Promise.resolve({ done: false, value });
    }
    if (this.#error !== undefined) {
      const { reason } = this.#error;
      this.#error = undefined;
      return Promise.reject(reason);
    }
    if (this.#ended) return Promise.resolve(DONE);
    this.#waiting = Promise.withResolvers();
    return this.#waiting.promise;
  }

  /** Ends the items, and drops those that wait. */
  return(): Promise<IteratorResult<Item>> {
    this.#items.drain();
    this.#error = undefined;
    this.end();
    return Promise.resolve(DONE);
  }
}
