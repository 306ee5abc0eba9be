import { ResultMode } from "../protocol/worker_messages.ts";
import { ValueStream } from "../streams/value_stream.ts";
import { Call } from "./call.ts";
import type { CallKind } from "./call_kind.ts";
import type { CallerTrace } from "./caller_trace.ts";

/** A call whose values can be read while the task yields them. */
export class StreamCall extends Call {
  readonly #trace: CallerTrace;
  readonly #stream: ValueStream;
  #onSettled: (() => void) | undefined;
  #onAwaited: (() => void) | undefined;
  /** Resolves when a call that the reader left has ended at its worker. */
  readonly #ended = Promise.withResolvers<void>();

  /** Constructs a call with arguments. */
  constructor(
    kind: CallKind,
    args: readonly unknown[],
    trace: CallerTrace,
  ) {
    super(kind, args);
    this.#trace = trace;
    this.#stream = new ValueStream({
      starved: () => this.#awaited(),
      read: (values, bytes) => {
        this.#awaited();
        this.read(values, bytes);
      },
      cancelled: () => this.#leave(),
    });
  }

  /** The values that the task yields. */
  get readable(): ReadableStream<unknown> {
    return this.#stream.readable;
  }

  override get mode(): ResultMode {
    return ResultMode.STREAM;
  }

  /** Whether the stream has a reader. */
  override get isAwaited(): boolean {
    return this.readable.locked;
  }

  override whenAwaited(callback: () => void): void {
    this.#onAwaited = callback;
  }

  /** Calls `callback` when the call is settled or left. */
  whenSettled(callback: () => void): void {
    this.#onSettled = callback;
  }

  /**
   * Abandons the call, and ends the stream with `reason` at once and unchanged.
   *
   * @returns Whether the call was pending.
   */
  abort(reason: unknown): boolean {
    if (!this.abandon()) return false;
    this.#onSettled?.();
    this.#stream.abort(reason);
    return true;
  }

  /** Ends the stream at once, unlike {@linkcode Call.fail}. */
  override cancel(error: unknown): boolean {
    return this.abort(this.#trace.addTo(error, this.task));
  }

  protected override received(values: readonly unknown[], bytes: number): void {
    this.#stream.push(values, bytes);
  }

  protected override finished(): void {
    this.#onSettled?.();
    this.#stream.end();
  }

  /** Isn't called: the worker answers such a call with its end or an error. */
  protected override resolved(): void {
    this.finished();
  }

  protected override rejected(error: unknown): void {
    this.#onSettled?.();
    this.#stream.fail(this.#trace.addTo(error, this.task));
  }

  protected override ended(): void {
    this.#ended.resolve();
  }

  #awaited(): void {
    this.#onAwaited?.();
    this.#onAwaited = undefined;
  }

  /** Lets the task run its cleanup, and waits for it. */
  async #leave(): Promise<void> {
    if (!this.abandon()) return;
    this.#onSettled?.();
    if (this.state === "abandoned") await this.#ended.promise;
  }
}
