/**
 * Takes `CryptoKey` and Node's `KeyObject` apart, and makes them again.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import type * as nodeCrypto from "node:crypto";
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
    typeof algorithm !== "object" || !Array.isArray(usages) ||
    !usages.every((usage) => typeof usage === "string") || parts.length !== 5
  ) throw malformed("a key has wrong fields");
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

function importKey(
  type: "secret" | keyof typeof FORMATS,
  bytes: Uint8Array,
): KeyObject {
  const { createSecretKey, createPrivateKey, createPublicKey } = loadCrypto();
  if (type === "secret") return createSecretKey(bytes);
  const key = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  return type === "private"
    ? createPrivateKey({ key, format: "der", type: FORMATS.private })
    : createPublicKey({ key, format: "der", type: FORMATS.public });
}
