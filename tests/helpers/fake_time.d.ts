/** The types of the part of `@std/testing/time` that the tests use. */

/** The error of an operation that the state of the fake time forbids. */
export class TimeError extends Error {
  constructor(message: string);
}

/** How fake time advances by itself. */
export interface FakeTimeOptions {
  /** How fast it advances, relative to real time; 0 is not at all. */
  advanceRate: number;
  /** How often it advances, in real milliseconds. */
  advanceFrequency?: number;
}

/** Replaces the timers and `Date` until the end of its scope. */
export class FakeTime {
  constructor(
    start?: number | string | Date | null,
    options?: FakeTimeOptions,
  );
  [Symbol.dispose](): void;
  static restore(): void;
  static restoreFor<T>(
    // deno-lint-ignore no-explicit-any
    callback: (...args: any[]) => Promise<T> | T,
    // deno-lint-ignore no-explicit-any
    ...args: any[]
  ): Promise<T>;
  get now(): number;
  set now(value: number);
  get start(): number;
  delay(ms: number, options?: { signal?: AbortSignal }): Promise<void>;
  runMicrotasks(): Promise<void>;
  tick(ms?: number): void;
  tickAsync(ms?: number): Promise<void>;
  next(): boolean;
  nextAsync(): Promise<boolean>;
  runAll(): void;
  runAllAsync(): Promise<void>;
  restore(): void;
}
