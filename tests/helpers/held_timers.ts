/** Longer than any test; a timer's longest delay. */
const NEVER = 2 ** 31 - 1;

type Timer = ReturnType<typeof setTimeout>;

/**
 * Has timers of some delays wait until the test lets them fire, or the end of
 * its scope: so what they end has got as far as it should have, however slow
 * the machine is.
 */
export class HeldTimers implements Disposable {
  readonly #setTimeout = globalThis.setTimeout;
  readonly #clearTimeout = globalThis.clearTimeout;
  readonly #held = new Map<Timer, { delay: number; handler: () => void }>();
  #changed = Promise.withResolvers<void>();

  /** Holds back what is to wait so many milliseconds. */
  constructor(...delays: number[]) {
    const setTimeout = this.#setTimeout;
    globalThis.setTimeout = ((handler: () => void, ...args: number[]) => {
      const [delay = 0] = args;
      if (!delays.includes(delay)) {
        return Reflect.apply(setTimeout, globalThis, [handler, ...args]);
      }
      // It can be unref'd and leak as any other.
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

  /** How many timers of a delay are held back. */
  count(delay: number): number {
    return [...this.#held.values()].filter((held) => held.delay === delay)
      .length;
  }

  /** Waits until a timer of a delay is held back. */
  async isSet(delay: number): Promise<void> {
    while (this.count(delay) === 0) await this.#changed.promise;
  }

  /** Fires the timers of a delay, of which there must be one. */
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
    // What a test that fails has left is to end too.
    for (const [timer, { handler }] of this.#held) {
      clearTimeout(timer);
      handler();
    }
  }
}
