import {
  Credit,
  type CreditAmount,
  MESSAGE_CREDIT,
} from "../streams/credit.ts";
import { CreditAccount } from "../streams/credit_account.ts";
import { ValueStream } from "../streams/value_stream.ts";
import { DOMException } from "./primordials.ts";

/** Sends what a port has for the pool. */
export interface PortLink {
  /** Writes a message, and returns its size in bytes. */
  write(value: unknown): number;
  /** Sends it; returns a promise if its memory is in use until then. */
  send(): Promise<void> | undefined;
  /** Grants the pool credit for messages. */
  grant(credit: CreditAmount): void;
}

/** A task's end of the messages between the task and its caller. */
export class WorkerPort implements AsyncIterableIterator<unknown, undefined> {
  readonly #link: PortLink;
  readonly #credit = new Credit(MESSAGE_CREDIT);
  readonly #account = new CreditAccount(MESSAGE_CREDIT);
  readonly #incoming: ValueStream;
  #reader: ReadableStreamDefaultReader<unknown> | undefined;
  #isClosed = false;

  /** Opens the port. */
  constructor(link: PortLink) {
    this.#link = link;
    this.#incoming = new ValueStream({
      read: (values, bytes) => {
        const grant = this.#account.read(values, bytes);
        // What has arrived can be read after the end of the call.
        if (grant !== undefined && !this.#isClosed) link.grant(grant);
      },
      cancelled: () => {},
    });
    link.grant(MESSAGE_CREDIT);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** See {@linkcode TaskPort.postMessage}. */
  postMessage(message: unknown): Promise<void> {
    const credit = this.#credit;
    if (this.#isClosed) return Promise.resolve();
    if (!credit.isOpen) {
      throw new DOMException(
        "The caller hasn't read the earlier messages: await postMessage() before the next one",
        "QuotaExceededError",
      );
    }
    credit.spend(this.#link.write(message));
    return this.#sent(this.#link.send());
  }

  async next(): Promise<IteratorResult<unknown, undefined>> {
    this.#reader ??= this.#incoming.readable.getReader();
    const { done, value } = await this.#reader.read();
    return done ? { done, value: undefined } : { done, value };
  }

  /** Leaves a loop; a later one continues with the next message. */
  return(): Promise<IteratorResult<unknown, undefined>> {
    return Promise.resolve({ done: true, value: undefined });
  }

  /** Makes the port of a call that has ended; for the worker only. */
  static closed(): WorkerPort {
    const port = new WorkerPort({
      write: () => 0,
      send: () => undefined,
      grant: () => {},
    });
    WorkerPort.close(port);
    return port;
  }

  /** Receives messages from the pool; for the worker only. */
  static receive(
    port: WorkerPort,
    messages: readonly unknown[],
    bytes: number,
  ): void {
    port.#account.received(messages.length, bytes);
    port.#incoming.push(messages, bytes);
  }

  /** Adds credit for messages to the pool; for the worker only. */
  static grant(port: WorkerPort, credit: CreditAmount): void {
    port.#credit.grant(credit);
  }

  /** Ends the port with its call; for the worker only. */
  static close(port: WorkerPort): void {
    port.#isClosed = true;
    port.#credit.cancel();
    port.#incoming.end();
  }

  async #sent(sent: Promise<void> | undefined): Promise<void> {
    await sent;
    if (!this.#isClosed) await this.#credit.whenOpen();
  }
}
