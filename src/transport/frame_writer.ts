import { type Attachment, sizeOf } from "../codec/attachment_writer.ts";
import { Encoder } from "../codec/encoder.ts";
import { tooLarge } from "../codec/byte_writer.ts";
import type { V8Serializer } from "../codec/v8_serializer.ts";
import {
  MAX_FRAME_BYTES,
  MAX_MESSAGE_BYTES,
  MIN_ATTACHMENT_BYTES,
} from "../codec/wire_limits.ts";
import { OutgoingFrame, PART_BYTES, type Piece } from "./outgoing_frame.ts";
import { type Insertion, PieceList } from "./piece_list.ts";

/**
 * How a frame is sent among others:
 *
 * - `"strict"`: in the order of writing, though later frames may pass it.
 * - `"passing"`: before large frames that haven't been sent; if it is large
 *   itself, after them and in parts, between which later frames pass.
 * - `"following"`: after large frames that haven't been sent.
 */
export type FrameOrder = "strict" | "passing" | "following";

/** A value that was removed from a list. */
export interface EncodedValue {
  readonly bytes: Uint8Array;
  readonly attachments: readonly Attachment[];
}

/** A frame in the buffer that is sent in parts. */
interface Cut {
  /** The position of its length prefix, which isn't sent. */
  readonly start: number;
  /** The position after it. */
  readonly end: number;
  /** The size of its content in bytes. */
  readonly byteLength: number;
  readonly mayBeOvertaken: boolean;
}

/**
 * Collects frames until they are flushed. A frame is a 4-byte big-endian length
 * and one MessagePack array; large binary values are its last elements, and
 * aren't copied.
 */
export class FrameWriter {
  readonly #encoder = new Encoder();
  /** The next buffer to use, and the one whose pieces are being sent. */
  #spare: Uint8Array<ArrayBuffer> | undefined;
  #taken: Uint8Array<ArrayBuffer> | undefined;

  #insertions: Insertion[] = [];
  #insertedBytes = 0;
  #cuts: Cut[] = [];
  /** Whether pieces that were taken are memory of values. */
  #lendsMemory = false;
  /** How many frames that may be overtaken were written, taken and sent. */
  #slowWritten = 0;
  #slowTaken = 0;
  #slowSent = 0;
  /** Of how many such frames the last part was sent, or is being sent. */
  #slowLeft = 0;

  #isEncoding = false;
  /** The start of the current frame. */
  #start = 0;
  #fields = 0;
  /** The order of the current frame. */
  #order: FrameOrder = "strict";

  /** The open list at the end of the current frame, if there is one. */
  #list: { countAt: number; busyAt: number; count: number } | undefined;
  /** The position of its last value, and how many attachments are before. */
  #lastPosition = 0;
  #lastAttachments = 0;

  /** Makes values keep shared references and cycles. */
  useSerializer(serializer: V8Serializer): void {
    this.#encoder.serializer = serializer;
  }

  /** How many bytes were written but not yet taken, including attachments. */
  get byteLength(): number {
    return this.#encoder.position + this.#insertedBytes +
      this.#encoder.pendingBytes;
  }

  /**
   * Whether bytes that were written, or taken and not given back, are still in
   * the memory of a value. Frames that may be overtaken count in any case.
   */
  get borrowsMemory(): boolean {
    return this.#lendsMemory || this.hasSlowFrames ||
      this.#insertions.length > 0 ||
      this.#encoder.pending.length > 0;
  }

  /** How many frames that may be overtaken were written. */
  get slowWritten(): number {
    return this.#slowWritten;
  }

  /** Of how many of them the last part was sent, or is being sent. */
  get slowLeft(): number {
    return this.#slowLeft;
  }

  /** Whether any of them wasn't sent. */
  get hasSlowFrames(): boolean {
    return this.#slowWritten > this.#slowSent;
  }

  /**
   * Whether a value is being encoded. Nothing else may be written meanwhile: its
   * getters run code of users.
   */
  get isEncoding(): boolean {
    return this.#isEncoding;
  }

