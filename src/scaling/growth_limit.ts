/** How long a host isn't asked for further workers, in milliseconds. */
const BACKOFF = 60_000;

/** The queue of a host, from which its workers start. */
export interface QueueReading {
  /** How many workers wait there. */
  readonly pending: number;
  /** How many requests for workers were refused so far. */
  readonly refused: number;
}

/**
 * Keeps a host from being asked for more workers than its queue gives it: after
 * it has refused some, or has let some wait for longer than workers take to
 * start. The limit holds until a worker has ended, or for a minute.
 */
export class GrowthLimit {
  #refused = 0;
  #refusedUntil = 0;
  /** Since when workers have been waiting without any progress. */
  #waitingSince: number | undefined;
  #waitingUntil = 0;

  /**
   * Returns whether the host may be asked for more workers.
   *
   * @param now The time, in milliseconds.
   * @param startTime How long a worker takes to start, in milliseconds.
   */
  mayGrow(
    now: number,
    { pending, refused }: QueueReading,
    startTime: number,
  ): boolean {
    if (refused > this.#refused) this.#refusedUntil = now + BACKOFF;
    this.#refused = refused;
    if (pending === 0) this.#waitingSince = undefined;
    else if (this.#waitingSince === undefined) this.#waitingSince = now;
    else if (now - this.#waitingSince > startTime) {
      this.#waitingUntil = now + BACKOFF;
      // Then another request may show that there is room now.
      this.#waitingSince = this.#waitingUntil;
    }
    return now >= this.#refusedUntil && now >= this.#waitingUntil;
  }

  /** Takes note that a worker has left the queue and joined. */
  joined(): void {
    this.#waitingSince = undefined;
    this.#waitingUntil = 0;
  }

  /** Takes note that a worker has ended. */
  ended(): void {
    this.joined();
    this.#refusedUntil = 0;
  }
}
