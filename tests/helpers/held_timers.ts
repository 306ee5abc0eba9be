/** Longer than any test; a timer's longest delay. */
const NEVER = 2 ** 31 - 1;

type Timer = ReturnType<typeof setTimeout>;

/**
 * Holds timers of some delays until the test fires them, or until the end of its
 * scope. So they never fire too early, however slow the machine is.
 */
export class HeldTimers implements Disposable {
  readonly #setTimeout = globalThis.setTimeout;
  readonly #clearTimeout = globalThis.clearTimeout;
  readonly #held = new Map<Timer, { delay: number; handler: () => void }>();
  #changed = Promise.withResolvers<void>();

  /** Holds timers with these delays, in milliseconds. */
  constructor(...delays: number[]) {
    const setTimeout = this.#setTimeout;
    globalThis.setTimeout = ((handler: () => void, ...args: number[]) => {
      const [delay = 0] = args;
      if (!delays.includes(delay)) {
        return Reflect.apply(setTimeout, globalThis, [handler, ...args]);
      }
      // It can be unref'ed and leak like any other timer.
      const timer = setTimeout(handler, NEVER);
      this.#held.set(timer, { delay, handler });
      this.#changed.resolve();
      this.#changed = Promise.withResolvers();
      return timer;
    }) as typeof globalThis.setTimeout;
    globalThis.clearTimeout = (timer) => {
      this.#held.delete(timer as Timer);
      this.#clearTimeout(timer);
    };
  }

  /** Returns how many timers of a delay are held. */
  count(delay: number): number {
    return [...this.#held.values()].filter((held) => held.delay === delay)
      .length;
  }

  /** Waits until a timer of a delay is held. */
  async isSet(delay: number): Promise<void> {
    while (this.count(delay) === 0) await this.#changed.promise;
  }

  /** Fires the timers of a delay; there must be at least one. */
  fire(delay: number): void {
    const due = [...this.#held].filter(([, held]) => held.delay === delay);
    if (due.length === 0) throw new Error(`No timer waits ${delay} ms`);
    for (const [timer, { handler }] of due) {
      globalThis.clearTimeout(timer);
      handler();
    }
  }

  [Symbol.dispose](): void {
    globalThis.setTimeout = this.#setTimeout;
    globalThis.clearTimeout = this.#clearTimeout;
    // Timers that a failed test has left behind must fire too.
    for (const [timer, { handler }] of this.#held) {
      clearTimeout(timer);
      handler();
    }
  }
}
