import { type Attachment, sizeOf } from "../codec/attachment_writer.ts";
import type { Piece } from "./outgoing_frame.ts";

/** An attachment that is sent in the middle of a buffer. */
export interface Insertion {
  /** Its position in the buffer. */
  readonly position: number;
  /** The attachment. */
  readonly content: Attachment;
  /** Its length at first: its memory may have been transferred since. */
  readonly length: number;
}

/** Takes the pieces of a buffer and the attachments between them, in order. */
export class PieceList {
  readonly #bytes: Uint8Array<ArrayBuffer>;
  readonly #insertions: readonly Insertion[];
  #position = 0;
  #index = 0;

  /** Constructs a list of the pieces that weren't taken. */
  constructor(
    bytes: Uint8Array<ArrayBuffer>,
    insertions: readonly Insertion[],
  ) {
    this.#bytes = bytes;
    this.#insertions = insertions;
  }

  /** Leaves out some bytes of the buffer. */
  skip(length: number): void {
    this.#position += length;
  }

  /** Returns the pieces up to a position in the buffer. */
  takeUntil(end: number): Piece[] {
    const pieces: Piece[] = [];
    for (; this.#index < this.#insertions.length; this.#index++) {
      const { content, length, position } = this.#insertions[this.#index]!;
      if (position > end) break;
      this.#takeBytes(pieces, position);
      const isWhole = sizeOf(content) === length;
      pieces.push({
        content: isWhole ? content : new Uint8Array(length),
        length,
      });
    }
    this.#takeBytes(pieces, end);
    return pieces;
  }

  #takeBytes(pieces: Piece[], end: number): void {
    const length = end - this.#position;
    if (length === 0) return;
    pieces.push({ content: this.#bytes.subarray(this.#position, end), length });
    this.#position = end;
  }
}
