import { useCodec, type ValueCodec } from "../protocol/value_codec.ts";
import { Channel } from "../transport/channel.ts";
import type { Connection } from "../transport/connection.ts";
import { CutShortError } from "../transport/frame_reader.ts";
import { Executor } from "./executor.ts";
import { sharePrimordials } from "./primordials.ts";
import { ResultWriter } from "./result_writer.ts";

/** The pool's settings for a worker. */
export interface InlineSettings {
  /** How many async tasks run at a time. */
  readonly concurrency: number;
  /** How values are encoded. */
  readonly codec: ValueCodec;
}

/**
 * A worker in the thread of the program itself. It serves its pool until it is
 * killed or the connection ends.
 */
export class InlineWorker {
  /** Resolves when it begins nothing more, to the error if it broke. */
  readonly ended: Promise<unknown>;
  readonly #channel: Channel;
  readonly #executor: Executor;

  /** Constructs a worker at its end of the connection. */
  constructor(
    connection: Connection,
    { concurrency, codec }: InlineSettings,
  ) {
    sharePrimordials();
    this.#channel = new Channel(connection);
    const results = new ResultWriter(this.#channel);
    this.#executor = new Executor(results, concurrency, true);
    this.ended = this.#serve(codec);
  }

  /** Begins no more tasks, and cancels those that run. */
  kill(): void {
    this.#executor.stop();
    this.#channel.close();
  }

  async #serve(codec: ValueCodec): Promise<unknown> {
    try {
      await useCodec(this.#channel, codec);
      await this.#channel.receive((message, byteLength) =>
        this.#executor.receive(message, byteLength)
      );
    } catch (error) {
      // The pool may end within a message.
      return error instanceof CutShortError ? undefined : error;
    } finally {
      this.kill();
    }
  }
}
