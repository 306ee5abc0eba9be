/**
 * Type declarations for the stand-ins that `deps.ts` makes from the JavaScript
 * in an npm package. The types that TypeScript infers from it would be wrong, for
 * example those of optional parameters.
 *
 * No declaration is more permissive than the original on JSR, so code that
 * passes `deno check` with these also passes it with the originals.
 *
 * @module
 */

const ASSERT: Record<string, string> = {
  "almost_equals.js": `
export declare function assertAlmostEquals(
  actual: number, expected: number, tolerance?: number, msg?: string,
): void;`,
  "array_includes.js": `
export declare function assertArrayIncludes<T>(
  actual: ArrayLike<T> & object, expected: ArrayLike<T> & object, msg?: string,
): void;`,
  "assert.js": `
export declare function assert(expr: unknown, msg?: string): asserts expr;`,
  "assertion_error.js": `
export declare class AssertionError extends Error {
  constructor(message: string, options?: ErrorOptions);
}`,
  "equal.js": `
export declare function equal(a: unknown, b: unknown): boolean;`,
  "equals.js": `
export declare function assertEquals<T>(actual: T, expected: T, msg?: string): void;`,
  "exists.js": `
export declare function assertExists<T>(
  actual: T, msg?: string,
): asserts actual is NonNullable<T>;`,
  "fail.js": `
export declare function fail(msg?: string): never;`,
  "false.js": `
export type Falsy = false | 0 | 0n | "" | null | undefined;
export declare function assertFalse(expr: unknown, msg?: string): asserts expr is Falsy;`,
  "greater.js": `
export declare function assertGreater<T>(actual: T, expected: T, msg?: string): void;`,
  "greater_or_equal.js": `
export declare function assertGreaterOrEqual<T>(actual: T, expected: T, msg?: string): void;`,
  "instance_of.js": `
export declare function assertInstanceOf<T extends abstract new (...args: never[]) => unknown>(
  actual: unknown, expectedType: T, msg?: string,
): asserts actual is InstanceType<T>;`,
  "is_error.js": `
export declare function assertIsError<E extends Error = Error>(
  error: unknown,
  ErrorClass?: abstract new (...args: any[]) => E,
  msgMatches?: string | RegExp,
  msg?: string,
): asserts error is E;`,
  "less.js": `
export declare function assertLess<T>(actual: T, expected: T, msg?: string): void;`,
  "less_or_equal.js": `
export declare function assertLessOrEqual<T>(actual: T, expected: T, msg?: string): void;`,
  "match.js": `
export declare function assertMatch(actual: string, expected: RegExp, msg?: string): void;`,
  "not_equals.js": `
export declare function assertNotEquals<T>(actual: T, expected: T, msg?: string): void;`,
  "not_instance_of.js": `
export declare function assertNotInstanceOf<A, T>(
  actual: A, unexpectedType: abstract new (...args: any[]) => T, msg?: string,
): asserts actual is Exclude<A, T>;`,
  "not_match.js": `
export declare function assertNotMatch(actual: string, expected: RegExp, msg?: string): void;`,
  "not_strict_equals.js": `
export declare function assertNotStrictEquals<T>(actual: T, expected: T, msg?: string): void;`,
  "object_match.js": `
export declare function assertObjectMatch(
  actual: object, expected: Record<PropertyKey, unknown>, msg?: string,
): void;`,
  "rejects.js": `
export declare function assertRejects(
  fn: () => PromiseLike<unknown>, msg?: string,
): Promise<unknown>;
export declare function assertRejects<E extends Error = Error>(
  fn: () => PromiseLike<unknown>,
  ErrorClass: abstract new (...args: never[]) => E,
  msgIncludes?: string,
  msg?: string,
): Promise<E>;`,
  "strict_equals.js": `
export declare function assertStrictEquals<T>(
  actual: unknown, expected: T, msg?: string,
): asserts actual is T;`,
  "string_includes.js": `
export declare function assertStringIncludes(
  actual: string, expected: string, msg?: string,
): void;`,
  "throws.js": `
export declare function assertThrows(fn: () => unknown, msg?: string): unknown;
export declare function assertThrows<E extends Error = Error>(
  fn: () => unknown,
  ErrorClass: abstract new (...args: never[]) => E,
  msgIncludes?: string,
  msg?: string,
): E;`,
  "unimplemented.js": `
export declare function unimplemented(msg?: string): never;`,
  "unreachable.js": `
export declare function unreachable(msg?: string): never;`,
};

