/**
 * How long the output is still read after the process has ended, in
 * milliseconds: its own children may have inherited its streams and outlive it.
 */
const OUTPUT_TIMEOUT = 500;

/** One of the two output streams of a process. */
export type OutputStream = "stdout" | "stderr";

/** Takes pieces of a stream; the process waits until it has resolved. */
export type PieceHandler = (
  bytes: Uint8Array<ArrayBuffer>,
) => Promise<void> | void;

/**
 * A child process that doesn't keep the program alive. It may end at any
 * moment: its methods don't throw then.
 */
export class Child {
  readonly #process: Deno.ChildProcess;
  #input: WritableStreamDefaultWriter<Uint8Array> | undefined;

  /** Constructs a wrapper of a process that was just started. */
  constructor(process: Deno.ChildProcess) {
    this.#process = process;
    process.unref();
  }

  /** Its process id. */
  get pid(): number {
    return this.#process.pid;
  }

  /** Resolves when it has ended. */
  get status(): Promise<Deno.CommandStatus> {
    return this.#process.status;
  }

  /** Keeps the program alive until it has ended. */
  ref(): void {
    try {
      this.#process.ref();
    } catch {
      // It has ended.
    }
  }

  /** Writes to its standard input. */
  async write(piece: string | Uint8Array): Promise<void> {
    const bytes = typeof piece === "string"
      ? new TextEncoder().encode(piece)
      : piece;
    // If it has ended, its status shows that.
    await this.#writer().write(bytes).catch(() => {});
  }

  /** Writes to its standard input, and closes it. */
  async endInput(...pieces: (string | Uint8Array)[]): Promise<void> {
    for (const piece of pieces) await this.write(piece);
    await this.#writer().close().catch(() => {});
  }

  /** Sends it a signal, if it is still running. */
  kill(signal: Deno.Signal = "SIGKILL"): void {
    try {
      this.#process.kill(signal);
    } catch {
      // It has ended.
    }
  }

  /** Sends a signal to it and its descendants, if it was started detached. */
  killGroup(signal: Deno.Signal): void {
    try {
      Deno.kill(-this.pid, signal);
    } catch {
      // Windows has no process groups, and a list of --allow-run forbids this.
      this.kill(signal);
    }
  }

  /**
   * Reads its output until it has ended.
   *
   * @param handlers A handler for each stream that is piped.
   */
  async readOutput(
    handlers: Partial<Record<OutputStream, PieceHandler>>,
  ): Promise<Deno.CommandStatus> {
    const readers: ReadableStreamDefaultReader[] = [];
    const reading = Object.entries(handlers).map(([stream, onPiece]) => {
      const reader = this.#process[stream as OutputStream].getReader();
      readers.push(reader);
      return readAll(reader, onPiece);
    });
    const status = await this.status;
    const timer = setTimeout(() => {
      for (const reader of readers) reader.cancel();
    }, OUTPUT_TIMEOUT);
    await Promise.all(reading);
    clearTimeout(timer);
    return status;
  }

  #writer(): WritableStreamDefaultWriter<Uint8Array> {
    return this.#input ??= this.#process.stdin.getWriter();
  }
}

async function readAll(
  reader: ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>,
  onPiece: PieceHandler,
): Promise<void> {
  for (let read; !(read = await reader.read()).done;) await onPiece(read.value);
}
