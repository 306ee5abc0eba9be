import { CERTIFICATE_NAME } from "./connect.ts";
import { toPem } from "./pem.ts";

/** A certificate and its private key. */
export interface Certificate {
  /** The certificate, as PEM. */
  readonly cert: string;
  /** The private key, PKCS #8 as PEM. */
  readonly key: string;
}

// Clients pin the certificate, so its dates don't matter. Wide dates work even
// if a machine's clock is wrong.
const VALID_FROM = new Date(0);
const VALID_TO = new Date("9999-12-31T23:59:59Z");

const COMMON_NAME = "2.5.4.3";
const SUBJECT_ALT_NAME = "2.5.29.17";

/** The type of {@linkcode SUBJECT_ALT_NAME} entries that are host names. */
const DNS_NAME = 2;

/** The encoding of X.509 version 3, which has extensions. */
const VERSION_3 = 2;

/**
 * Makes a new key and a self-signed certificate for
 * {@linkcode CERTIFICATE_NAME}.
 *
 * Clients must accept only this certificate:
 * `Deno.startTls(connection, { hostname: CERTIFICATE_NAME, caCerts: [cert] })`.
 * It can't sign other certificates, as it isn't a certificate authority's.
 */
export async function makeCertificate(): Promise<Certificate> {
  // These modules load slowly, and few pools need them.
  const [asn1, pkijs] = await Promise.all([
    import("asn1js"),
    import("pkijs"),
  ]);
  const { privateKey, publicKey } = await crypto.subtle.generateKey(
    { name: "ECDSA", namedCurve: "P-256" },
    true,
    ["sign", "verify"],
  );
  const certificate = new pkijs.Certificate({
    version: VERSION_3,
    serialNumber: new asn1.Integer({ valueHex: randomSerial() }),
    notBefore: new pkijs.Time({
      type: pkijs.TimeType.UTCTime,
      value: VALID_FROM,
    }),
    notAfter: new pkijs.Time({
      type: pkijs.TimeType.GeneralizedTime,
      value: VALID_TO,
    }),
  });
  for (const { typesAndValues } of [certificate.issuer, certificate.subject]) {
    typesAndValues.push(
      new pkijs.AttributeTypeAndValue({
        type: COMMON_NAME,
        value: new asn1.Utf8String({ value: CERTIFICATE_NAME }),
      }),
    );
  }
  const names = new pkijs.GeneralNames({
    names: [new pkijs.GeneralName({ type: DNS_NAME, value: CERTIFICATE_NAME })],
  });
  certificate.extensions = [
    new pkijs.Extension({
      extnID: SUBJECT_ALT_NAME,
      extnValue: names.toSchema().toBER(),
    }),
  ];
  await certificate.subjectPublicKeyInfo.importKey(publicKey);
  await certificate.sign(privateKey, "SHA-256");
  const pkcs8 = await crypto.subtle.exportKey("pkcs8", privateKey);
  return {
    cert: toPem(
      "CERTIFICATE",
      new Uint8Array(certificate.toSchema().toBER()),
    ),
    key: toPem("PRIVATE KEY", new Uint8Array(pkcs8)),
  };
}

/** Returns 16 random bytes: a positive integer without a leading zero. */
function randomSerial(): Uint8Array<ArrayBuffer> {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[0] = bytes[0]! & 0x7f | 0x40;
  return bytes;
}