  /**
   * Writes a whole message.
   *
   * @param list The last field, if it is a list of the protocol, not of a user:
   * it isn't checked for holes and for properties besides its elements.
   * @returns The size of its frame, in bytes.
   * @throws {TypeError} If a value in it can't be sent, or the message is too
   * large. Then nothing is written.
   */
  message(
    fields: readonly unknown[],
    list?: readonly unknown[],
    order: FrameOrder = "strict",
  ): number {
    this.endList();
    const before = this.byteLength;
    this.#order = order;
    this.#begin(fields.length + (list === undefined ? 0 : 1));
    this.#isEncoding = true;
    try {
      for (const field of fields) this.#encoder.value(field);
      if (list !== undefined) this.#encoder.list(list);
      this.#checkSize();
    } catch (error) {
      this.#encoder.rollback(this.#start, 0);
      throw error;
    } finally {
      this.#isEncoding = false;
    }
    this.#end();
    return this.byteLength - before;
  }

  /**
   * Begins a message whose last field is a list. {@linkcode FrameWriter.append}
   * adds to it until another message begins or {@linkcode FrameWriter.endList}
   * is called.
   *
   * @param timed Whether a busy time precedes the list.
   * {@linkcode FrameWriter.endList} sets that time.
   */
  beginList(
    fields: readonly number[],
    timed: boolean,
    order: FrameOrder = "strict",
  ): void {
    this.endList();
    this.#order = order;
    this.#begin(fields.length + (timed ? 2 : 1));
    for (const field of fields) this.#encoder.value(field);
    const busyAt = timed ? this.#encoder.uint32(0) : 0;
    const countAt = this.#encoder.skip(5) + 1;
    this.#encoder.bytes[countAt - 1] = 0xdd;
    this.#list = { countAt, busyAt, count: 0 };
  }

  /**
   * Appends a value to the open list.
   *
   * @param isList Whether the value is a list of the protocol, as in
   * {@linkcode FrameWriter.message}.
   * @returns Its size, in bytes.
   * @throws {TypeError} If the value can't be sent. Then it isn't appended.
   */
  append(value: unknown, isList = false): number {
    if (this.#list === undefined) throw new Error("No list was begun");
    const encoder = this.#encoder;
    const { position, pendingBytes } = encoder;
    const attachments = encoder.pending.length;
    this.#isEncoding = true;
    try {
      encoder.value(value, isList);
      this.#checkSize();
    } catch (error) {
      encoder.rollback(position, attachments);
      throw error;
    } finally {
      this.#isEncoding = false;
    }
    this.#list.count++;
    this.#lastPosition = position;
    this.#lastAttachments = attachments;
    return encoder.position - position + encoder.pendingBytes - pendingBytes;
  }

  /**
   * Removes the value that was appended last, if it would hold up the others of
   * its list: it is large, and all that is attached to the list.
   *
   * @returns The value, for {@linkcode FrameWriter.restore}; `undefined` if it
   * wasn't removed.
   */
  removeLarge(): EncodedValue | undefined {
    const list = this.#list;
    const encoder = this.#encoder;
    const start = this.#lastPosition;
    const isAlone = list === undefined || list.count < 2 ||
      this.#lastAttachments > 0;
    const isLarge = this.#frameBytes > PART_BYTES &&
      encoder.position - start < MIN_ATTACHMENT_BYTES;
    if (isAlone || !isLarge) return undefined;
    const bytes = encoder.bytes.slice(start, encoder.position);
    const attachments = [...encoder.pending];
    encoder.rollback(start, 0);
    list.count--;
    return { bytes, attachments };
  }

  /** Appends a value that was removed from a list to the open list. */
  restore({ bytes, attachments }: EncodedValue): void {
    this.#encoder.encoded(bytes, attachments);
    this.#list!.count++;
  }

  /** Whether a list is open: taking what was written ends it. */
  get isListOpen(): boolean {
    return this.#list !== undefined;
  }

  /**
   * The size of the open list's frame, in bytes, and the memory that the
   * receiver allocates for it beyond that.
   */
  get listByteLength(): number {
    return this.#frameBytes + this.#encoder.resizableCost;
  }

  /** The size of the current frame, in bytes. */
  get #frameBytes(): number {
    return this.#encoder.position - this.#start + this.#encoder.pendingBytes;
  }

  /** Ends the open list, if there is one; removes it if it is empty. */
  endList(busy = 0): void {
    const list = this.#list;
    if (list === undefined) return;
    this.#list = undefined;
    if (list.count === 0) return this.#encoder.rollback(this.#start, 0);
    this.#encoder.setUint32(list.countAt, list.count);
    if (list.busyAt > 0) this.#encoder.setUint32(list.busyAt, busy);
    this.#end();
  }

