import type { CallTerms } from "./call_kind.ts";
import { bucketOf } from "./key_bucket.ts";

/** Returns the key of a call with these arguments. */
export type KeyFunction = (...args: unknown[]) => string;

/** Finds the terms of calls whose arguments decide their keys. */
export class KeyedTerms {
  readonly #terms: CallTerms;
  readonly #key: KeyFunction;
  readonly #known = new Map<number, CallTerms>();

  /**
   * Constructs it for calls that differ only in their keys.
   *
   * @param terms The terms that they have in common.
   */
  constructor(terms: CallTerms, key: KeyFunction) {
    this.#terms = terms;
    this.#key = key;
  }

  /**
   * Returns the terms of a call with these arguments: the same object for calls
   * in the same bucket.
   *
   * @throws {TypeError} If its key isn't a string.
   * @throws What the user's function throws.
   */
  of(args: readonly unknown[]): CallTerms {
    // The function isn't a method of this object.
    const getKey = this.#key;
    const key: unknown = getKey(...args);
    if (typeof key !== "string") {
      throw new TypeError(
        `'key' must return a string, but returned ${Deno.inspect(key)}`,
      );
    }
    const bucket = bucketOf(key);
    let terms = this.#known.get(bucket);
    if (terms === undefined) {
      terms = { ...this.#terms, bucket };
      this.#known.set(bucket, terms);
    }
    return terms;
  }
}
