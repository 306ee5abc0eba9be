/** Limits that both ends of a connection enforce. */

/**
 * The size of the largest message, in bytes: 5 GiB. So a value of 4 GiB fits,
 * whatever surrounds it.
 */
export const MAX_MESSAGE_BYTES = 5 * 2 ** 30;

/**
 * The size of the largest frame that is sent as a whole, without its length
 * prefix, in bytes: 1 GiB. A message has at most as many bytes besides its
 * attachments.
 */
export const MAX_FRAME_BYTES = 2 ** 30;

/**
 * How deeply arrays, objects, maps, sets and causes may nest in a value. The
 * stack has room for about twice as many levels.
 */
export const MAX_DEPTH = 500;

/**
 * How deeply a value of the structured codec may nest. V8's deserializer has
 * room for more than twice as many levels.
 */
export const MAX_GRAPH_DEPTH = 1_000;

/**
 * How many objects, arrays, maps and other containers a value may contain. A
 * shared object counts each time, because it is sent each time: a chain of 25
 * lists that each contain the next list twice counts as 33 million.
 */
export const MAX_CONTAINERS = 2 ** 24;

/**
 * How many errors an error may contain, as its cause or in other properties.
 * The encoder leaves out the rest. A shared error counts each time.
 */
export const MAX_INNER_ERRORS = 2 ** 16;

/** How many hexadecimal digits a bigint may have (5 million decimal digits). */
export const MAX_BIGINT_DIGITS = 2 ** 22;

/**
 * The size in bytes from which a binary value is attached to a frame without a
 * copy. Copying a smaller value costs less than another system call.
 */
export const MIN_ATTACHMENT_BYTES = 32_768;

/**
 * How many binary values a message may attach. Its array header has room for
 * 65,535 elements, and other elements come first.
 */
export const MAX_ATTACHMENTS = 65_000;

/**
 * What the resizable buffers of a value may cost: each costs a page of memory,
 * and a 4,096th of its greatest length for the addresses that it reserves. So
 * a value may have 4,096 of them, which together reserve up to 64 GiB.
 */
export const MAX_RESIZABLE_COST = 2 ** 24;
