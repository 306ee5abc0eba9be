/** Encodes bytes as PEM, such as those of a `CERTIFICATE`. */
export function toPem(label: string, der: Uint8Array<ArrayBuffer>): string {
  const lines = der.toBase64().match(/.{1,64}/g)!;
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ""]
    .join("\n");
}

/**
 * Decodes the first certificate of a PEM file.
 *
 * @throws {TypeError} If there is none.
 */
export function certificateOfPem(pem: string): Uint8Array<ArrayBuffer> {
  const begin = "-----BEGIN CERTIFICATE-----";
  const at = pem.indexOf(begin);
  const end = pem.indexOf("-----END CERTIFICATE-----", at);
  if (at >= 0 && end >= 0) {
    try {
      return Uint8Array.fromBase64(pem.slice(at + begin.length, end));
    } catch {
      // The error below says more.
    }
  }
  throw new TypeError("The text has no certificate in the format PEM");
}
