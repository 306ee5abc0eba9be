import { PrefetchWindow, type WindowOptions } from "./prefetch_window.ts";

/** The window of a worker that may run only so many items in all. */
export class LimitedWindow extends PrefetchWindow {
  /** Called after the worker got calls or has answered some. */
  onChange: (() => void) | undefined;
  #itemsLeft: number;

  /**
   * Constructs the window of a worker that has run nothing.
   *
   * @param maxItems How many items the worker may get.
   */
  constructor(
    prefetch: number | "auto",
    concurrency: number,
    maxItems: number,
    options?: WindowOptions,
  ) {
    super(prefetch, concurrency, options);
    this.#itemsLeft = maxItems;
  }

  override get itemsLeft(): number {
    return this.#itemsLeft;
  }

  override get room(): number {
    return Math.min(super.room, this.#itemsLeft);
  }

  override sent(bytes: number, items = 0): void {
    super.sent(bytes);
    this.#itemsLeft -= items;
    this.onChange?.();
  }

  override returned(bytes: number): void {
    super.returned(bytes);
    this.onChange?.();
  }

  override givenBack(items: number): void {
    this.#itemsLeft += items;
  }
}
