/** A stream of bytes in both directions: the used part of `Deno.Conn`. */
export interface Connection {
  /** The address of the peer, if it is known. */
  readonly remoteAddr?: Deno.Addr;
  /** Whether a reset may look like a normal end, although bytes were lost. */
  readonly hidesResets?: boolean;
  /** Fills part of a buffer; returns how many bytes, or `null` at the end. */
  read(buffer: Uint8Array): Promise<number | null>;
  /** Writes some of the bytes; returns how many. */
  write(bytes: Uint8Array): Promise<number>;
  /** Closes both directions. */
  close(): void;
  /** Lets the program end while the connection is open. */
  unref(): void;
  /** Marks the peer as authenticated: it may send any amount from now on. */
  trust?(): void;
  /** Sends small pieces without delay; TCP connections have this method. */
  setNoDelay?(): void;
}
