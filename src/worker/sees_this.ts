/** The first tokens of an arrow function; an async one isn't recognized. */
const ARROW = /^(?:\(|[\p{ID_Start}$_][\p{ID_Continue}$]*\s*=>)/u;

/** Words by which code sees its `this`; the name of `eval` may have escapes. */
const WORDS = /this|super|eval|\\u|\[native code\]/;

/** Returns `false` only for functions that can't see their `this`. */
export function seesThis(value: (...args: never) => unknown): boolean {
  const text = Function.prototype.toString.call(value);
  return !ARROW.test(text) && WORDS.test(text);
}
