/**
 * Takes `CryptoKey` and Node's `KeyObject` apart, and makes them again.
 *
 * @module
 */

import type { Buffer } from "node:buffer";
import type * as nodeCrypto from "node:crypto";
import { isPlainList } from "./sparse_arrays.ts";
import { malformed } from "./texts.ts";

type KeyObject = nodeCrypto.KeyObject;

/** A key in the form that is sent. */
export type KeyParts = [
  type: string,
  /** Raw, PKCS #8 or SPKI, by type. */
  bytes: Uint8Array,
  /** `null` for a `KeyObject`. */
  algorithm: object | null,
  extractable: boolean,
  usages: readonly string[],
];

/**
 * The size of the largest private or public key, in bytes; an RSA key of 16,384
 * bits takes 9 KB. Checking the numbers of a longer one could take minutes.
 */
const MAX_KEY_BYTES = 65_536;

/** The encodings of keys that aren't secret, by type. */
const FORMATS = { private: "pkcs8", public: "spki" } as const;

let loaded: typeof nodeCrypto | undefined;

/** Loads the module when the first key is sent, because it takes 6 ms. */
function loadCrypto(): typeof nodeCrypto {
  loaded ??= Reflect.get(globalThis, "process")
    .getBuiltinModule("node:crypto") as typeof nodeCrypto;
  return loaded;
}

/** Takes a key apart. */
export function keyParts(key: CryptoKey | KeyObject): KeyParts {
  if (!("algorithm" in key)) return [key.type, exportKey(key), null, true, []];
  const { algorithm, extractable, usages } = key;
  const object = loadCrypto().KeyObject.from(
    key as nodeCrypto.webcrypto.CryptoKey,
  );
  return [object.type, exportKey(object), algorithm, extractable, usages];
}

function exportKey(key: KeyObject): Uint8Array {
  if (key.type === "secret") return new Uint8Array(key.export());
  const type = FORMATS[key.type] as "spki";
  return new Uint8Array(key.export({ format: "der", type }));
}

/**
 * Makes a key.
 *
 * @throws {RangeError} If the parts aren't those of a key.
 */
export function makeKey(parts: readonly unknown[]): CryptoKey | KeyObject {
  const [type, bytes, algorithm, extractable, usages] = parts;
  if (
    !(type === "secret" || type === "private" || type === "public") ||
    !(bytes instanceof Uint8Array) || typeof extractable !== "boolean" ||
    !(algorithm === null || isAlgorithm(algorithm)) || !isPlainList(usages) ||
    !usages.every((usage) => typeof usage === "string") || parts.length !== 5
  ) throw malformed("a key has wrong fields");
  if (type !== "secret" && bytes.length > MAX_KEY_BYTES) {
    throw malformed("a key is too long");
  }
  try {
    const key = importKey(type, bytes);
    if (algorithm === null) return key;
    return key.toCryptoKey(
      algorithm as nodeCrypto.webcrypto.AlgorithmIdentifier,
      extractable,
      usages as KeyUsage[],
    ) as CryptoKey;
  } catch {
    throw malformed("a key is invalid");
  }
}

/**
 * Returns whether a value describes an algorithm as a `CryptoKey` does. Anything
 * else would be converted to a string, which takes minutes for some arrays.
 */
function isAlgorithm(value: unknown): boolean {
  return typeof value === "object" && value !== null &&
    Object.getPrototypeOf(value) === Object.prototype &&
    Object.values(value).every((part) =>
      typeof part === "string" || typeof part === "number" ||
      part instanceof Uint8Array || isAlgorithm(part)
    );
}

function importKey(
  type: "secret" | keyof typeof FORMATS,
  bytes: Uint8Array,
): KeyObject {
  const { createSecretKey, createPrivateKey, createPublicKey } = loadCrypto();
  if (type === "secret") return createSecretKey(bytes);
  const key = bytes as Buffer;
  return type === "private"
    ? createPrivateKey({ key, format: "der", type: FORMATS.private })
    : createPublicKey({ key, format: "der", type: FORMATS.public });
}
