import {
  MAX_ATTACHMENTS,
  MAX_BIGINT_DIGITS,
  MAX_CONTAINERS,
  MAX_DEPTH,
  MAX_INNER_ERRORS,
} from "./wire_limits.ts";
import { TooLarge, UnsendablePart } from "./unsendable_part.ts";

/**
 * Makes the error for an object of a kind that can't be sent.
 *
 * @param more Follows the name of the kind, such as `" on shared memory"`.
 */
export function unsendableKind(value: object, more = ""): UnsendablePart {
  const kind = Object.prototype.toString.call(value).slice(8, -1);
  const article = "AEIO".includes(kind.charAt(0)) ? "an" : "a";
  return new UnsendablePart(
    `A ${kind}${more} can't be sent`,
    `is ${article} ${kind}${more}, which can't be sent`,
  );
}

/** Makes the error for a function or a symbol. */
export function unsendableType(value: unknown): UnsendablePart {
  return new UnsendablePart(
    `A ${typeof value} can't be sent`,
    `is a ${typeof value}`,
  );
}

/** Makes the error for a value that nests too deeply. */
export function tooDeep(levels: number = MAX_DEPTH): UnsendablePart {
  return new UnsendablePart(`Values can't nest deeper than ${levels} levels`);
}

/** Makes the error for a value with too many objects. */
export function tooManyContainers(): TooLarge {
  return new TooLarge(
    `It has more than ${MAX_CONTAINERS} objects; shared objects count each time`,
  );
}

/** Makes the error for a value with too many blobs. */
export function tooManyAttachments(): TooLarge {
  return new TooLarge(
    `It has more than ${MAX_ATTACHMENTS} blobs and large binary values`,
  );
}

/** Makes the error for a value whose resizable buffers may grow too much. */
export function tooResizable(): TooLarge {
  return new TooLarge(
    "It has more than 4,096 resizable buffers, or they may grow to more than 64 GiB",
  );
}

/** Makes the error for an error that contains too many errors. */
export function tooManyErrors(): UnsendablePart {
  return new UnsendablePart(
    `An error can't contain more than ${MAX_INNER_ERRORS} errors`,
  );
}

/** Makes the error for a bigint that is too long. */
export function longBigInt(): UnsendablePart {
  const most = MAX_BIGINT_DIGITS * 4;
  return new UnsendablePart(
    `A bigint of more than ${most} bits can't be sent`,
    `is a bigint of more than ${most} bits, which can't be sent`,
  );
}
