/** A map with a size limit: when it is full, a new entry evicts the oldest. */
export class EvictingMap<Key, Value> {
  readonly #limit: () => number;
  readonly #onEvicted: (value: Value) => void;
  readonly #entries = new Map<Key, Value>();

  /**
   * Constructs an empty map.
   *
   * @param limit Returns how many entries the map may have now.
   * @param onEvicted Called with the value of each evicted entry.
   */
  constructor(limit: () => number, onEvicted: (value: Value) => void) {
    this.#limit = limit;
    this.#onEvicted = onEvicted;
  }

  /** Adds an entry; if the map is full, evicts the oldest entry first. */
  set(key: Key, value: Value): void {
    const [oldest] = this.#entries.keys();
    if (this.#entries.size >= this.#limit()) this.evict(oldest!);
    this.#entries.set(key, value);
  }

  /** How many entries there are. */
  get size(): number {
    return this.#entries.size;
  }

  /** Returns the values, oldest first. */
  values(): Iterable<Value> {
    return this.#entries.values();
  }

  /** Whether there is an entry for the key. */
  has(key: Key): boolean {
    return this.#entries.has(key);
  }

  /** Removes an entry; returns whether there was one. */
  delete(key: Key): boolean {
    return this.#entries.delete(key);
  }

  /** Evicts an entry, if there is one for the key. */
  evict(key: Key): void {
    const value = this.#entries.get(key);
    if (value === undefined) return;
    this.#entries.delete(key);
    this.#onEvicted(value);
  }

  /** Evicts all entries. */
  evictAll(): void {
    for (const key of this.#entries.keys()) this.evict(key);
  }
}
