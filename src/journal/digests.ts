import { createHash, hash } from "node:crypto";
import { blobInfo } from "../codec/blobs.ts";
import { Encoder } from "../codec/encoder.ts";
import type { V8Serializer } from "../codec/v8_serializer.ts";
import { canonicalSerializer } from "./canonical_serializer.ts";
import { ValueWriter } from "./value_writer.ts";

/** A shorter encoding is its own digest, which is faster than a hash. */
const HASH_BYTES = 32;

/** Makes digests of values: equal values have equal digests. */
export class Digests {
  readonly #writer: ValueWriter;

  /**
   * Constructs it.
   *
   * @param serializer Encodes objects, if the codec of the pool needs it.
   */
  constructor(serializer: V8Serializer | undefined) {
    this.#writer = new ValueWriter(
      serializer && canonicalSerializer(serializer),
      new UndatedEncoder(),
    );
  }

  /**
   * Returns the digest of a value: its encoding, or if that is long, the SHA-256
   * of it. Of a blob, it has the type, the name and the size, not the content.
   *
   * @throws If the value can't be encoded.
   */
  of(value: unknown): Uint8Array {
    const pieces = this.#writer.pieces(value);
    const [first] = pieces;
    if (pieces.length === 1 && first instanceof Uint8Array) {
      return first.length < HASH_BYTES
        ? first.slice()
        : hash("sha256", first, "buffer");
    }
    const all = createHash("sha256");
    for (const piece of pieces) {
      if (piece instanceof Uint8Array) all.update(piece);
    }
    return all.digest();
  }

  /** Returns the SHA-256 of a text in hexadecimal digits. */
  hashText(text: string): string {
    return hash("sha256", text, "hex");
  }
}

/** Leaves out when files have changed: a new `File` has the present time. */
class UndatedEncoder extends Encoder {
  protected override blob(blob: Blob): void {
    const { name, type } = blobInfo(blob);
    super.blob(
      name === undefined
        ? blob
        : new File([blob], name, { type, lastModified: 0 }),
    );
  }
}

/** Returns whether two digests are equal. */
export function equals(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let index = 0; index < a.length; index++) {
    if (a[index] !== b[index]) return false;
  }
  return true;
}

/** Returns bytes as hexadecimal digits. */
export function hexOf(bytes: Uint8Array): string {
  return bytes.toHex();
}
