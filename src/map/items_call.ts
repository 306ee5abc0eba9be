import { Call } from "../calls/call.ts";
import { judgeAttempt } from "../calls/failed_attempt.ts";
import type { RetrySettings } from "../options/retry_options.ts";
import type { ItemFailure } from "./item_pieces.ts";

/** A call for items of a map, each of which may fail while the others go on. */
export abstract class ItemsCall extends Call {
  /** How items have failed, by index. */
  protected failures: Map<number, ItemFailure> | undefined;

  /** The items of a chunk run again one by one. */
  override get retry(): RetrySettings | undefined {
    return this.chunk === undefined ? super.retry : undefined;
  }

  override get failedItems(): number {
    return this.failures?.size ?? 0;
  }

  override itemFailed(index: number, thrown: unknown): void {
    const { retry } = this.terms;
    this.setFailure(
      index,
      retry === undefined ? { reason: thrown } : judgeAttempt(retry, thrown, 1),
    );
  }

  /** Takes note of how an item has failed. */
  protected setFailure(index: number, failure: ItemFailure): void {
    this.failures ??= new Map();
    this.failures.set(index, failure);
  }
}
