import { type BlobInfo, blobInfo, blobSize } from "./blobs.ts";
import { ARRAY_BUFFER_KIND, binaryKind, Extension } from "./extensions.ts";
import { tooManyAttachments, unsendableKind } from "./refusals.ts";
import { ScalarWriter } from "./scalar_writer.ts";
import { MAX_ATTACHMENTS, MIN_ATTACHMENT_BYTES } from "./wire_limits.ts";

/** A value that a frame carries after its own elements, without a copy. */
export type Attachment = Uint8Array<ArrayBuffer> | Blob;

const NONE: readonly Attachment[] = [];

/**
 * Appends binary values. Big ones and blobs aren't copied:
 * {@linkcode AttachmentWriter.pending} collects them, and the frame attaches
 * them at its end.
 */
export class AttachmentWriter extends ScalarWriter {
  /** The attachments of the current frame, in their order. */
  readonly pending: Attachment[] = [];
  /** How many bytes {@linkcode AttachmentWriter.pending} takes in the frame. */
  pendingBytes = 0;

  /** Removes the pending attachments, and returns them in reverse order. */
  takePending(): readonly Attachment[] {
    if (this.pending.length === 0) return NONE;
    this.pendingBytes = 0;
    return this.pending.splice(0).reverse();
  }

  /** Appends a value that was encoded before, and is the first to attach any. */
  encoded(bytes: Uint8Array, attachments: readonly Attachment[]): void {
    this.reserve(bytes.length);
    this.bytes.set(bytes, this.position);
    this.position += bytes.length;
    for (const content of attachments) {
      this.#addPending(content, sizeOf(content));
    }
  }

  /** Appends a buffer of fixed length, or a view of one. */
  protected binary(
    value: ArrayBuffer | ArrayBufferView,
    buffer: ArrayBufferLike,
  ): void {
    const kind = binaryKind(value);
    if (kind === undefined || !(buffer instanceof ArrayBuffer)) {
      throw unsendableKind(value, " on shared memory");
    }
    if (buffer.detached) {
      throw unsendableKind(value, " whose memory was transferred (detached)");
    }
    const bytes = kind === ARRAY_BUFFER_KIND
      ? new Uint8Array(buffer)
      : new Uint8Array(
        buffer,
        (value as ArrayBufferView).byteOffset,
        value.byteLength,
      );
    if (bytes.length < MIN_ATTACHMENT_BYTES) {
      this.extensionHeader(Extension.BINARY, bytes.length + 1);
      this.bytes[this.position++] = kind;
      this.bytes.set(bytes, this.position);
      this.position += bytes.length;
      return;
    }
    const isWide = this.#isWide(bytes.length);
    this.extensionHeader(Extension.ATTACHMENT, isWide ? 17 : 9);
    this.bytes[this.position++] = kind;
    this.#attach(bytes, bytes.length, isWide);
  }

  /** Appends a `Blob` or `File`. */
  protected blob(blob: Blob): void {
    const { type, name, lastModified }: BlobInfo = blobInfo(blob);
    const start = this.beginExtension(Extension.BLOB);
    this.string(type);
    if (name === undefined) {
      this.reserve(1);
      this.bytes[this.position++] = 0xc0;
    } else {
      this.string(name);
      this.number(lastModified);
    }
    const size = blobSize(blob);
    this.reserve(16);
    this.#attach(blob, size, this.#isWide(size));
    this.endExtension(start);
  }

  /** Returns to an earlier position and number of attachments. */
  protected truncate(position: number, attachments: number): void {
    this.position = position;
    while (this.pending.length > attachments) {
      const size = attachedSize(sizeOf(this.pending.pop()!));
      this.pendingBytes -= size;
      this.maxPosition += size;
    }
  }

  /**
   * Whether the length of the next attachment, or its distance from the end,
   * needs more than 4 bytes.
   */
  #isWide(length: number): boolean {
    return length + this.pendingBytes >= 2 ** 32;
  }

  /** Appends the length of an attachment and its distance from the end. */
  #attach(content: Attachment, length: number, isWide: boolean): void {
    if (this.pending.length === MAX_ATTACHMENTS) throw tooManyAttachments();
    // The first attachment comes last in the frame, so its distance from the end
    // is known before the frame is complete.
    this.#addPending(content, length);
    this.#integer(length, isWide);
    this.#integer(this.pendingBytes - attachedSize(0), isWide);
  }

  #addPending(content: Attachment, length: number): void {
    this.pending.push(content);
    this.pendingBytes += attachedSize(length);
    this.maxPosition -= attachedSize(length);
  }

  /** Appends an integer of 8 or 4 bytes. */
  #integer(value: number, isWide: boolean): void {
    if (isWide) {
      this.view.setUint32(this.position, Math.floor(value / 2 ** 32));
      this.position += 4;
    }
    this.view.setUint32(this.position, value);
    this.position += 4;
  }
}

/** Returns the length of an attachment in bytes. */
export function sizeOf(content: Attachment): number {
  return ArrayBuffer.isView(content) ? content.length : blobSize(content);
}

/** Returns the size of an attachment with its bin 32 header. */
function attachedSize(length: number): number {
  return length + 5;
}
