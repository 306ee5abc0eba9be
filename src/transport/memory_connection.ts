import { Queue } from "../util/queue.ts";
import { yieldToEvents } from "../util/timers.ts";
import type { Connection } from "./connection.ts";

/** How many bytes wait for their reader before a write waits too. */
const MAX_UNREAD_BYTES = 2 ** 20;

/** The bytes that were written at one end and not yet read at the other. */
class Pipe {
  readonly #pieces = new Queue<Uint8Array>();
  #unread = 0;
  #hasEnded = false;
  /** Wakes a read or a write that waits. */
  #arrival: PromiseWithResolvers<void> | undefined;
  #room: PromiseWithResolvers<void> | undefined;

  async read(buffer: Uint8Array): Promise<number | null> {
    while (this.#pieces.length === 0) {
      if (this.#hasEnded) return null;
      this.#arrival ??= Promise.withResolvers();
      await this.#arrival.promise;
    }
    // As with a socket, timers and other events get their turn before.
    await yieldToEvents();
    return this.#fill(buffer);
  }

  async write(bytes: Uint8Array): Promise<void> {
    while (this.#unread >= MAX_UNREAD_BYTES && !this.#hasEnded) {
      this.#room ??= Promise.withResolvers();
      await this.#room.promise;
    }
    if (this.#hasEnded) throw new Deno.errors.BrokenPipe("The peer has ended");
    if (bytes.length === 0) return;
    // The writer may reuse its memory.
    this.#pieces.push(bytes.slice());
    this.#unread += bytes.length;
    this.#wake();
  }

  end(): void {
    this.#hasEnded = true;
    this.#wake();
  }

  #fill(buffer: Uint8Array): number {
    let filled = 0;
    for (
      let piece;
      filled < buffer.length && (piece = this.#pieces.shift()) !== undefined;
    ) {
      const part = piece.subarray(0, buffer.length - filled);
      buffer.set(part, filled);
      filled += part.length;
      if (part.length < piece.length) {
        this.#pieces.unshift(piece.subarray(part.length));
      }
    }
    this.#unread -= filled;
    this.#wake();
    return filled;
  }

  #wake(): void {
    this.#arrival?.resolve();
    this.#room?.resolve();
    this.#arrival = this.#room = undefined;
  }
}

/** One end of a connection within this process. */
export class MemoryConnection implements Connection {
  readonly #incoming: Pipe;
  readonly #outgoing: Pipe;
  #isClosed = false;

  private constructor(incoming: Pipe, outgoing: Pipe) {
    this.#incoming = incoming;
    this.#outgoing = outgoing;
  }

  /** Makes both ends of a connection. */
  static pair(): [MemoryConnection, MemoryConnection] {
    const [there, back] = [new Pipe(), new Pipe()];
    return [
      new MemoryConnection(back, there),
      new MemoryConnection(there, back),
    ];
  }

  /**
   * Reads what the peer has written.
   *
   * @throws {Deno.errors.BadResource} If this end was closed, even if something
   * is left to read.
   */
  async read(buffer: Uint8Array): Promise<number | null> {
    const count = await this.#incoming.read(buffer);
    if (this.#isClosed) {
      throw new Deno.errors.BadResource("The connection is closed");
    }
    return count;
  }

  /**
   * Writes all of the bytes.
   *
   * @throws {Deno.errors.BrokenPipe} If an end was closed.
   */
  async write(bytes: Uint8Array): Promise<number> {
    const { length } = bytes;
    await this.#outgoing.write(bytes);
    return length;
  }

  /** Closes both directions; the peer can still read the bytes sent before. */
  close(): void {
    this.#isClosed = true;
    this.#incoming.end();
    this.#outgoing.end();
  }

  /** It never keeps the program alive. */
  unref(): void {}
}
