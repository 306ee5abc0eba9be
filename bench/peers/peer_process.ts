import { Child } from "../../src/spawner/child.ts";
import type { Answer, Hello, Request } from "./requests.ts";

/** How long a peer may take for its start or an answer, in milliseconds. */
const TIMEOUT = 60_000;

/** How long a peer may take to end by itself, in milliseconds. */
const END_TIMEOUT = 5_000;

/** The length of the end of the standard error stream that is kept. */
const KEPT_ERRORS = 2_000;

/** How a driver is started. */
export interface DriverCommand {
  readonly program: string;
  readonly args: readonly string[];
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** A peer that can't be measured here. */
export class MissingPeerError extends Error {
  override readonly name = "MissingPeerError";
}

/** A peer that couldn't do a work. */
export class PeerError extends Error {
  override readonly name = "PeerError";
}

/** The driver of a peer, in a process of its own, with all that it starts. */
export class PeerProcess implements AsyncDisposable {
  readonly #child: Child;
  readonly #lines: AsyncIterableIterator<string>;
  #errors = "";

  private constructor(process: Deno.ChildProcess) {
    this.#child = new Child(process);
    this.#child.ref();
    const lines = new LineQueue();
    this.#lines = lines.read();
    const decoder = new TextDecoder();
    this.#child.readOutput({
      stdout: (bytes) => lines.add(bytes),
      stderr: (bytes) => {
        const text = this.#errors + decoder.decode(bytes);
        this.#errors = text.slice(-KEPT_ERRORS);
      },
    }).finally(() => lines.end());
  }

  /**
   * Starts a driver.
   *
   * @returns The process, and what it said about the peer.
   * @throws {MissingPeerError} If the driver or the peer can't be started.
   */
  static async start(
    { program, args, cwd, env }: DriverCommand,
  ): Promise<[PeerProcess, Exclude<Hello, { missing: string }>]> {
    const process = spawn(program, {
      args: [...args],
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
      // The group includes the peer's own processes.
      detached: Deno.build.os !== "windows",
      ...cwd !== undefined && { cwd },
      ...env !== undefined && { env },
    });
    const peer = new PeerProcess(process);
    const hello = await peer.#read<Hello>().catch((error) => {
      return { missing: error.message };
    });
    if (!("missing" in hello)) return [peer, hello];
    await peer[Symbol.asyncDispose]();
    throw new MissingPeerError(hello.missing);
  }

  /**
   * Has a work done.
   *
   * @throws {PeerError} If the peer fails. It must not be asked again then.
   */
  async ask(request: Request): Promise<Answer> {
    await this.#child.write(`${JSON.stringify(request)}\n`);
    const answer = await this.#read<Answer | { readonly error: string }>();
    if ("error" in answer) throw new PeerError(answer.error);
    return answer;
  }

  /** Ends the driver and all processes that it started. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#child.endInput();
    await within(this.#child.status, END_TIMEOUT);
    this.#child.killGroup("SIGKILL");
    await this.#child.status;
  }

  async #read<T>(): Promise<T> {
    const result = await within(this.#lines.next(), TIMEOUT);
    if (result === undefined) {
      this.#child.killGroup("SIGKILL");
      throw new PeerError(`it gave no answer in ${TIMEOUT / 1_000} seconds`);
    }
    if (!result.done) return parse(result.value);
    const reason = this.#errors.trim().split("\n").at(-1) ?? "";
    throw new PeerError(`its process ended: ${reason}`);
  }
}

/** @throws {PeerError} If the peer printed something itself. */
function parse(line: string) {
  try {
    return JSON.parse(line);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new PeerError(`it printed '${line}'`);
  }
}

function spawn(
  program: string,
  options: Deno.CommandOptions,
): Deno.ChildProcess {
  try {
    return new Deno.Command(program, options).spawn();
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new MissingPeerError(`${program} isn't in PATH`);
  }
}

/** Returns what a promise resolves with; `undefined` if it takes longer. */
async function within<T>(
  promise: Promise<T>,
  milliseconds: number,
): Promise<T | undefined> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), milliseconds);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Cuts pieces of a stream into lines. */
class LineQueue {
  readonly #decoder = new TextDecoder();
  readonly #lines: string[] = [];
  #rest = "";
  #ended = false;
  #changed = Promise.withResolvers<void>();

  add(bytes: Uint8Array): void {
    const text = this.#rest + this.#decoder.decode(bytes, { stream: true });
    const lines = text.split("\n");
    this.#rest = lines.pop()!;
    this.#lines.push(...lines);
    this.#notify();
  }

  end(): void {
    this.#ended = true;
    this.#notify();
  }

  async *read(): AsyncGenerator<string> {
    while (true) {
      while (this.#lines.length > 0) yield this.#lines.shift()!;
      if (this.#ended) return;
      await this.#changed.promise;
    }
  }

  #notify(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }
}
