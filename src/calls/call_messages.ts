import {
  Credit,
  type CreditAmount,
  MESSAGE_CREDIT,
  NO_CREDIT,
} from "../streams/credit.ts";
import { StreamNumber } from "../protocol/worker_messages.ts";
import { CreditAccount } from "../streams/credit_account.ts";
import { isPromiseLike } from "../util/is_promise_like.ts";
import { Queue } from "../util/queue.ts";
import type { CallPort, MessageListener } from "../options/call_options.ts";
import type { StreamLink } from "./stream_link.ts";

/** Messages that arrived together. */
interface Batch {
  readonly messages: readonly unknown[];
  readonly bytes: number;
  /** The account of the run that sent them. */
  readonly account: CreditAccount;
}

/** A message that waits for credit. */
interface Waiting {
  readonly message: unknown;
  readonly sent: PromiseWithResolvers<void>;
}

/** The caller's end of the messages between a task and its caller. */
export class CallMessages {
  /** Sends messages to the task, for the listener. */
  readonly port: CallPort = {
    postMessage: (message) => this.postMessage(message),
  };
  readonly #fail: (error: unknown) => void;
  #listener: MessageListener | undefined;
  #link: StreamLink | undefined;
  #credit = new Credit(NO_CREDIT);
  #account = new CreditAccount(MESSAGE_CREDIT);
  readonly #waiting = new Queue<Waiting>();
  readonly #received = new Queue<Batch>();
  #isDelivering = false;
  #hasEnded = false;
  #isUsed = false;

  /**
   * Constructs the messages of a call.
   *
   * @param listener Handles the task's messages; `undefined` drops them.
   * @param fail Ends the call, because the listener has thrown.
   */
  constructor(
    listener: MessageListener | undefined,
    fail: (error: unknown) => void,
  ) {
    this.#listener = listener;
    this.#fail = fail;
  }

  /** Whether messages were sent to the task. */
  get isUsed(): boolean {
    return this.#isUsed;
  }

  /** Sets the listener of the task's messages. */
  listen(listener: MessageListener): void {
    this.#listener = listener;
  }

  /** See {@linkcode CallPort.postMessage}. */
  postMessage(message: unknown): Promise<void> {
    if (this.#hasEnded) return Promise.resolve();
    if (this.#waiting.length >= MESSAGE_CREDIT.values) {
      throw new DOMException(
        `The task hasn't read ${MESSAGE_CREDIT.values} messages: await postMessage() before the next one`,
        "QuotaExceededError",
      );
    }
    if (this.#credit.isOpen && this.#waiting.length === 0) {
      return this.#send(message);
    }
    const sent = Promise.withResolvers<void>();
    this.#waiting.push({ message, sent });
    return sent.promise;
  }

  /** Handles that a worker has the call. */
  open(link: StreamLink): void {
    this.#link = link;
    this.#credit = new Credit(NO_CREDIT);
    this.#account = new CreditAccount(MESSAGE_CREDIT);
  }

  /** Handles that no worker has the call any more; it will run again. */
  close(): void {
    this.#link = undefined;
    this.#credit = new Credit(NO_CREDIT);
    this.#account = new CreditAccount(MESSAGE_CREDIT);
  }

  /** Adds credit from the worker. */
  grant(credit: CreditAmount): void {
    this.#credit.grant(credit);
    while (this.#credit.isOpen) {
      const waiting = this.#waiting.shift();
      if (waiting === undefined) return;
      try {
        waiting.sent.resolve(this.#send(waiting.message));
      } catch (error) {
        waiting.sent.reject(error);
      }
    }
  }

  /**
   * Delivers messages of the task.
   *
   * @throws {RangeError} If the worker had no credit for them.
   */
  receive(messages: readonly unknown[], bytes: number): void {
    this.#account.received(messages.length, bytes);
    if (this.#hasEnded) return;
    this.#received.push({ messages, bytes, account: this.#account });
    if (!this.#isDelivering) this.#deliver();
  }

  /** Ends with the call. Messages that arrived are still delivered. */
  end(): void {
    this.#hasEnded = true;
    this.#link = undefined;
    this.#credit.cancel();
    for (const { sent } of this.#waiting.drain()) sent.resolve();
  }

  #send(message: unknown): Promise<void> {
    const link = this.#link!;
    this.#isUsed = true;
    this.#credit.spend(link.write(StreamNumber.PORT, message));
    // A flush would hide whether the message's memory is still in use.
    const drained = link.drained();
    link.flush();
    return this.#sent(drained);
  }

  async #sent(drained: Promise<void> | undefined): Promise<void> {
    await drained;
    if (!this.#hasEnded) await this.#credit.whenOpen();
  }

  /** Calls the listener; if it returns a promise, waits for it. */
  async #deliver(): Promise<void> {
    this.#isDelivering = true;
    try {
      for (;;) {
        const batch = this.#received.shift();
        if (batch === undefined) break;
        for (const message of batch.messages) {
          const result = this.#listener?.(message, this.port);
          if (isPromiseLike(result)) await result;
        }
        const { messages, bytes, account } = batch;
        const credit = account.read(messages.length, bytes);
        // The task may have begun again since.
        if (credit === undefined || account !== this.#account) continue;
        this.#link?.grantMessages(credit);
      }
    } catch (error) {
      this.#listener = undefined;
      this.#received.drain();
      this.#fail(error);
    }
    this.#isDelivering = false;
  }
}
