import { sha256 } from "../util/sha256.ts";
import { certificateOfPem } from "./pem.ts";

/**
 * Returns the fingerprint of a certificate: `sha256:` and the SHA-256 hash of its
 * DER encoding in 64 hexadecimal digits.
 *
 * @param cert The certificate, as PEM.
 * @throws {TypeError} If it isn't a certificate.
 */
export async function fingerprintOf(cert: string): Promise<string> {
  return await formatFingerprint(certificateOfPem(cert));
}

/** Returns the fingerprint of a certificate in its DER encoding. */
export async function formatFingerprint(
  der: Uint8Array<ArrayBuffer>,
): Promise<string> {
  return `sha256:${await sha256(der)}`;
}

/**
 * Reads a fingerprint. It may have colons between its bytes and digits in upper
 * case, as `openssl x509 -fingerprint -sha256` prints it.
 *
 * @returns The result of {@linkcode fingerprintOf}, or `undefined` if the text
 * isn't such a fingerprint.
 */
export function readFingerprint(text: string): string | undefined {
  const [, digits] = text.match(/^sha256:([0-9a-f:]+)$/i) ?? [];
  const hash = digits?.replaceAll(":", "").toLowerCase();
  return hash?.length === 64 ? `sha256:${hash}` : undefined;
}
