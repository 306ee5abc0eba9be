/** The size of the smallest buffer that is kept, in bytes. */
export const SPARE_BYTES = 65_536;

/** The size of the largest buffer that is kept, in bytes. */
const MAX_SPARE_BYTES = 2 ** 20;

/** How many bytes are kept in total. */
const MAX_TOTAL_BYTES = 2 ** 22;

/**
 * Buffers that the connections of this process share: each connection needs a
 * large buffer only while much is written or read at once.
 */
export class SpareBuffers {
  readonly #buffers: Uint8Array<ArrayBuffer>[] = [];
  #total = 0;

  /** Returns a buffer of at least {@linkcode SPARE_BYTES} bytes. */
  take(): Uint8Array<ArrayBuffer> {
    const bytes = this.#buffers.pop();
    if (bytes === undefined) return new Uint8Array(SPARE_BYTES);
    this.#total -= bytes.length;
    return bytes;
  }

  /** Keeps a buffer that nothing refers to, unless it is too small or large. */
  give(bytes: Uint8Array<ArrayBuffer>): void {
    const { length } = bytes;
    if (length < SPARE_BYTES || length > MAX_SPARE_BYTES) return;
    if (this.#total + length > MAX_TOTAL_BYTES) return;
    this.#buffers.push(bytes);
    this.#total += length;
  }
}
