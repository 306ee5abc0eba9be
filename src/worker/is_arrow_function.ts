/** The first tokens of an arrow function; an async one isn't recognized. */
const ARROW = /^(?:\(|[\p{ID_Start}$_][\p{ID_Continue}$]*\s*=>)/u;

/** Returns `true` only for arrow functions, which can't see their `this`. */
export function isArrowFunction(value: (...args: never) => unknown): boolean {
  return ARROW.test(Function.prototype.toString.call(value));
}
