import type { Attachment } from "../codec/attachment_writer.ts";

/** The bit in a length prefix that marks a part of a frame. */
export const PART_FLAG = 0x8000_0000;

/** The size of a part in bytes, without its header. The last may be smaller. */
export const PART_BYTES = 2 ** 18;

/** The size of the first part's header: its size, and that of the frame. */
export const FIRST_HEADER_BYTES = 12;

/** Bytes up to this size are copied behind the header, to be sent with it. */
const MAX_COPIED_BYTES = 4_096;

/** Consecutive bytes of a frame that have one source. */
export interface Piece {
  /** The source. */
  readonly content: Attachment;
  /** The source's length at first: its memory may have been transferred since. */
  readonly length: number;
}

/** Some bytes of a piece. */
export interface Slice extends Piece {
  /** The position of the first byte. */
  readonly start: number;
  /** The position after the last byte. */
  readonly end: number;
}

/**
 * A frame that is sent in parts, because it is too large for a length prefix or
 * because other frames may overtake it.
 */
export class OutgoingFrame {
  /** The content of the frame. */
  readonly pieces: readonly Piece[];
  /** The size of the content in bytes. */
  readonly byteLength: number;
  /** Whether frames that were written later may be sent first. */
  readonly mayBeOvertaken: boolean;
  #sent = 0;
  #index = 0;
  #offset = 0;

  /** Constructs a frame of which nothing has been sent. */
  constructor(
    pieces: readonly Piece[],
    byteLength: number,
    mayBeOvertaken: boolean,
  ) {
    this.pieces = pieces;
    this.byteLength = byteLength;
    this.mayBeOvertaken = mayBeOvertaken;
  }

  /** Whether at most one part is left. */
  get isEnding(): boolean {
    return this.byteLength - this.#sent <= PART_BYTES;
  }

  /** Whether all parts were returned. */
  get isComplete(): boolean {
    return this.#sent === this.byteLength;
  }

  /** Returns the next part, with its header. */
  next(): Slice[] {
    const isFirst = this.#sent === 0;
    const length = Math.min(PART_BYTES, this.byteLength - this.#sent);
    const slices = this.#slices(length);
    const header = new Uint8Array(isFirst ? FIRST_HEADER_BYTES : 4);
    const view = new DataView(header.buffer);
    view.setUint32(0, PART_FLAG | length);
    if (isFirst) {
      view.setUint32(4, Math.floor(this.byteLength / 2 ** 32));
      view.setUint32(8, this.byteLength);
    }
    const [first] = slices;
    // Each write is a system call.
    const bytes = first!.end - first!.start <= MAX_COPIED_BYTES &&
        ArrayBuffer.isView(first!.content)
      ? join(header, first!.content.subarray(first!.start, first!.end))
      : header;
    if (bytes !== header) slices.shift();
    slices.unshift({
      content: bytes,
      length: bytes.length,
      start: 0,
      end: bytes.length,
    });
    return slices;
  }

  #slices(length: number): Slice[] {
    const slices: Slice[] = [];
    this.#sent += length;
    while (length > 0) {
      const piece = this.pieces[this.#index]!;
      const start = this.#offset;
      const end = Math.min(piece.length, start + length);
      if (end > start) slices.push({ ...piece, start, end });
      length -= end - start;
      this.#offset = end;
      if (end < piece.length) break;
      this.#index++;
      this.#offset = 0;
    }
    return slices;
  }
}

function join(
  header: Uint8Array,
  bytes: Uint8Array,
): Uint8Array<ArrayBuffer> {
  const joined = new Uint8Array(header.length + bytes.length);
  joined.set(header);
  joined.set(bytes, header.length);
  return joined;
}
