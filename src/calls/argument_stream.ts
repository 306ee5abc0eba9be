import { setImmediate } from "node:timers";
import { Credit, type CreditAmount, NO_CREDIT } from "../streams/credit.ts";
import type { StreamLink } from "./call_streams.ts";

/** The used part of an async iterator or a stream's reader. */
interface Source {
  next(): Promise<{ done?: boolean; value?: unknown }>;
  close(reason: unknown): unknown;
}

/**
 * Takes the streams out of arguments, and leaves `undefined` in their places.
 *
 * @returns The streams; `undefined` if there are none.
 * @throws {TypeError} If a stream is locked.
 */
export function takeStreams(args: unknown[]): ArgumentStream[] | undefined {
  let streams: ArgumentStream[] | undefined;
  for (let index = 0; index < args.length; index++) {
    const arg = args[index];
    if (!isStream(arg)) continue;
    checkUnlocked(index, arg);
    streams ??= [];
    streams.push(new ArgumentStream(index, arg));
    args[index] = undefined;
  }
  return streams;
}

/** Returns whether an argument is sent as a stream. */
function isStream(
  value: unknown,
): value is AsyncIterable<unknown> {
  if (typeof value !== "object" || value === null) return false;
  try {
    return typeof (value as Partial<AsyncIterable<unknown>>)[
      Symbol.asyncIterator
    ] === "function";
  } catch {
    // A revoked proxy is refused when it is encoded.
    return false;
  }
}

/**
 * An argument of a call whose values are sent one by one, as fast as the task
 * reads them. Nothing is taken from it before the task reads.
 */
export class ArgumentStream {
  readonly #source: Source;
  #link: StreamLink | undefined;
  #number = 0;
  #credit = new Credit(NO_CREDIT);
  #isUsed = false;
  #hasEnded = false;
  #flushDue = false;

  /**
   * Constructs the stream of an argument.
   *
   * @param index The index of the argument.
   */
  constructor(readonly index: number, argument: AsyncIterable<unknown>) {
    this.#source = openSource(argument);
  }

  /** Whether the task has begun to read. */
  get isUsed(): boolean {
    return this.#isUsed;
  }

  /** Handles that a worker has the call. */
  open(link: StreamLink, number: number): void {
    this.#link = link;
    this.#number = number;
  }

  /** Adds credit from the worker. */
  grant(credit: CreditAmount): void {
    this.#credit.grant(credit);
    if (this.#isUsed) return;
    this.#isUsed = true;
    this.#pump();
  }

  /** Closes the source, because the task doesn't read on. */
  end(reason: unknown): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#credit.cancel();
    closeQuietly(this.#source, reason);
  }

  async #pump(): Promise<void> {
    try {
      while (!this.#hasEnded && await this.#sendNext());
    } catch (error) {
      this.#finish([error]);
    }
  }

  /** Sends the next value; returns whether there may be more. */
  async #sendNext(): Promise<boolean> {
    if (!this.#credit.isOpen) {
      this.#link!.flush();
      await this.#credit.whenOpen();
      return true;
    }
    const { done, value } = await this.#source.next();
    if (this.#hasEnded) return false;
    if (done) {
      this.#finish([]);
      return false;
    }
    const link = this.#link!;
    try {
      this.#credit.spend(link.write(this.#number, value));
    } catch (error) {
      this.#finish([error]);
      closeQuietly(this.#source, error);
      return false;
    }
    // The source may use the memory of a value again.
    const drained = link.drained();
    if (drained !== undefined) await drained;
    else this.#flushSoon();
    return true;
  }

  #finish(errors: readonly unknown[]): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#link!.close(this.#number, errors);
  }

  /** Sends what was written, unless more follows in this turn. */
  #flushSoon(): void {
    if (this.#flushDue) return;
    this.#flushDue = true;
    setImmediate(() => {
      this.#flushDue = false;
      this.#link!.flush();
    });
  }
}

function checkUnlocked(index: number, argument: unknown): void {
  if (!(argument instanceof ReadableStream) || !argument.locked) return;
  throw new TypeError(
    `'args[${index}]' is a ReadableStream that is locked: pass a stream that nobody reads`,
  );
}

function openSource(argument: AsyncIterable<unknown>): Source {
  if (!(argument instanceof ReadableStream)) {
    const iterator = argument[Symbol.asyncIterator]();
    return {
      next: () => iterator.next(),
      close: () => iterator.return?.(),
    };
  }
  const reader = argument.getReader();
  return {
    next: () => reader.read(),
    close: (reason) => reader.cancel(reason),
  };
}

/** Closes a source; nobody waits for it, so nobody gets its error. */
async function closeQuietly(source: Source, reason: unknown): Promise<void> {
  try {
    await source.close(reason);
  } catch {
    // See above.
  }
}
