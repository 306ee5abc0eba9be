import { assertEquals, assertRejects } from "@std/assert";
import { makeCertificate } from "../../src/transport/certificate.ts";
import {
  fingerprintOf,
  readFingerprint,
} from "../../src/transport/fingerprint.ts";

/** Of `openssl req -x509`, with its fingerprint by `openssl x509 -fingerprint`. */
const CERTIFICATE = `-----BEGIN CERTIFICATE-----
MIIBgTCCASegAwIBAgIUTRqAPJXNVoYJxi3go5q/jgo/kFEwCgYIKoZIzj0EAwIw
FjEUMBIGA1UEAwwLZGlzdGV4LXRlc3QwHhcNMjYxMTI4MTM0MzIzWhcNMjYxMTI5
MTM0MzIzWjAWMRQwEgYDVQQDDAtkaXN0ZXgtdGVzdDBZMBMGByqGSM49AgEGCCqG
SM49AwEHA0IABHfc4K2hLA3jiI9aUHOuHbtuk1Yis1NdkjZu5sNTj0FTJQjaIR7t
EUCGqgHe4Nk1xinRd4smZy3ihSCa4UcmipGjUzBRMB0GA1UdDgQWBBQNLWd0Q4jW
EGUj2TNj3PN1G/ZVYzAfBgNVHSMEGDAWgBQNLWd0Q4jWEGUj2TNj3PN1G/ZVYzAP
BgNVHRMBAf8EBTADAQH/MAoGCCqGSM49BAMCA0gAMEUCIGN3qGodv6wB571UPbyd
3bmh5tOnCWiTXFqUzM32tsO0AiEA2bGan64eUzDn4+svdrmpunC8wMJICdrUfYpE
OZKq0hU=
-----END CERTIFICATE-----
`;
const FINGERPRINT =
  "E5:0F:EE:E1:B6:DF:B0:2A:5B:AD:3B:DB:8A:46:02:5C:09:10:2D:94:CA:9A:03:74:50:ED:2A:2A:E8:57:82:33";

Deno.test("fingerprintOf() returns the SHA-256 hash of the DER encoding", async () => {
  const fingerprint = await fingerprintOf(CERTIFICATE);
  assertEquals(fingerprint, readFingerprint(`sha256:${FINGERPRINT}`));
});

Deno.test("fingerprintOf() takes the first certificate of a file", async () => {
  const { cert, key } = await makeCertificate();
  assertEquals(
    await fingerprintOf(`${key}a comment\n${CERTIFICATE}${cert}`),
    await fingerprintOf(CERTIFICATE),
  );
});

Deno.test("fingerprintOf() refuses a text without a certificate", async () => {
  const { key } = await makeCertificate();
  const [begin, end] = CERTIFICATE.split(/\n[^-]+\n/);
  for (const text of ["", key, begin!, `${end}${begin}`, `${begin}!${end}`]) {
    await assertRejects(
      () => fingerprintOf(text),
      TypeError,
      "no certificate in the format PEM",
    );
  }
});

Deno.test("readFingerprint() takes both cases, with colons and without", () => {
  const digits = FINGERPRINT.replaceAll(":", "");
  const expected = `sha256:${digits.toLowerCase()}`;
  for (
    const text of [
      expected,
      `sha256:${FINGERPRINT}`,
      `SHA256:${FINGERPRINT.toLowerCase()}`,
      `SHA256:${digits}`,
    ]
  ) assertEquals(readFingerprint(text), expected);
});

Deno.test("readFingerprint() refuses other texts", () => {
  const digits = "0".repeat(64);
  for (
    const text of [
      "",
      digits,
      `sha1:${digits}`,
      `sha256:${digits}0`,
      `sha256:${digits.slice(1)}`,
      `sha256:${digits.slice(1)}g`,
      `sha256: ${digits}`,
      `sha256:${digits}\n`,
    ]
  ) assertEquals(readFingerprint(text), undefined, text);
});
