/** How much memory the announced length of a frame may take at once. */
const FIRST_BYTES = 2 ** 21;

/** How many times as much memory the bytes that have arrived may take. */
const GROWTH = 16;

/**
 * Collects the content of a large frame in memory of its own.
 *
 * The memory grows as bytes arrive: an announced length alone allocates little.
 * Each stage is a 16th of the next. Its bytes are copied to the next stage a few
 * at a time while others arrive, so no step takes long.
 */
export class IncomingFrame {
  /** The size of the content in bytes. */
  readonly byteLength: number;
  #bytes: Uint8Array<ArrayBuffer>;
  #received = 0;
  /** The previous stage, until all of its bytes are copied. */
  #previous: Uint8Array<ArrayBuffer> | undefined;
  #copied = 0;

  /** Constructs a frame of a size, of which nothing has arrived. */
  constructor(byteLength: number) {
    this.byteLength = byteLength;
    this.#bytes = this.#allocate();
  }

  /** Whether all bytes have arrived. */
  get isComplete(): boolean {
    return this.#received === this.byteLength;
  }

  /** How many bytes are missing. */
  get missing(): number {
    return this.byteLength - this.#received;
  }

  /** The content, once it is complete. */
  get bytes(): Uint8Array<ArrayBuffer> {
    return this.#bytes;
  }

  /** Returns memory for the next bytes, at most `length`. */
  room(length: number): Uint8Array<ArrayBuffer> {
    if (this.#received === this.#bytes.length) this.#grow();
    return this.#bytes.subarray(this.#received, this.#received + length);
  }

  /** Counts bytes that were written to {@linkcode IncomingFrame.room}. */
  fill(count: number): void {
    this.#received += count;
    if (this.#previous !== undefined) this.#copy(count);
  }

  /** Appends a copy of some bytes. */
  append(bytes: Uint8Array): void {
    while (bytes.length > 0) {
      const room = this.room(bytes.length);
      room.set(bytes.subarray(0, room.length));
      this.fill(room.length);
      bytes = bytes.subarray(room.length);
    }
  }

  #grow(): void {
    if (this.#previous !== undefined) this.#copy(Infinity);
    this.#previous = this.#bytes;
    this.#copied = 0;
    this.#bytes = this.#allocate();
  }

  /** Copies some bytes of the previous stage. */
  #copy(count: number): void {
    const previous = this.#previous!;
    const end = this.isComplete
      ? previous.length
      : Math.min(previous.length, this.#copied + count);
    this.#bytes.set(previous.subarray(this.#copied, end), this.#copied);
    this.#copied = end;
    if (end === previous.length) this.#previous = undefined;
  }

  /**
   * Allocates the next stage. The last one ends at a multiple of 8 bytes, which
   * aligns a typed array that is the frame's only attachment.
   */
  #allocate(): Uint8Array<ArrayBuffer> {
    const most = Math.max(FIRST_BYTES, this.#received * GROWTH);
    let size = this.byteLength;
    while (size > most) size = Math.ceil(size / GROWTH);
    const offset = (8 - size % 8) % 8;
    return new Uint8Array(new ArrayBuffer(offset + size), offset);
  }
}
