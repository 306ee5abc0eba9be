/**
 * Makes old names and Python names of a class's members throw an error that
 * says what to write instead. They aren't in the types, and aren't enumerable.
 *
 * @param prototype The prototype of the class.
 * @param renamed For each name, the message of the error.
 */
export function renamedMembers(
  prototype: object,
  renamed: Readonly<Record<string, string>>,
): void {
  for (const [name, message] of Object.entries(renamed)) {
    Object.defineProperty(prototype, name, {
      configurable: true,
      get(): never {
        throw new TypeError(message);
      },
      // Without a setter, assigning to a property of this name would fail.
      set(value: unknown): void {
        Object.defineProperty(this, name, {
          configurable: true,
          enumerable: true,
          value,
          writable: true,
        });
      },
    });
  }
}
