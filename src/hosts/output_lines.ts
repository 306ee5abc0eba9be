import type { OutputStream } from "../spawner/spawner.ts";

/** The longest line that is held back until its end comes, in bytes. */
const MAX_LINE = 2 ** 16;

const LINE_FEED = 10;

/**
 * Passes on what workers on other machines write, line by line and with the
 * worker's name, to the streams of this process.
 */
export class OutputLines {
  readonly #names = new Map<number, string>();
  /** The begun lines of each worker and stream. */
  readonly #begun = new Map<string, Uint8Array>();

  /** Tells what a worker is called. */
  name(worker: number, name: string): void {
    this.#names.set(worker, name);
  }

  /** Takes a piece of what a worker writes. */
  write(worker: number, stream: OutputStream, bytes: Uint8Array): void {
    const key = `${stream} ${worker}`;
    let rest = concat(this.#begun.get(key), bytes);
    const end = rest.lastIndexOf(LINE_FEED) + 1;
    const complete = rest.length - end > MAX_LINE ? rest.length : end;
    const name = this.#names.get(worker) ?? `worker ${worker}`;
    if (complete > 0) print(stream, name, rest.subarray(0, complete));
    rest = rest.slice(complete);
    if (rest.length === 0) this.#begun.delete(key);
    else this.#begun.set(key, rest);
  }

  /** Passes on a line about a host. */
  report(host: string, line: string): void {
    print("stderr", host, new TextEncoder().encode(line));
  }

  /** Passes on the lines that have no end yet. */
  end(): void {
    for (const [key, bytes] of this.#begun) {
      const [stream, worker] = key.split(" ") as [OutputStream, string];
      const name = this.#names.get(Number(worker)) ?? `worker ${worker}`;
      print(stream, name, bytes);
    }
    this.#begun.clear();
  }
}

function concat(
  before: Uint8Array | undefined,
  bytes: Uint8Array,
): Uint8Array {
  if (before === undefined) return bytes;
  const all = new Uint8Array(before.length + bytes.length);
  all.set(before);
  all.set(bytes, before.length);
  return all;
}

function print(stream: OutputStream, name: string, bytes: Uint8Array): void {
  const text = new TextDecoder().decode(bytes).replace(/\n$/, "");
  const named = text.replace(/^/gm, () => `[${name}] `);
  const encoded = new TextEncoder().encode(`${named}\n`);
  for (let written = 0; written < encoded.length;) {
    written += Deno[stream].writeSync(encoded.subarray(written));
  }
}
