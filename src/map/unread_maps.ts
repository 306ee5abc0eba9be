/**
 * Warns of maps that nobody has read: none of their tasks has run, which a
 * program that only awaits `pool.map()` wouldn't notice.
 */
export class UnreadMaps {
  /** The names of the tasks, by a token for each map. */
  readonly #tasks = new Map<symbol, string>();
  readonly #collected = new FinalizationRegistry<symbol>((token) =>
    this.#warn(token)
  );

  /**
   * Adds a map.
   *
   * @param results Its results; if they are collected, the map was never read.
   * @param task The name of its task.
   * @returns A function that notes that the map is being read.
   */
  add(results: object, task: string): () => void {
    const token = Symbol();
    this.#tasks.set(token, task);
    this.#collected.register(results, token, token);
    return () => {
      if (this.#tasks.delete(token)) this.#collected.unregister(token);
    };
  }

  /** Warns of all maps that weren't read, as their pool ends. */
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
      `[distex] The results of a map of the task '${task}' were never read, so none of its tasks has run: iterate over them with 'for await', or call toArray()`,
    );
  }
}
