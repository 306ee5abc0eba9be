/** Bounds that both sides of a connection keep to. */

/** The largest frame, in bytes without its length prefix: 1 GiB. */
export const MAX_FRAME_BYTES = 2 ** 30;

/**
 * How deeply arrays, objects, maps, sets and causes may nest in a value: about
 * half as deeply as the stack has room for.
 */
export const MAX_DEPTH = 500;

/**
 * How many objects, arrays, maps and the like a value may have. One that is
 * met again counts again, as it is sent again: 25 lists that have the next one
 * twice would take 33 million.
 */
export const MAX_CONTAINERS = 2 ** 24;

/**
 * How many errors may be within an error, as its cause and the like; further
 * ones are left out. One that is met again counts again.
 */
export const MAX_INNER_ERRORS = 2 ** 16;

/** How many hexadecimal digits a bigint may have: 5 million decimal ones. */
export const MAX_BIGINT_DIGITS = 2 ** 22;

/**
 * Binary values of at least this many bytes are attached to a frame as they
 * lie in memory; smaller ones are copied into it, which costs less than a
 * system call of their own.
 */
export const MIN_ATTACHMENT_BYTES = 32_768;
