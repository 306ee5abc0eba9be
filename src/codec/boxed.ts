import { malformed } from "./texts.ts";

// Subclasses may override these methods.
const UNBOX = [Number, String, Boolean, BigInt]
  .map(({ prototype }) => prototype.valueOf as () => unknown);

/** Returns the primitive in an object; `undefined` if it is a symbol. */
export function unbox(value: object): unknown {
  for (const valueOf of UNBOX) {
    try {
      return valueOf.call(value);
    } catch {
      // It is of another class.
    }
  }
}

/**
 * Makes an object of a primitive.
 *
 * @throws {RangeError} If the value isn't a primitive that can be boxed.
 */
export function box(value: unknown): object {
  switch (typeof value) {
    case "number":
    case "string":
    case "boolean":
    case "bigint":
      return Object(value);
    default:
      throw malformed("a boxed primitive is a primitive");
  }
}
