/** A step from a value to one of its parts. */
export interface Step {
  /** The object that contains the part. */
  readonly container: object;
  /** An index, or the access as JavaScript writes it. */
  readonly access: number | string;
}

/** The error with which the encoder refuses a value because of a part of it. */
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

/** The error of a value that is too large as a whole. */
export class TooLarge extends UnsendablePart {}

/**
 * Adds a step to the error of a part.
 *
 * @param reason The error of reading or encoding the part.
 * @returns The error to throw on.
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

/** Returns the message of anything that was thrown. */
export function messageOf(thrown: unknown): string {
  try {
    return thrown instanceof Error ? thrown.message : String(thrown);
  } catch {
    return "it can't be read";
  }
}

/** Returns how JavaScript writes the access to a property. */
export function propertyAccess(key: string): string {
  return /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(key)
    ? `.${key}`
    : `[${JSON.stringify(key)}]`;
}
