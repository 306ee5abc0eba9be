/** A step from a value to one of its parts. */
export interface Step {
  /** The object that contains the part. */
  readonly container: object;
  /** An index, or the access in JavaScript syntax, such as `.key`. */
  readonly access: number | string;
}

/** Thrown by the encoder if a part of a value can't be sent. */
export class UnsendablePart extends TypeError {
  /** The steps from the part back to the value. */
  readonly steps: Step[] = [];
  /**
   * The reason as a predicate of the part, such as `is a function`; `undefined`
   * if the value as a whole can't be sent.
   */
  readonly why: string | undefined;

  /** Constructs the error; `why` is a predicate of the part. */
  constructor(message: string, why?: string, options?: ErrorOptions) {
    super(message, options);
    this.why = why;
  }
}

/** Thrown by the encoder if a value is too large as a whole. */
export class TooLarge extends UnsendablePart {}

/**
 * Adds a step to the error of a part.
 *
 * @param reason The error that reading or encoding the part threw.
 * @returns The error to throw next.
 */
export function partOf(
  container: object,
  access: number | string,
  reason: unknown,
): UnsendablePart {
  const error = reason instanceof UnsendablePart
    ? reason
    : unreadablePart(reason);
  error.steps.push({ container, access });
  return error;
}

function unreadablePart(cause: unknown): UnsendablePart {
  const message = messageOf(cause);
  return new UnsendablePart(message, `can't be read: ${message}`, { cause });
}

/** Returns the message of any thrown value. */
export function messageOf(thrown: unknown): string {
  try {
    return thrown instanceof Error ? thrown.message : String(thrown);
  } catch {
    return "it can't be read";
  }
}

/** Returns the access to a property in JavaScript syntax. */
export function propertyAccess(key: string): string {
  return /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(key)
    ? `.${key}`
    : `[${JSON.stringify(key)}]`;
}

/**
 * Returns the access to a member of a map or set, such as `.get(5)`.
 *
 * @param key Shown only if it is a primitive.
 */
export function memberAccess(method: string, key: unknown): string {
  const isPrimitive = typeof key !== "object" && typeof key !== "function";
  return `.${method}(${isPrimitive ? String(key) : "key"})`;
}
