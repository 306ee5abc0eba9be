import type { RetrySettings } from "../options/retry_options.ts";
import { ResultMode } from "../protocol/worker_messages.ts";
import { CallContent } from "./call_content.ts";

/** The values that a task has yielded. */
export interface YieldedValues {
  /** Handles that values were read, and lets the task yield more. */
  read(values: number, bytes: number): void;
}

/**
 * The caller's side of a call: who awaits it, and how its outcome is delivered.
 * Each kind of call has its own.
 */
export abstract class CallDelivery extends CallContent {
  /** What the worker does with the value that the task returns. */
  get mode(): ResultMode {
    return ResultMode.VALUE;
  }

  /**
   * The number of the call, or of the first item of its chunk, if it has one:
   * see {@linkcode CallPreface}.
   */
  get number(): number {
    return this.terms.number ?? 0;
  }

  /** How it runs again if its task throws; `undefined`: it doesn't. */
  get retry(): RetrySettings | undefined {
    return this.terms.retry;
  }

  /** Whether the call also runs at another worker: the first answer counts. */
  get hasTwin(): boolean {
    return false;
  }

  /** Whether its twin has answered in its place. */
  get isOutrun(): boolean {
    return false;
  }

  /** Whether somebody awaits the call; `true` if that isn't known. */
  get isAwaited(): boolean {
    return true;
  }

  /** Calls `callback` when somebody first awaits the call. */
  whenAwaited(_callback: () => void): void {}

  /** Prevents an unhandled rejection if the call fails. */
  ignoreFailure(): void {}

  /** How many items of a chunk have failed, while the others go on. */
  get failedItems(): number {
    return 0;
  }

  /** Delivers the error of an item of a chunk whose other items go on. */
  itemFailed(_index: number, _thrown: unknown): void {}

  /** Delivers the result; isn't called for an abandoned call. */
  protected abstract resolved(
    value: unknown,
    bytes: number,
    microseconds: number | undefined,
  ): void;

  /** Delivers the error; isn't called for an abandoned call that fails. */
  protected abstract rejected(
    error: unknown,
    before?: unknown[],
    attempts?: number,
  ): void;

  /**
   * Delivers values that the task has yielded. Their reader must call
   * {@linkcode YieldedValues.read} of `source`.
   */
  protected received(
    _values: readonly unknown[],
    _bytes: number,
    _source: YieldedValues,
  ): void {}

  /** Delivers the end of these values. */
  protected finished(_microseconds: number | undefined): void {}

  /** Handles that an abandoned call has ended. */
  protected ended(): void {}
}
