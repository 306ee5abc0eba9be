/** Words by which code sees its `this`; the name of `eval` may have escapes. */
const WORDS = /this|super|eval|\\u|\[native code\]/;

/** Returns `false` only for functions that can't see their `this`. */
export function seesThis(value: (...args: never) => unknown): boolean {
  const text = Function.prototype.toString.call(value);
  return WORDS.test(text) && !isArrowFunction(text);
}

/** An async arrow function isn't recognized. */
function isArrowFunction(text: string): boolean {
  // V8 takes half a millisecond to parse these classes, so not before a task
  // needs them.
  return /^(?:\(|[\p{ID_Start}$_][\p{ID_Continue}$]*\s*=>)/u.test(text);
}
