import type { StreamLink } from "../calls/stream_link.ts";
import { unsendableError } from "../codec/unsendable_error.ts";
import { MessageType, StreamNumber } from "../protocol/worker_messages.ts";
import type { CreditAmount } from "../streams/credit.ts";
import type { CallWriter } from "./call_writer.ts";

/** Sends values of the streams of one call to its worker. */
export class WorkerLink implements StreamLink {
  readonly #writer: CallWriter;
  readonly #id: number;

  /** Constructs the link of the call with an id. */
  constructor(writer: CallWriter, id: number) {
    this.#writer = writer;
    this.#id = id;
  }

  write(stream: number, value: unknown): number {
    return this.#writer.writeValue(this.#id, stream, value);
  }

  flush(): void {
    this.#writer.flush();
  }

  drained(): Promise<void> | undefined {
    return this.#writer.drained(this.#id);
  }

  close(stream: number, errors: readonly unknown[]): void {
    try {
      this.#writer.closeStream(this.#id, stream, [...errors]);
    } catch (reason) {
      const error = unsendableError("error", reason);
      this.#writer.closeStream(this.#id, stream, [error]);
    }
  }

  grantMessages(credit: CreditAmount): void {
    this.#grant(StreamNumber.PORT, credit);
  }

  grantOutput(credit: CreditAmount): void {
    this.#grant(StreamNumber.OUTPUT, credit);
  }

  #grant(stream: number, { values, bytes }: CreditAmount): void {
    const { CREDIT } = MessageType;
    this.#writer.post([CREDIT, this.#id, stream, values, bytes]);
  }
}
