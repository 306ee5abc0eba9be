import type { Connection } from "../../src/transport/connection.ts";

/** The bytes that were written at one end but not yet read at the other. */
class Pipe {
  readonly #pieces: Uint8Array[] = [];
  #ended = false;
  #changed = Promise.withResolvers<void>();

  write(bytes: Uint8Array): void {
    if (this.#ended) throw new Deno.errors.BrokenPipe("Broken pipe");
    if (bytes.length > 0) this.#pieces.push(bytes.slice());
    this.#wake();
  }

  end(): void {
    this.#ended = true;
    this.#wake();
  }

  async read(buffer: Uint8Array): Promise<number | null> {
    while (this.#pieces.length === 0) {
      if (this.#ended) return null;
      await this.#changed.promise;
    }
    const piece = this.#pieces[0]!;
    const count = Math.min(piece.length, buffer.length);
    buffer.set(piece.subarray(0, count));
    if (count === piece.length) this.#pieces.shift();
    else this.#pieces[0] = piece.subarray(count);
    return count;
  }

  #wake(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }
}

/** One end of a connection within this process. */
export class MemoryConnection implements Connection {
  readonly #incoming: Pipe;
  readonly #outgoing: Pipe;

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

  read(buffer: Uint8Array): Promise<number | null> {
    return this.#incoming.read(buffer);
  }

  // deno-lint-ignore require-await
  async write(bytes: Uint8Array): Promise<number> {
    this.#outgoing.write(bytes);
    return bytes.length;
  }

  /** Closes both directions; the peer can still read the data sent before. */
  close(): void {
    this.#incoming.end();
    this.#outgoing.end();
  }

  unref(): void {}
}
