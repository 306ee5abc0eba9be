/** Returns `true` only for arrow functions, which can't see their `this`. */
export function isArrowFunction(value: (...args: never) => unknown): boolean {
  // The first tokens of an arrow function; an async one isn't recognized. V8
  // takes half a millisecond to parse these classes, so not before a task needs
  // them.
  return /^(?:\(|[\p{ID_Start}$_][\p{ID_Continue}$]*\s*=>)/u
    .test(Function.prototype.toString.call(value));
}