const ASYNC: Record<string, string> = {
  "abortable.js": `
export declare function abortable<T>(p: Promise<T>, signal: AbortSignal): Promise<T>;
export declare function abortable<T>(
  p: AsyncIterable<T>, signal: AbortSignal,
): AsyncGenerator<T>;`,
  "all_keyed.js": `
type Pending<T> = { [K in keyof T]: PromiseLike<T[K]> | T[K] };
export declare function allKeyed<T extends Record<PropertyKey, unknown>>(
  record: Pending<T>,
): Promise<T>;
export declare function allSettledKeyed<T extends Record<PropertyKey, unknown>>(
  record: Pending<T>,
): Promise<{ [K in keyof T]: PromiseSettledResult<T[K]> }>;`,
  "channel.js": `
export interface ChannelOptions {
  capacity?: number;
}
export type ChannelReceiveResult<T> =
  | { state: "ok"; value: T }
  | { state: "empty" }
  | { state: "closed" };
export declare class ChannelClosedError extends Error {
  readonly value?: unknown;
  constructor(message: string, ...rest: [] | [value: unknown]);
}
export declare class Channel<T> implements AsyncIterable<T>, Disposable, AsyncDisposable {
  constructor(options?: ChannelOptions);
  get capacity(): number;
  get closed(): boolean;
  get size(): number;
  send(value: T, options?: { signal?: AbortSignal }): Promise<void>;
  receive(options?: { signal?: AbortSignal }): Promise<T>;
  trySend(value: T): boolean;
  tryReceive(): ChannelReceiveResult<T>;
  close(reason?: unknown): void;
  toReadableStream(): ReadableStream<T>;
  [Symbol.asyncIterator](): AsyncIterableIterator<T>;
  [Symbol.dispose](): void;
  [Symbol.asyncDispose](): Promise<void>;
}`,
  "deadline.js": `
export interface DeadlineOptions {
  signal?: AbortSignal;
}
export declare function deadline<T>(
  p: Promise<T>, ms: number, options?: DeadlineOptions,
): Promise<T>;`,
  "debounce.js": `
export interface DebouncedFunction<T extends unknown[]> {
  (...args: T): void;
  clear(): void;
  flush(): void;
  readonly pending: boolean;
}
export interface DebounceOptions {
  signal?: AbortSignal;
}
export declare function debounce<T extends unknown[]>(
  fn: (this: DebouncedFunction<T>, ...args: T) => void, wait: number, options?: DebounceOptions,
): DebouncedFunction<T>;`,
  "delay.js": `
export interface DelayOptions {
  signal?: AbortSignal;
  persistent?: boolean;
}
export declare function delay(ms: number, options?: DelayOptions): Promise<void>;`,
  "lazy.js": `
export declare class Lazy<T> {
  constructor(init: () => T | Promise<T>);
  get initialized(): boolean;
  get(options?: { signal?: AbortSignal }): Promise<T>;
  peek(): { ok: true; value: T } | { ok: false };
  reset(): void;
}`,
  "mux_async_iterator.js": `
export declare class MuxAsyncIterator<T> implements AsyncIterable<T> {
  add(iterable: AsyncIterable<T>): void;
  iterate(): AsyncIterableIterator<T>;
  [Symbol.asyncIterator](): AsyncIterator<T>;
}`,
  "poll.js": `
export interface PollOptions {
  interval?: number;
  signal?: AbortSignal;
}
export declare function poll<T>(
  fn: () => T | Promise<T>, isDone: (result: T) => boolean, options?: PollOptions,
): Promise<T>;`,
  "pool.js": `
export declare function pooledMap<T, R>(
  poolLimit: number,
  array: Iterable<T> | AsyncIterable<T>,
  iteratorFn: (data: T) => Promise<R>,
): AsyncIterableIterator<R>;`,
  "retry.js": `
export interface RetryOptions {
  multiplier?: number;
  maxTimeout?: number;
  maxAttempts?: number;
  minTimeout?: number;
  jitter?: number;
  isRetriable?: (err: unknown) => boolean;
  signal?: AbortSignal;
}
export declare class RetryError extends Error {
  constructor(cause: unknown, attempts: number);
}
export declare function retry<T>(
  fn: (() => Promise<T>) | (() => T), options?: RetryOptions,
): Promise<T>;`,
  "tee.js": `
export type Tuple<T, N extends number, R extends T[] = []> = number extends N ? T[]
  : R["length"] extends N ? R
  : Tuple<T, N, [...R, T]>;
export declare function tee<T, N extends number = 2>(
  iterable: AsyncIterable<T>, n?: N,
): Tuple<AsyncIterable<T>, N>;`,
};

