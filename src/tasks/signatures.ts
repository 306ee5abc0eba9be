import type { TaskThis } from "./task.ts";

/**
 * The arguments and the result of one signature of a function.
 *
 * @internal
 */
type Signature<Args, Result> = readonly [args: Args, result: Result];

/**
 * The signatures of a function, as a union. If the function is overloaded, the
 * union has up to four; TypeScript's own inference sees only the last one.
 *
 * @typeParam Call The function's type.
 *
 * @internal
 */
export type Signatures<Call> = Call extends {
  (this: TaskThis, ...args: infer Args1): infer Result1;
  (this: TaskThis, ...args: infer Args2): infer Result2;
  (this: TaskThis, ...args: infer Args3): infer Result3;
  (this: TaskThis, ...args: infer Args4): infer Result4;
} ?
    | Signature<Args1, Result1>
    | Signature<Args2, Result2>
    | Signature<Args3, Result3>
    | Signature<Args4, Result4>
  : never;

/**
 * The arguments that any of a function's signatures takes. While TypeScript
 * infers types and doesn't know the function yet, they can be any.
 *
 * @typeParam Call The function's type.
 *
 * @internal
 */
export type ArgsOf<Call> = unknown extends Call ? unknown[]
  : SentArgs<Extract<Signatures<Call>[0], unknown[]>>;

/**
 * The arguments that a caller passes: any async iterable arrives as a
 * `ReadableStream`.
 *
 * @typeParam Args The task's parameters.
 *
 * @internal
 */
export type SentArgs<Args extends unknown[]> = {
  [Index in keyof Args]: SentArg<Args[Index]>;
};

/** @internal */
type SentArg<Arg> = 0 extends 1 & Arg ? Arg
  : Arg extends ReadableStream<infer Item> ? Arg | AsyncIterable<Item>
  : Arg;

/**
 * What a function returns with some arguments, awaited.
 *
 * @typeParam Call The function's type.
 * @typeParam Args The arguments, which select the overload.
 *
 * @internal
 */
export type ResultOf<Call, Args> = Signatures<Call> extends infer One
  ? One extends Signature<infer Taken, infer Result>
    ? Args extends SentArgs<Extract<Taken, unknown[]>> ? Awaited<Result> : never
  : never
  : never;

/**
 * What a function returns with any arguments, awaited.
 *
 * @typeParam Call The function's type.
 *
 * @internal
 */
export type AnyResultOf<Call> = Awaited<Signatures<Call>[1]>;
