// deno-lint-ignore ban-types
type AnyFunction = Function;

type AnyIterator =
  | Iterator<unknown, unknown, never>
  | AsyncIterator<unknown, unknown, never>;

/**
 * An error message of the type check. No result is assignable to this type.
 *
 * @internal
 */
export interface Unsendable<Message extends string> {
  /** What is wrong with the task's result. */
  readonly unsendable: Message;
}

/**
 * The type that a task may return: its result or a promise of it. If the result
 * can't be sent, this is an {@linkcode Unsendable} with the reason.
 *
 * @typeParam Result The result, awaited.
 *
 * @internal
 */
export type TaskResult<Result> = [Refusal<Result>] extends [never]
  ? Result | PromiseLike<Result>
  : Unsendable<Refusal<Result>>;

/**
 * A type to intersect with a task's type, which refuses the task if its result
 * can't be sent.
 *
 * @typeParam Result The result, awaited.
 *
 * @internal
 */
export type SendableResult<Result> = [Refusal<Result>] extends [never] ? unknown
  : Unsendable<Refusal<Result>>;

/**
 * The type that a task that yields values may return.
 *
 * @typeParam Value The values that it yields.
 *
 * @internal
 */
export type YieldingTaskResult<Value> = [Refusal<Value>] extends [never]
  ? Yielding<Value> | PromiseLike<Yielding<Value>>
  : Unsendable<Refusal<Value>>;

/**
 * Anything that yields values one by one.
 *
 * @typeParam Value The values that it yields.
 *
 * @internal
 */
type Yielding<Value> =
  | (Iterator<Value, unknown, never> & Iterable<Value>)
  | AsyncIterable<Value>;

/**
 * The type that a task of a stream may return.
 *
 * @typeParam Item The values that it yields.
 *
 * @internal
 */
export type StreamTaskResult<Item> = [Refusal<Item>] extends [never]
  ? IterableObject<Item> | PromiseLike<IterableObject<Item>>
  : Unsendable<Refusal<Item>>;

/**
 * Anything that is iterable, except strings.
 *
 * @typeParam Item The values that it yields.
 *
 * @internal
 */
type IterableObject<Item> = (Iterable<Item> & object) | AsyncIterable<Item>;

/** @internal */
type Refusal<T> = 0 extends 1 & T ? never
  : T extends AnyFunction
    ? "a task can't return a function, because it can't leave its worker"
  : T extends AnyIterator
    ? "a task can't return a generator or an iterator here: call it with stream() or map(), or return an array"
  : T extends symbol ? "a task can't return a symbol"
  : T extends ReadableStream
    ? "a task can't return a stream here: call it with stream() or map(), or return its bytes or its text"
  : T extends Request | Response
    ? "a task can't return a request or a response: return its bytes or its text, or its body with stream() or map()"
  : T extends WeakMap<WeakKey, unknown> | WeakSet<WeakKey>
    ? "a task can't return a weak collection"
  : never;
