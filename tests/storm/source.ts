import { Random } from "./random.ts";

/** The sources that a storm has opened. */
export class Sources {
  /** How many were opened. */
  opened = 0;
  /** The sources that haven't been closed. */
  readonly open = new Set<Source>();
}

/**
 * An argument that yields numbers, and records whether it is closed. It fails
 * after some of them if `error` is set.
 */
export class Source implements AsyncIterableIterator<number> {
  /** How many values were taken. */
  taken = 0;
  readonly #sources: Sources;
  readonly #random: Random;

  /** Opens a source. */
  constructor(
    sources: Sources,
    readonly name: string,
    readonly valueAt: (at: number) => number,
    readonly length: number,
    readonly error?: unknown,
  ) {
    this.#sources = sources;
    this.#random = new Random(length);
    sources.opened++;
    sources.open.add(this);
  }

  /** Returns the source, or a `ReadableStream` of its values. */
  as(kind: "iterable" | "stream"): AsyncIterable<number> {
    if (kind === "iterable") return this;
    return new ReadableStream<number>({
      pull: async (controller) => {
        const { done, value } = await this.next();
        if (done) controller.close();
        else controller.enqueue(value);
      },
      cancel: () => this.#close(),
    }, { highWaterMark: 0 });
  }

  async next(): Promise<IteratorResult<number, undefined>> {
    if (this.#random.chance(0.002)) {
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    if (this.taken < this.length) {
      return { done: false, value: this.valueAt(this.taken++) };
    }
    this.#close();
    if (this.error !== undefined) throw this.error;
    return { done: true, value: undefined };
  }

  // deno-lint-ignore require-await
  async return(): Promise<IteratorResult<number, undefined>> {
    this.#close();
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #close(): void {
    this.#sources.open.delete(this);
  }
}
