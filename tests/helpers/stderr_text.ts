/** Records what is written to stderr, until the end of its scope. */
export class StderrText implements Disposable {
  /** The text so far. */
  text = "";
  readonly #writeSync = Deno.stderr.writeSync;

  /** Begins to record. */
  constructor() {
    Deno.stderr.writeSync = (bytes) => {
      this.text += new TextDecoder().decode(bytes);
      return bytes.length;
    };
  }

  [Symbol.dispose](): void {
    Deno.stderr.writeSync = this.#writeSync;
  }
}
