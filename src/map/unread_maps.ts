/**
 * Warns about maps whose results were never read. None of their tasks ran, and
 * a program that only awaits `pool.map()` wouldn't notice.
 */
export class UnreadMaps {
  /** The task name of each unread map, by the map's token. */
  readonly #tasks = new Map<symbol, string>();
  readonly #collected = new FinalizationRegistry<symbol>((token) =>
    this.#warn(token)
  );

  /**
   * Adds a map.
   *
   * @param results The map's results; warns if they are garbage-collected
   * unread.
   * @param task The name of the map's task.
   * @returns A function to call when the map is read or closed.
   */
  add(results: object, task: string): () => void {
    const token = Symbol();
    this.#tasks.set(token, task);
    this.#collected.register(results, token, token);
    return () => {
      if (this.#tasks.delete(token)) this.#collected.unregister(token);
    };
  }

  /** Warns about all unread maps, when their pool ends. */
  close(): void {
    for (const token of [...this.#tasks.keys()]) {
      this.#collected.unregister(token);
      this.#warn(token);
    }
  }

  #warn(token: symbol): void {
    const task = this.#tasks.get(token);
    if (!this.#tasks.delete(token)) return;
    console.warn(
      `[distex] The results of a map of the task '${task}' were never read, so none of its tasks ran: iterate over them with 'for await', or call toArray()`,
    );
  }
}
