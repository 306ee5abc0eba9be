import { assertEquals, AssertionError, equal } from "@std/assert";
import { Decoder } from "../../src/codec/decoder.ts";
import {
  type ByteSource,
  FrameReader,
} from "../../src/transport/frame_reader.ts";
import { FrameWriter } from "../../src/transport/frame_writer.ts";
import {
  OutgoingFrame,
  type Piece,
} from "../../src/transport/outgoing_frame.ts";

/** Joins bytes. */
export function concat(
  pieces: readonly (Uint8Array | readonly number[])[],
): Uint8Array<ArrayBuffer> {
  const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
  const joined = new Uint8Array(length);
  let position = 0;
  for (const piece of pieces) {
    joined.set(piece, position);
    position += piece.length;
  }
  return joined;
}

/** Checks that two values are equal, which may be too large to print. */
export function assertSame(actual: unknown, expected: unknown): void {
  if (equal(actual, expected)) return;
  const [one, other] = [actual, expected].map((value) =>
    Deno.inspect(value, { iterableLimit: 8, strAbbreviateSize: 80 })
  );
  throw new AssertionError(`Values differ: ${one} should be ${other}`);
}

/** Takes everything that was written, with each frame as a whole. */
export function takePieces(writer: FrameWriter): Piece[] {
  return writer.take().flatMap((piece) => {
    if (!(piece instanceof OutgoingFrame)) return [piece];
    const content = new Uint8Array(4);
    new DataView(content.buffer).setUint32(0, piece.byteLength);
    return [{ content, length: 4 }, ...piece.pieces];
  });
}

/** Takes everything that was written, which must contain no blobs. */
export function takeBytes(writer: FrameWriter): Uint8Array<ArrayBuffer>[] {
  return takePieces(writer).map(({ content }) => {
    if (ArrayBuffer.isView(content)) return content;
    throw new AssertionError("A blob must be read first");
  });
}

/** Returns the frames of some messages, one after the other. */
export function encodeMessages(
  ...messages: readonly unknown[][]
): Uint8Array<ArrayBuffer> {
  const writer = new FrameWriter();
  for (const message of messages) writer.message(message);
  return concat(takeBytes(writer));
}

/** Makes a frame with a correct length around any bytes. */
export function frameAround(
  ...content: readonly (Uint8Array | readonly number[])[]
): Uint8Array<ArrayBuffer> {
  const bytes = concat(content);
  const frame = concat([[0, 0, 0, 0], bytes]);
  new DataView(frame.buffer).setUint32(0, bytes.length);
  return frame;
}

/** Makes the frame of a message with a single field, which is already encoded. */
export function frameOf(
  field: Uint8Array | readonly number[],
): Uint8Array<ArrayBuffer> {
  return frameAround([0xdc, 0, 1], field);
}

/** Decodes the message in a frame. */
export function decodeFrame(frame: Uint8Array<ArrayBuffer>): unknown[] {
  const view = new DataView(frame.buffer, frame.byteOffset);
  assertEquals(view.getUint32(0), frame.length - 4, "length of the frame");
  const decoder = new Decoder();
  decoder.use(frame);
  return decoder.message(4, frame.length);
}

/** Sends a value, and returns it as it arrives. */
export function roundTrip<T>(value: T): T {
  const message = decodeFrame(encodeMessages([value]));
  assertEquals(message.length, 1, "fields of the message");
  return message[0] as T;
}

/** Like {@linkcode roundTrip}, for values that may contain blobs. */
export async function roundTripWithBlobs<T>(value: T): Promise<T> {
  const writer = new FrameWriter();
  writer.message([value]);
  const pieces: Uint8Array[] = [];
  for (const { content } of takePieces(writer)) {
    pieces.push(ArrayBuffer.isView(content) ? content : await content.bytes());
  }
  const message = decodeFrame(concat(pieces));
  assertEquals(message.length, 1, "fields of the message");
  return message[0] as T;
}

/** A source of bytes that returns the given chunks, or parts of them. */
export class Chunks implements ByteSource {
  /** The sizes of the buffers to fill. */
  readonly offered: number[] = [];
  readonly #chunks: Uint8Array[];

  /** Constructs a source of these bytes. */
  constructor(chunks: readonly Uint8Array[]) {
    this.#chunks = chunks.filter((chunk) => chunk.length > 0);
  }

  read(buffer: Uint8Array): Promise<number | null> {
    this.offered.push(buffer.length);
    const chunk = this.#chunks.shift();
    if (chunk === undefined) return Promise.resolve(null);
    const count = Math.min(chunk.length, buffer.length);
    // Reads of no bytes would go on for ever.
    assertEquals(count > 0, true, "room in the buffer");
    buffer.set(chunk.subarray(0, count));
    if (count < chunk.length) this.#chunks.unshift(chunk.subarray(count));
    return Promise.resolve(count);
  }
}

/** Reads all messages of a source. */
export async function readMessages(source: ByteSource): Promise<unknown[][]> {
  const reader = new FrameReader(source);
  const messages: unknown[][] = [];
  while (await reader.read((message) => messages.push(message)));
  return messages;
}

/** Nests a value in `levels` arrays, or in other values that `wrap` makes. */
export function nest(
  levels: number,
  wrap: (inner: unknown) => unknown = (inner) => [inner],
): unknown {
  let value: unknown = 1;
  for (let level = 0; level < levels; level++) value = wrap(value);
  return value;
}
