/**
 * A stand-in for `@std/testing/time`, which the npm package of the other
 * stand-ins lacks. `tests/tools/fake_time_test.ts` checks that it behaves like the
 * original. Its types aren't more permissive.
 *
 * @module
 */

// The names in deno.json don't apply where `deps.ts` copies this file to.
import { type Clock, withGlobal } from "npm:@sinonjs/fake-timers@15.4.0";

/** The error of an operation that the state of the fake time forbids. */
export class TimeError extends Error {
  override name = "TimeError";

  constructor(message: string) {
    super(message);
  }
}

/** How fake time advances by itself. */
export interface FakeTimeOptions {
  /** How fast it advances, relative to real time; 0 is not at all. */
  advanceRate: number;
  /** How often it advances, in real milliseconds. */
  advanceFrequency?: number;
}

/** What is replaced while time is faked. */
type Globals =
  & Pick<
    typeof globalThis,
    "Date" | "setTimeout" | "clearTimeout" | "setInterval" | "clearInterval"
  >
  & { timeout: typeof AbortSignal.timeout };

type Handler = (...args: unknown[]) => unknown;

const REAL: Globals = {
  Date,
  setTimeout,
  clearTimeout,
  setInterval,
  clearInterval,
  timeout: AbortSignal.timeout,
};

/** The clocks' timers have numbers, as those of the original. */
const { createClock } = withGlobal(
  {
    Date,
    setTimeout: () => 0,
    clearTimeout: () => {},
    setInterval: () => 0,
    clearInterval: () => {},
  } as unknown as typeof globalThis,
);

/** The fake time that is in force. */
let current: FakeTime | undefined;

function install({ timeout, ...globals }: Globals): void {
  Object.assign(globalThis, globals);
  AbortSignal.timeout = timeout;
}

/** Makes the functions that take their time from a clock. */
function makeFakes(clock: Clock): Globals {
  const setter =
    (method: "setTimeout" | "setInterval", minimum: number) =>
    (handler: unknown, milliseconds = 0, ...args: unknown[]): number => {
      if (typeof handler !== "function") {
        throw new TimeError(
          `The first argument of ${method}() isn't a function`,
        );
      }
      const delay = Math.max(minimum, Math.floor(milliseconds));
      const { duringTick = false } = clock;
      // Otherwise a timer that another timer sets takes at least 1 ms.
      clock.duringTick = false;
      try {
        return Number(clock[method](handler as Handler, delay, ...args));
      } finally {
        clock.duringTick = duringTick;
      }
    };
  // A clock warns about timers that it hasn't set.
  const clear = (timer: unknown) => {
    if (typeof timer === "number") clock.clearTimeout(timer);
  };
  const setTimeout = setter("setTimeout", 0);
  return {
    Date: clock.Date,
    setTimeout: setTimeout as unknown as typeof globalThis.setTimeout,
    clearTimeout: clear,
    setInterval: setter("setInterval", 1) as unknown as typeof setInterval,
    clearInterval: clear,
    timeout: (milliseconds) => {
      const controller = new AbortController();
      setTimeout(() => {
        const reason = new DOMException("Signal timed out.", "TimeoutError");
        controller.abort(reason);
      }, milliseconds);
      return controller.signal;
    },
  };
}

function startTime(start: number | string | Date | null | undefined): number {
  const time = typeof start === "number"
    ? Math.floor(start)
    : new Date(start ?? Date.now()).getTime();
  if (!Number.isNaN(time)) return time;
  throw new TypeError(`Can't fake time from ${start}: it is not a valid time`);
}

/** Replaces `Date` and timers by fake ones until it is disposed of. */
export class FakeTime {
  readonly #clock: Clock;
  readonly #fakes: Globals;
  readonly #start: number;
  readonly #advancing: ReturnType<typeof setInterval> | undefined;

  constructor(
    start?: number | string | Date | null,
    { advanceRate, advanceFrequency = 10 }: FakeTimeOptions = {
      advanceRate: 0,
    },
  ) {
    if (current !== undefined) throw new TimeError("Time is already faked");
    this.#start = startTime(start);
    this.#clock = createClock(this.#start);
    this.#fakes = makeFakes(this.#clock);
    if (advanceRate > 0) {
      const milliseconds = advanceRate * advanceFrequency;
      this.#advancing = setInterval(
        () => this.tick(milliseconds),
        advanceFrequency,
      );
    }
    current = this;
    install(this.#fakes);
  }

  static restore(): void {
    if (current === undefined) throw new TimeError("Time isn't faked");
    current.restore();
  }

  /** Restores real time until the callback's result is settled. */
  static async restoreFor<T>(
    // deno-lint-ignore no-explicit-any
    callback: (...args: any[]) => Promise<T> | T,
    // deno-lint-ignore no-explicit-any
    ...args: any[]
  ): Promise<T> {
    if (current === undefined) throw new TimeError("Time isn't faked");
    install(REAL);
    const fakes = current.#fakes;
    let result: Promise<T> | T;
    try {
      result = callback(...args);
    } catch (error) {
      install(fakes);
      throw error;
    }
    if (!(result instanceof Promise)) {
      install(fakes);
      return result;
    }
    return await result.finally(() => install(fakes));
  }

  get now(): number {
    return this.#clock.now;
  }

  set now(value: number) {
    const { now } = this.#clock;
    if (value < now) {
      throw new RangeError(`The time can't go back from ${now} to ${value}`);
    }
    this.#clock.tick(value - now);
  }

  get start(): number {
    return this.#start;
  }

  /** Waits in real time. */
  delay(
    milliseconds: number,
    { signal }: { signal?: AbortSignal } = {},
  ): Promise<void> {
    return new Promise((resolve, reject) => {
      const abort = () => {
        REAL.clearTimeout.call(globalThis, timer);
        reject(new DOMException("Delay was aborted.", "AbortError"));
      };
      const timer = REAL.setTimeout.call(globalThis, () => {
        signal?.removeEventListener("abort", abort);
        resolve();
      }, milliseconds);
      if (signal?.aborted) abort();
      else signal?.addEventListener("abort", abort, { once: true });
    });
  }

  async runMicrotasks(): Promise<void> {
    await this.delay(0);
  }

  tick(milliseconds = 0): void {
    this.now += milliseconds;
  }

  async tickAsync(milliseconds = 0): Promise<void> {
    await this.runMicrotasks();
    this.tick(milliseconds);
  }

  /** Advances to the next timer; returns whether there was one. */
  next(): boolean {
    if (this.#clock.countTimers() === 0) return false;
    this.#clock.next();
    // Others may be due at the same time.
    this.tick();
    return true;
  }

  async nextAsync(): Promise<boolean> {
    await this.runMicrotasks();
    return this.next();
  }

  runAll(): void {
    while (this.#clock.countTimers() > 0) this.next();
  }

  async runAllAsync(): Promise<void> {
    while (this.#clock.countTimers() > 0) await this.nextAsync();
  }

  restore(): void {
    if (current === undefined) throw new TimeError("Time isn't faked");
    current = undefined;
    install(REAL);
    clearInterval(this.#advancing);
  }

  [Symbol.dispose](): void {
    this.restore();
  }
}
