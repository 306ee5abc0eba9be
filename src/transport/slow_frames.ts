import type { FrameWriter } from "./frame_writer.ts";

/**
 * Remembers what the large frames are about that were written and haven't left
 * as a whole, because some later frames may not overtake them.
 */
export class SlowFrames {
  readonly #writer: FrameWriter;
  /** The number of the last frame about each key, in the order of numbers. */
  readonly #numbers = new Map<number, number>();

  /** Constructs an empty list of a writer's frames. */
  constructor(writer: FrameWriter) {
    this.#writer = writer;
  }

  /** Remembers that the last large frame is about a key. */
  add(key: number): void {
    this.#forgetLeft();
    this.#numbers.delete(key);
    this.#numbers.set(key, this.#writer.slowWritten);
  }

  /** Returns whether a frame about a key hasn't left as a whole. */
  has(key: number): boolean {
    if (this.#numbers.size === 0) return false;
    this.#forgetLeft();
    return this.#numbers.has(key);
  }

  /** The keys of all frames that haven't, in the order of the frames. */
  get keys(): Iterable<number> {
    this.#forgetLeft();
    return this.#numbers.keys();
  }

  #forgetLeft(): void {
    const { slowLeft } = this.#writer;
    for (const [key, number] of this.#numbers) {
      if (number > slowLeft) return;
      this.#numbers.delete(key);
    }
  }
}
