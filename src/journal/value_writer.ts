import type { Attachment } from "../codec/attachment_writer.ts";
import { sizeOf } from "../codec/attachment_writer.ts";
import { Encoder } from "../codec/encoder.ts";
import type { V8Serializer } from "../codec/v8_serializer.ts";
import { concatBytes } from "../util/concat_bytes.ts";

/** A larger buffer isn't kept for the next value, in bytes. */
const MAX_KEPT_BYTES = 2 ** 20;

/** Encodes single values, as a message of the pool with one field. */
export class ValueWriter {
  readonly #encoder: Encoder;

  /**
   * Constructs it.
   *
   * @param serializer Encodes objects, if the codec of the pool needs it.
   */
  constructor(
    serializer: V8Serializer | undefined,
    encoder: Encoder = new Encoder(),
  ) {
    encoder.serializer = serializer;
    this.#encoder = encoder;
  }

  /**
   * Encodes a value.
   *
   * @returns The pieces of the encoding. Those that aren't blobs are valid until
   * the next call.
   * @throws If the value can't be encoded.
   */
  pieces(value: unknown): Attachment[] {
    const encoder = this.#encoder;
    if (encoder.bytes.length > MAX_KEPT_BYTES) encoder.swap(undefined);
    encoder.rollback(0, 0);
    encoder.resizableCost = 0;
    encoder.skip(3);
    try {
      encoder.value(value);
    } catch (error) {
      encoder.rollback(0, 0);
      throw error;
    }
    encoder.bytes[0] = 0xdc;
    const attachments = encoder.takePending();
    encoder.setUint16(1, 1 + attachments.length);
    if (attachments.length === 0) {
      return [encoder.bytes.subarray(0, encoder.position)];
    }
    const pieces: Attachment[] = [];
    let start = 0;
    const ends = attachments.map((content) => {
      encoder.binaryHeader(sizeOf(content));
      return encoder.position;
    });
    attachments.forEach((content, index) => {
      pieces.push(encoder.bytes.subarray(start, ends[index]), content);
      start = ends[index]!;
    });
    return pieces;
  }

  /**
   * Encodes a value as one array of bytes.
   *
   * @returns The bytes; a promise of them if the value contains blobs.
   * @throws If the value can't be encoded.
   */
  write(value: unknown): Uint8Array | Promise<Uint8Array> {
    const pieces = this.pieces(value);
    if (pieces.length === 1) return (pieces[0] as Uint8Array).slice();
    if (pieces.some((piece) => piece instanceof Blob)) {
      return joinBlobs(
        pieces.map((piece) => piece instanceof Blob ? piece : piece.slice()),
      );
    }
    return concatBytes(pieces as Uint8Array[]);
  }
}

async function joinBlobs(pieces: Attachment[]): Promise<Uint8Array> {
  return concatBytes(
    await Promise.all(
      pieces.map((piece) => piece instanceof Blob ? piece.bytes() : piece),
    ),
  );
}
