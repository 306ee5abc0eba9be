import type { OutputStream } from "../spawner/child.ts";
import { concatBytes } from "../util/concat_bytes.ts";
import { isNotebook } from "../util/is_notebook.ts";
import { DebuggerLines } from "./debugger_lines.ts";

/** The longest line that is kept until its end arrives, in bytes. */
const MAX_LINE = 2 ** 16;

const LINE_FEED = 10;

const STREAMS = ["stdout", "stderr"] as const;

/** How the output of workers is printed. */
export interface OutputOptions {
  /**
   * Whether nothing is printed, except where debuggers listen.
   *
   * @default {false}
   */
  readonly silent?: boolean;
  /**
   * Whether the workers have debuggers.
   *
   * @default {false}
   */
  readonly inspect?: boolean;
}

/** A worker in what is printed. */
interface NamedWorker {
  readonly name: string;
  /** How ssh logs in to its machine, if it is another one. */
  readonly login: string | undefined;
}

/**
 * Prints the output of workers to the streams of this process, line by line,
 * and the name of the worker before each line.
 */
export class OutputLines {
  readonly #silent: boolean;
  readonly #debuggers: DebuggerLines | undefined;
  readonly #workers = new Map<number, NamedWorker>();
  /** The workers that print nothing any more. */
  readonly #muted = new Set<number>();
  /** The incomplete lines, by worker and stream. */
  readonly #begun = new Map<string, Uint8Array>();

  /** Constructs it for workers that haven't printed anything. */
  constructor({ silent = false, inspect = false }: OutputOptions = {}) {
    this.#silent = silent;
    this.#debuggers = inspect ? new DebuggerLines() : undefined;
  }

  /**
   * Sets the name of a worker.
   *
   * @param login How ssh logs in to its machine, if it is another one.
   */
  name(worker: number, name: string, login?: string): void {
    this.#workers.set(worker, { name, login });
    this.#debuggers?.expect(worker);
  }

  /** Drops what a worker prints from now on. */
  mute(worker: number): void {
    this.#muted.add(worker);
  }

  /** Takes a piece of a worker's output. */
  write(worker: number, stream: OutputStream, bytes: Uint8Array): void {
    const isHidden = this.#silent && this.#debuggers === undefined;
    if (isHidden || this.#muted.has(worker)) return;
    const key = `${stream} ${worker}`;
    const begun = this.#begun.get(key);
    const all = begun === undefined ? bytes : concatBytes([begun, bytes]);
    const end = all.lastIndexOf(LINE_FEED) + 1;
    const complete = all.length - end > MAX_LINE ? wholeLength(all) : end;
    if (complete > 0) this.#print(worker, stream, all.subarray(0, complete));
    if (complete === all.length) this.#begun.delete(key);
    else this.#begun.set(key, all.slice(complete));
  }

  /** Prints a line about a host. */
  report(host: string, line: string): void {
    if (this.#silent) return;
    print("stderr", host, new TextEncoder().encode(`${line}\n`));
  }

  /** Prints the incomplete lines of a worker that has ended, and forgets it. */
  ended(worker: number): void {
    // Most workers print nothing, and many may end at the same time.
    if (this.#begun.size > 0) this.#printBegun(worker);
    this.#workers.delete(worker);
    this.#debuggers?.forget(worker);
    this.#muted.delete(worker);
  }

  #print(worker: number, stream: OutputStream, lines: Uint8Array): void {
    if (stream === "stderr" && this.#debuggers !== undefined) {
      lines = this.#debuggers.take(
        worker,
        lines,
        (address) => this.#announce(worker, address),
      );
    }
    if (this.#silent || lines.length === 0) return;
    print(stream, this.#nameOf(worker), lines);
  }

  /** Prints where the debugger of a worker listens. */
  #announce(worker: number, address: string): void {
    const { login } = this.#workers.get(worker)!;
    const { port } = new URL(address);
    const way = login === undefined
      ? ""
      : ` there; forward its port: ssh -NL ${port}:127.0.0.1:${port} ${login}`;
    const line = `${this.#nameOf(worker)}: debugger on ${address}${way}\n`;
    print("stderr", "distex", new TextEncoder().encode(line));
  }

  #printBegun(worker: number): void {
    for (const stream of STREAMS) {
      const key = `${stream} ${worker}`;
      const begun = this.#begun.get(key);
      if (begun !== undefined) this.#print(worker, stream, begun);
      this.#begun.delete(key);
    }
  }

  #nameOf(worker: number): string {
    return this.#workers.get(worker)?.name ?? `worker ${worker}`;
  }
}

/** Returns the length without a cut-off UTF-8 character at the end. */
function wholeLength(bytes: Uint8Array): number {
  const { length } = bytes;
  for (let at = length - 1; at >= 0 && at >= length - 3; at--) {
    const byte = bytes[at]!;
    if (byte < 0x80) break;
    if (byte < 0xc0) continue;
    const size = byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4;
    return at + size > length ? at : length;
  }
  return length;
}

/** Prints a name before each line, and the bytes of the line unchanged. */
function print(stream: OutputStream, name: string, lines: Uint8Array): void {
  const prefix = new TextEncoder().encode(`[${name}] `);
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < lines.length;) {
    const end = lines.indexOf(LINE_FEED, at) + 1 || lines.length;
    pieces.push(prefix, lines.subarray(at, end));
    at = end;
  }
  if (lines.at(-1) !== LINE_FEED) pieces.push(Uint8Array.of(LINE_FEED));
  const bytes = concatBytes(pieces);
  if (isNotebook) return printInCell(stream, bytes);
  try {
    for (let written = 0; written < bytes.length;) {
      written += Deno[stream].writeSync(bytes.subarray(written));
    }
  } catch {
    // Nobody reads the stream any more. The pool works without it.
  }
}

/**
 * Prints lines below the cell that runs: in a notebook, the streams of the
 * process are those of the Jupyter server.
 */
function printInCell(stream: OutputStream, lines: Uint8Array): void {
  const text = new TextDecoder().decode(lines.subarray(0, -1));
  if (stream === "stdout") console.log(text);
  else console.error(text);
}