  /**
   * Takes everything that was written, as pieces to send one after another, and
   * frames to send in parts. The bytes of a blob are still to be read.
   *
   * Pieces are valid until {@linkcode FrameWriter.recycle} is called, except
   * those of frames that may be overtaken: for each of these,
   * {@linkcode FrameWriter.sent} must be called.
   */
  take(): (Piece | OutgoingFrame)[] {
    this.endList();
    const { position } = this.#encoder;
    const insertions = this.#insertions;
    const cuts = this.#cuts;
    const bytes = this.#encoder.swap(this.#spare);
    this.#spare = undefined;
    this.#insertedBytes = 0;
    this.#taken = bytes;
    this.#lendsMemory = insertions.length > 0;
    if (insertions.length === 0 && cuts.length === 0) {
      const content = bytes.subarray(0, position);
      return [{ content, length: position }];
    }
    this.#insertions = [];
    this.#cuts = [];
    const pieces = new PieceList(bytes, insertions);
    const taken: (Piece | OutgoingFrame)[] = [];
    for (const { start, end, byteLength, mayBeOvertaken } of cuts) {
      taken.push(...pieces.takeUntil(start));
      pieces.skip(4);
      const frame = pieces.takeUntil(end);
      taken.push(new OutgoingFrame(frame, byteLength, mayBeOvertaken));
      if (!mayBeOvertaken) continue;
      this.#slowTaken++;
      // The frame keeps the buffer.
      this.#taken = undefined;
    }
    taken.push(...pieces.takeUntil(position));
    return taken;
  }

  /** Takes note that the last part of a frame that may be overtaken leaves. */
  leaves(): void {
    this.#slowLeft++;
  }

  /** Ends the use of a frame that was taken and may be overtaken. */
  sent(): void {
    this.#slowSent++;
  }

  /** Ends the use of all such frames, whether they were sent or not. */
  sentAll(): void {
    this.#slowSent = this.#slowTaken;
  }

  /** Gives back the buffer of the pieces that were taken last, for reuse. */
  recycle(): void {
    if (this.#taken !== undefined) {
      this.#spare = this.#encoder.giveBack(this.#taken);
    }
    this.#taken = undefined;
    this.#lendsMemory = false;
  }

  /** Drops everything that was written. */
  discard(): void {
    for (const piece of this.take()) {
      if (piece instanceof OutgoingFrame && piece.mayBeOvertaken) this.sent();
    }
    this.recycle();
  }

  #begin(fields: number): void {
    this.#encoder.maxPosition = Infinity;
    this.#start = this.#encoder.skip(7);
    this.#encoder.maxPosition = this.#start + 4 + MAX_MESSAGE_BYTES;
    this.#encoder.maxPlainPosition = this.#start + 4 + MAX_FRAME_BYTES;
    this.#encoder.resizableCost = 0;
    this.#encoder.bytes[this.#start + 4] = 0xdc;
    this.#fields = fields;
  }

  #end(): void {
    const encoder = this.#encoder;
    const attachments = encoder.takePending();
    encoder.maxPosition = Infinity;
    let inserted = 0;
    for (const content of attachments) {
      const length = sizeOf(content);
      encoder.binaryHeader(length);
      this.#insertions.push({ position: encoder.position, content, length });
      inserted += length;
    }
    const length = encoder.position - this.#start - 4 + inserted;
    encoder.setUint32(this.#start, length);
    encoder.setUint16(this.#start + 5, this.#fields + attachments.length);
    this.#insertedBytes += inserted;
    const mayBeOvertaken = this.#order === "passing" && length > PART_BYTES ||
      this.#order === "following" &&
        (length > PART_BYTES || this.hasSlowFrames);
    if (mayBeOvertaken) this.#slowWritten++;
    else if (length <= MAX_FRAME_BYTES) return;
    this.#cuts.push({
      start: this.#start,
      end: encoder.position,
      byteLength: length,
      mayBeOvertaken,
    });
  }

  #checkSize(): void {
    const plainBytes = this.#encoder.position - this.#start;
    const isTooLarge = this.#frameBytes > MAX_MESSAGE_BYTES ||
      plainBytes > MAX_FRAME_BYTES;
    if (isTooLarge) throw tooLarge();
  }
}
