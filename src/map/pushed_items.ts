/** Receives the items that are pushed; a feed implements it. */
export interface ItemReceiver {
  /** Whether an item may be pushed now. */
  readonly isOpen: boolean;
  /** Takes an item. */
  push(item: unknown): void;
  /** Handles the end of the items. */
  pushEnd(): void;
}

/**
 * The items of a map whose program pushes them one by one, and waits after each
 * one until the map wants more. At most one item waits for the map.
 */
export class PushedItems {
  /** How many items there are: nobody knows. */
  readonly size: undefined = undefined;
  #receiver: ItemReceiver | undefined;
  /** Whether the map takes items, which it does from its first read. */
  #isStarted = false;
  #hasEnded = false;
  /** The item that waits, and the promise of the push. */
  #waiting: { item: unknown; taken: PromiseWithResolvers<void> } | undefined;

  /** Sets the receiver of the items. */
  connect(receiver: ItemReceiver): void {
    this.#receiver = receiver;
  }

  /**
   * Pushes an item. The previous push must have finished.
   *
   * @returns `undefined` if the item was taken; otherwise a promise that
   * resolves when it is taken.
   */
  push(item: unknown): Promise<void> | undefined {
    const receiver = this.#receiver!;
    if (this.#isStarted && receiver.isOpen) {
      receiver.push(item);
      return undefined;
    }
    const taken = Promise.withResolvers<void>();
    this.#waiting = { item, taken };
    return taken.promise;
  }

  /** Marks the end of the items. */
  end(): void {
    this.#hasEnded = true;
    if (this.#isStarted) this.#receiver!.pushEnd();
  }

  /** Rejects the push that waits, if any. */
  fail(reason: unknown): void {
    this.#waiting?.taken.reject(reason);
    this.#waiting = undefined;
  }

  /** Continues: the map may want an item. */
  resume(): void {
    this.#isStarted = true;
    const receiver = this.#receiver!;
    if (this.#hasEnded) return receiver.pushEnd();
    if (this.#waiting === undefined || !receiver.isOpen) return;
    const { item, taken } = this.#waiting;
    this.#waiting = undefined;
    receiver.push(item);
    taken.resolve();
  }
}
