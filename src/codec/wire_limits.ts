/** Bounds that both sides of a connection keep to. */

/** The largest frame, in bytes without its length prefix: 1 GiB. */
export const MAX_FRAME_BYTES = 2 ** 30;

/**
 * How deeply arrays, objects, maps, sets and causes may nest in a value: about
 * half as deeply as the stack has room for.
 */
export const MAX_DEPTH = 500;

/**
 * Binary values of at least this many bytes are attached to a frame as they
 * lie in memory; smaller ones are copied into it, which costs less than a
 * system call of their own.
 */
export const MIN_ATTACHMENT_BYTES = 32_768;
