import { CallContent } from "./call_content.ts";

/**
 * The caller's side of a call: who awaits it, and how its outcome is delivered.
 * Each kind of call has its own.
 *
 * @typeParam Call The calls that have it.
 */
export abstract class CallDelivery<Call> extends CallContent {
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
   * Delivers values that the task has yielded. Their reader must call `read`
   * of `source`.
   */
  protected received(
    _values: readonly unknown[],
    _bytes: number,
    _source: Call,
  ): void {}

  /** Delivers the end of these values. */
  protected finished(_microseconds: number | undefined): void {}

  /** Returns calls for items of a chunk that a worker has given back. */
  protected givenBack(
    _items: readonly unknown[],
    _parts: number,
    _microseconds: number,
  ): Call[] {
    return [];
  }

  /** Handles that an abandoned call has ended. */
  protected ended(): void {}
}
