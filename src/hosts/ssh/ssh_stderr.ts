import type { Child } from "../../spawner/child.ts";
import { isProbeMessage } from "./ssh_failure.ts";

/** How many characters are kept to explain a failure. */
const MAX_TEXT = 8_192;

/** How many characters of a line are kept. */
const MAX_LINE = 4_096;

/** The stderr of an `ssh` process, which explains its failures. */
export class SshStderr {
  /** The end of its output since {@linkcode SshStderr.clear}. */
  text = "";
  readonly #onLine: (line: string) => void;
  readonly #decoder = new TextDecoder();
  /** The line that isn't complete yet. */
  #rest = "";

  /**
   * Constructs it.
   *
   * @param onLine Called with each line.
   */
  constructor(onLine: (line: string) => void) {
    this.#onLine = onLine;
  }

  /** Reads until the process has ended. */
  async read(child: Child): Promise<Deno.CommandStatus> {
    const status = await child.readOutput({
      stderr: (bytes) => this.#write(bytes),
    });
    if (this.#rest !== "") this.#addLine(this.#rest);
    return status;
  }

  /** Forgets the output so far, which doesn't explain later failures. */
  clear(): void {
    this.text = "";
  }

  #write(bytes: Uint8Array): void {
    const text = this.#decoder.decode(bytes, { stream: true });
    const [first, ...others] = text.split("\n");
    // A line may never end.
    const lines = [this.#rest + first, ...others]
      .map((line) => line.slice(0, MAX_LINE));
    this.#rest = lines.pop()!;
    for (const line of lines) this.#addLine(line);
  }

  #addLine(untrimmed: string): void {
    const line = untrimmed.trimEnd();
    if (isProbeMessage(line)) return;
    this.text = `${this.text}${line}\n`.slice(-MAX_TEXT);
    this.#onLine(line);
  }
}
