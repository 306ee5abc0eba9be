import { assertEquals } from "@std/assert";
import { Decoder } from "../../src/codec/decoder.ts";
import { loadV8Serializer } from "../../src/codec/v8_serializer.ts";
import { FrameWriter } from "../../src/transport/frame_writer.ts";
import { concat, takeBytes, takePieces } from "./frames.ts";

const serializer = await loadV8Serializer();

/**
 * Returns the frame of a message with the codec `"structured"`.
 *
 * @param list The last field, if it is a list of values.
 */
export function encodeGraphs(
  message: readonly unknown[],
  list?: readonly unknown[],
): Uint8Array<ArrayBuffer> {
  const writer = new FrameWriter();
  writer.useSerializer(serializer);
  writer.message(message, list);
  return concat(takeBytes(writer));
}

/** Makes a decoder of messages with the codec `"structured"`. */
export function graphDecoder(): Decoder {
  const decoder = new Decoder();
  decoder.serializer = serializer;
  return decoder;
}

/** Decodes the message in a frame with the codec `"structured"`. */
export function decodeGraphs(frame: Uint8Array<ArrayBuffer>): unknown[] {
  const decoder = graphDecoder();
  decoder.use(frame);
  return decoder.message(4, frame.length);
}

/** Sends a value with the codec `"structured"`, and returns it as it arrives. */
export function roundTripGraph<T>(value: T): T {
  const message = decodeGraphs(encodeGraphs([value]));
  assertEquals(message.length, 1, "fields of the message");
  return message[0] as T;
}

/** Like {@linkcode roundTripGraph}, for values that may contain blobs. */
export async function roundTripGraphWithBlobs<T>(value: T): Promise<T> {
  const writer = new FrameWriter();
  writer.useSerializer(serializer);
  writer.message([value]);
  const pieces: Uint8Array[] = [];
  for (const { content } of takePieces(writer)) {
    pieces.push(ArrayBuffer.isView(content) ? content : await content.bytes());
  }
  return decodeGraphs(concat(pieces))[0] as T;
}
