import { StreamNumber } from "../protocol/worker_messages.ts";
import { type PauseEvents, Starvation } from "../streams/starvation.ts";
import type { ArgumentStream } from "./argument_stream.ts";
import type { CallMessages } from "./call_messages.ts";
import type { StreamLink } from "./stream_link.ts";

/** The streams that are arguments of a call, and its messages. */
export class CallStreams {
  readonly #inputs: readonly ArgumentStream[];
  #messages: CallMessages | undefined;
  #starvation: Starvation | undefined;

  /** Constructs the streams of a call that no worker has. */
  constructor(inputs: readonly ArgumentStream[]) {
    this.#inputs = inputs;
  }

  /** The indexes of the arguments that are streams. */
  get indexes(): number[] {
    return this.#inputs.map(({ index }) => index);
  }

  /** Whether the task has read or left a stream, or was sent messages. */
  get isUsed(): boolean {
    return this.#messages?.isUsed === true ||
      this.#inputs.some(({ isUsed, hasEnded }) => isUsed || hasEnded);
  }

  /** Whether the task may have waited for a stream. */
  get mayHaveWaited(): boolean {
    return this.#inputs.some(({ isUsed }) => isUsed);
  }

  /** The messages between the task and its caller, if the caller wants any. */
  get messages(): CallMessages | undefined {
    return this.#messages;
  }

  /** Adds messages; a worker may have the call already. */
  addMessages(messages: CallMessages, link: StreamLink | undefined): void {
    this.#messages = messages;
    if (link !== undefined) messages.open(link);
  }

  /**
   * Handles that a worker has the call.
   *
   * @param events Handles that the task waits for an argument.
   */
  open(link: StreamLink, events: PauseEvents): void {
    if (this.#inputs.length > 0) {
      const starvation = this.#starvation ??= new Starvation(events);
      this.#inputs.forEach((input, at) => {
        input.open(link, StreamNumber.FIRST_INPUT + at, starvation);
      });
    }
    this.#messages?.open(link);
  }

  /** Handles that no worker has the call any more. */
  close(): void {
    this.#messages?.close();
  }

  /** Returns an argument by the number of its stream, if there is one. */
  input(stream: number): ArgumentStream | undefined {
    return this.#inputs[stream - StreamNumber.FIRST_INPUT];
  }

  /** Ends all streams with their call. */
  end(): void {
    this.#messages?.end();
    this.#starvation?.close();
    if (this.#inputs.length === 0) return;
    const reason = new DOMException("The task has ended", "AbortError");
    for (const input of this.#inputs) input.end(reason);
  }
}
