import { Call } from "../calls/call.ts";

/** A call for items of a map, each of which may fail while the others go on. */
export abstract class ItemsCall extends Call {
  /** The errors of the items that have failed, by index. */
  protected failures: Map<number, unknown> | undefined;

  override get failedItems(): number {
    return this.failures?.size ?? 0;
  }

  override itemFailed(index: number, thrown: unknown): void {
    this.failures ??= new Map();
    this.failures.set(index, thrown);
  }
}
