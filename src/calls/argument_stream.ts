import { setImmediate } from "node:timers";
import { Credit, type CreditAmount, NO_CREDIT } from "../streams/credit.ts";
import type { Starvation } from "../streams/starvation.ts";
import type { StreamLink } from "./stream_link.ts";

/** The used part of an async iterator or a stream's reader. */
interface Source {
  next(): Promise<{ done?: boolean; value?: unknown }>;
  close(reason: unknown): unknown;
}

/**
 * Takes the streams out of arguments, and leaves `undefined` in their places.
 *
 * @returns The streams; `undefined` if there are none.
 * @throws {TypeError} If a stream is locked, or is there twice. Then none of the
 * streams was touched.
 */
export function takeStreams(args: unknown[]): ArgumentStream[] | undefined {
  let indexes: number[] | undefined;
  for (let index = 0; index < args.length; index++) {
    if (!isStream(args[index])) continue;
    checkUnlocked(args, index);
    indexes ??= [];
    indexes.push(index);
  }
  // All were checked before the first one is locked.
  return indexes?.map((index) => {
    const argument = args[index] as AsyncIterable<unknown>;
    args[index] = undefined;
    return new ArgumentStream(index, argument);
  });
}

/** Returns whether an argument is sent as a stream. */
export function isStream(
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
  #starvation: Starvation | undefined;
  /** How many values that were sent the task hasn't read. */
  #unread = 0;
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

  /** Whether the source was closed. */
  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /**
   * Handles that a worker has the call.
   *
   * @param starvation Detects that the task waits for a value.
   */
  open(link: StreamLink, number: number, starvation: Starvation): void {
    this.#link = link;
    this.#number = number;
    this.#starvation = starvation;
  }

  /** Adds credit from the worker. */
  grant(credit: CreditAmount): void {
    this.#credit.grant(credit);
    if (this.#hasEnded) return;
    const isFirst = !this.#isUsed;
    const wasUnread = this.#unread;
    // The first credit isn't for values that were read.
    if (!isFirst) this.#unread = Math.max(0, wasUnread - credit.values);
    if (this.#unread === 0 && (isFirst || wasUnread > 0)) {
      this.#starvation?.begin();
    }
    if (!isFirst) return;
    this.#isUsed = true;
    this.#pump();
  }

  /** Closes the source, because the task doesn't read on. */
  end(reason: unknown): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    if (this.#isUsed && this.#unread === 0) this.#starvation?.end();
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
      if (this.#unread++ === 0) this.#starvation?.end();
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
    if (this.#unread === 0) this.#starvation?.end();
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

function checkUnlocked(args: readonly unknown[], index: number): void {
  const argument = args[index];
  if (!(argument instanceof ReadableStream)) return;
  if (argument.locked) {
    throw new TypeError(
      `'args[${index}]' is a ReadableStream that is locked: pass a stream that nobody reads`,
    );
  }
  const first = args.indexOf(argument);
  if (first === index) return;
  throw new TypeError(
    `'args[${index}]' is the same ReadableStream as 'args[${first}]': pass the two streams that its tee() returns`,
  );
}

function openSource(argument: AsyncIterable<unknown>): Source {
  if (!(argument instanceof ReadableStream)) {
    let iterator: AsyncIterator<unknown> | undefined;
    const open = () => iterator ??= argument[Symbol.asyncIterator]();
    return {
      next: () => open().next(),
      close: () => open().return?.(),
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
