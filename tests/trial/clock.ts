import { setImmediate } from "node:timers";
import { FakeTime } from "../helpers/fake_time.ts";

/** When the time of each trial begins, in milliseconds. */
const START = 1_000_000;

/** Time that passes only when a trial lets it, until the end of its scope. */
export class Clock implements Disposable {
  readonly #time = new FakeTime(START);

  /** Replaces the timers, `Date` and `performance.now()`. */
  constructor() {
    // FakeTime leaves it as it is.
    performance.now = () => this.#time.now;
    const { setTimeout } = globalThis;
    // No time would pass in the tiniest fraction of a millisecond.
    const wait = (callback: () => void, delay = 0) =>
      setTimeout(callback, Math.ceil(delay));
    Object.assign(globalThis, { setTimeout: wait });
  }

  /**
   * Lets some milliseconds pass, and waits until all that follows has happened.
   */
  async pass(milliseconds: number): Promise<void> {
    // Timers without a delay may follow, and the feeds of maps take a turn.
    for (let turn = 0; turn < 3; turn++) {
      this.#time.tick(turn === 0 ? milliseconds : 0);
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
  }

  [Symbol.dispose](): void {
    // The original method belongs to the prototype.
    Reflect.deleteProperty(performance, "now");
    this.#time.restore();
  }
}
