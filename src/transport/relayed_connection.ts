import { Queue } from "../util/queue.ts";
import type { Connection } from "./connection.ts";

/** The size of the largest piece that is sent at a time, in bytes. */
const PIECE_BYTES = 2 ** 16;

/**
 * How many bytes an end may send before the other one has read any: as many as
 * ssh lets each of its channels have.
 */
export const RELAY_WINDOW = 2 ** 21;

/** After how many bytes that were read the other end may send more. */
const GRANTED_BYTES = RELAY_WINDOW / 4;

/** Sends what one end of a relayed connection has for the other one. */
export interface RelayLink {
  /** Sends bytes; they may be reused when the promise resolves. */
  send(bytes: Uint8Array): Promise<void> | void;
  /** Lets the other end send this many bytes more. */
  grant(bytes: number): void;
  /** Ends both directions, after everything that was sent. */
  end(): void;
}

/**
 * A connection whose bytes travel with those of others over one channel. Credit
 * limits how much waits for its reader, so no connection holds up the others.
 */
export class RelayedConnection implements Connection {
  readonly #link: RelayLink;
  /** What has arrived and wasn't read. */
  readonly #pieces = new Queue<Uint8Array>();
  #unread = 0;
  /** How many bytes were read that the other end may not yet replace. */
  #ungranted = 0;
  /** How many bytes may be sent. */
  #credit = RELAY_WINDOW;
  /** Whether the other end has ended. */
  #hasEnded = false;
  #isClosed = false;
  /** Wakes a read or a write that waits. */
  #arrival: PromiseWithResolvers<void> | undefined;
  #grant: PromiseWithResolvers<void> | undefined;

  /** Constructs an end of a connection. */
  constructor(link: RelayLink) {
    this.#link = link;
  }

  async read(buffer: Uint8Array): Promise<number | null> {
    while (this.#pieces.length === 0) {
      if (this.#isClosed) throw closed();
      if (this.#hasEnded) return null;
      this.#arrival ??= Promise.withResolvers();
      await this.#arrival.promise;
    }
    if (this.#isClosed) throw closed();
    return this.#fill(buffer);
  }

  /**
   * Sends bytes, some or all.
   *
   * @throws {Deno.errors.BrokenPipe} If the other end has ended.
   */
  async write(bytes: Uint8Array): Promise<number> {
    while (this.#credit === 0) {
      this.#checkOpen();
      this.#grant ??= Promise.withResolvers();
      await this.#grant.promise;
    }
    this.#checkOpen();
    const count = Math.min(bytes.length, PIECE_BYTES, this.#credit);
    this.#credit -= count;
    const piece = count < bytes.length ? bytes.subarray(0, count) : bytes;
    const sent = this.#link.send(piece);
    if (sent !== undefined) await sent;
    return count;
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#pieces.drain();
    if (!this.#hasEnded) this.#link.end();
    this.#wake();
  }

  /** It never keeps the program alive. */
  unref(): void {}

  /**
   * Takes bytes that have arrived.
   *
   * @throws {RangeError} If the other end had no credit for them.
   */
  received(bytes: Uint8Array): void {
    this.#unread += bytes.length;
    if (this.#unread + this.#ungranted > RELAY_WINDOW) {
      throw new RangeError(
        "Malformed message: a relay sends more than it has credit for",
      );
    }
    if (this.#isClosed || bytes.length === 0) return;
    this.#pieces.push(bytes);
    this.#arrival?.resolve();
    this.#arrival = undefined;
  }

  /** Takes credit for more bytes. */
  granted(bytes: number): void {
    this.#credit += bytes;
    this.#grant?.resolve();
    this.#grant = undefined;
  }

  /** Takes note that the other end has ended, or can't be reached any more. */
  ended(): void {
    this.#hasEnded = true;
    this.#wake();
  }

  #fill(buffer: Uint8Array): number {
    let filled = 0;
    while (filled < buffer.length) {
      const piece = this.#pieces.peek();
      if (piece === undefined) break;
      const room = buffer.length - filled;
      if (piece.length <= room) {
        buffer.set(piece, filled);
        filled += piece.length;
        this.#pieces.shift();
        continue;
      }
      buffer.set(piece.subarray(0, room), filled);
      this.#pieces.shift();
      this.#pieces.unshift(piece.subarray(room));
      filled += room;
    }
    this.#wasRead(filled);
    return filled;
  }

  #wasRead(bytes: number): void {
    this.#unread -= bytes;
    this.#ungranted += bytes;
    if (this.#ungranted < GRANTED_BYTES || this.#hasEnded) return;
    this.#link.grant(this.#ungranted);
    this.#ungranted = 0;
  }

  #checkOpen(): void {
    if (this.#isClosed) throw closed();
    if (this.#hasEnded) throw new Deno.errors.BrokenPipe("The peer has ended");
  }

  #wake(): void {
    this.#arrival?.resolve();
    this.#grant?.resolve();
    this.#arrival = this.#grant = undefined;
  }
}

function closed(): Error {
  return new Deno.errors.BadResource("The connection is closed");
}