const CLI: Record<string, string> = {
  "parse_args.js": `
type Name = string | undefined;
type Names<T> = T | readonly Extract<T, string>[];
type NameOf<T> = Extract<T, string>;
type Aliases = { [name: string]: string | readonly string[] };
type AliasOf<A, K> =
  | K
  | (K extends keyof A ? A[K] extends string ? A[K]
    : A[K] extends (infer N extends string)[] ? N
    : never
    : never);
type Flag<K, B, S, N> =
  | (K extends NameOf<S> ? string : never)
  | (K extends NameOf<B> ? boolean : never)
  | (K extends NameOf<N> ? false : never);
type Known<T> = [T] extends [never] ? unknown : T;
type Value<K, B, S, C, N, D> = K extends NameOf<C>
  ? Known<Flag<K, B, S, never>>[] | (K extends NameOf<N> ? false : never)
  : Known<Flag<K, B, S, N>> | (K extends keyof D ? D[K] : never);
type Present<B, C, D> = NameOf<B> | NameOf<C> | keyof D;
type Absent<B, S, C, D> = Exclude<NameOf<S>, Present<B, C, D>>;
type Declared<B, S, C, N, D, A> =
  & {
    [K in Present<B, C, D> as AliasOf<A, K>]: Value<K, B, S, C, N, D>;
  }
  & {
    [K in Absent<B, S, C, D> as AliasOf<A, K>]?: Value<K, B, S, C, N, D>;
  };
type Flat<T> = { [K in keyof T]: T[K] };
export type Args<T = Record<string, unknown>, DD = undefined> = Flat<
  & Record<string, unknown>
  & T
  & { _: Array<string | number> }
  & (DD extends true ? { "--": string[] } : unknown)
>;
export interface ParseOptions<
  B extends boolean | Name = boolean | Name,
  S extends Name = Name,
  C extends Name = Name,
  N extends Name = Name,
  D extends Record<string, unknown> | undefined = Record<string, unknown> | undefined,
  A extends Aliases | undefined = Aliases | undefined,
  DD extends boolean | undefined = boolean | undefined,
> {
  "--"?: DD;
  alias?: A;
  boolean?: Names<B>;
  collect?: Names<C>;
  default?: D;
  negatable?: Names<N>;
  stopEarly?: boolean;
  string?: Names<S>;
  unknown?: (arg: string, key?: string, value?: unknown) => unknown;
}
export declare function parseArgs<
  B extends boolean | Name = undefined,
  S extends Name = undefined,
  C extends Name = undefined,
  N extends Name = undefined,
  D extends Record<string, unknown> | undefined = undefined,
  A extends Aliases | undefined = undefined,
  DD extends boolean | undefined = undefined,
>(
  args: string[],
  options?: ParseOptions<B, S, C, N, D, A, DD>,
): Args<Declared<B, S, C, N, D, A>, DD>;`,
  "prompt_secret.js": `
export interface PromptSecretOptions {
  mask?: string;
  clear?: boolean;
}
export declare function promptSecret(
  message?: string, options?: PromptSecretOptions,
): string | null;`,
};

const MSGPACK: Record<string, string> = {
  "decode.js": `
import type { ValueType } from "./encode.d.ts";
export declare function decode(data: Uint8Array): ValueType;`,
  "encode.js": `
export type ValueType =
  | number | bigint | string | boolean | null | Uint8Array | readonly ValueType[]
  | ValueMap;
export interface ValueMap {
  [index: string | number]: ValueType;
}
export declare function encode(object: ValueType): Uint8Array<ArrayBuffer>;`,
};

/**
 * The text of each declaration file, by the name of the package and then the
 * file name of the module. A module that isn't listed, such as a `mod.js` that
 * only re-exports others, gets no declaration file.
 */
export const DECLARATIONS: Record<string, Record<string, string>> = {
  assert: ASSERT,
  async: ASYNC,
  cli: CLI,
  msgpack: MSGPACK,
};
