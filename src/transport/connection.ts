/** A stream of bytes both ways: the part of `Deno.Conn` that is needed. */
export interface Connection {
  /** Whether an end may have been a reset, which may have lost some bytes. */
  readonly hidesResets?: boolean;
  /** Fills part of a buffer; `null` is the end. */
  read(buffer: Uint8Array): Promise<number | null>;
  /** Writes some of the bytes, and tells how many. */
  write(bytes: Uint8Array): Promise<number>;
  /** Ends both directions. */
  close(): void;
  /** Lets the program end although the connection is open. */
  unref(): void;
  /** Notes that the other side has proved itself, and may send much. */
  trust?(): void;
  /** Lets small pieces leave at once; TCP connections have it. */
  setNoDelay?(): void;
}
