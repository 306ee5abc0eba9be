/** How many items the average covers. */
const MEMORY = 100;

/** How long items keep workers busy: the average of about the latest hundred. */
export class ItemTime {
  /** How many items the average covers, and how long these took. */
  #items = 0;
  #busy = 0;
  #itemsBefore = 0;
  #busyBefore = 0;

  /** The average in microseconds; 0 if nothing was measured. */
  get microseconds(): number {
    return this.#items === 0 ? 0 : this.#busy / this.#items;
  }

  /**
   * Takes note of what the workers have done.
   *
   * @param items How many items they have run so far.
   * @param busy How long they were busy, in microseconds.
   */
  update(items: number, busy: number): void {
    const newItems = items - this.#itemsBefore;
    if (newItems <= 0) return;
    const kept = Math.min(this.#items, Math.max(0, MEMORY - newItems));
    const share = this.#items === 0 ? 0 : kept / this.#items;
    this.#items = kept + newItems;
    this.#busy = this.#busy * share + busy - this.#busyBefore;
    this.#itemsBefore = items;
    this.#busyBefore = busy;
  }
}
