import { connect } from "node:tls";
import { CERTIFICATE_NAME } from "./connect.ts";
import { formatFingerprint } from "./fingerprint.ts";
import { HandshakeError } from "./handshake_error.ts";
import { toPem } from "./pem.ts";

/**
 * Fetches the certificate of a TLS listener that has a known fingerprint.
 *
 * This connection serves for nothing else. A certificate is public, and only a
 * connection that pins it shows that the listener has its key.
 *
 * @param fingerprint The result of {@linkcode fingerprintOf}.
 * @param signal Stops this when it is aborted.
 * @returns The certificate, as PEM.
 * @throws {HandshakeError} If the listener has another certificate.
 */
export async function fetchCertificate(
  hostname: string,
  port: number,
  fingerprint: string,
  signal: AbortSignal,
): Promise<string> {
  const der = await readCertificate(hostname, port, signal);
  const actual = await formatFingerprint(der);
  if (actual === fingerprint) return toPem("CERTIFICATE", der);
  throw new HandshakeError(
    "certificate",
    `The listener's certificate has the fingerprint ${actual}, not ${fingerprint}`,
  );
}

/** Reads the certificate of a listener, whatever it is. */
async function readCertificate(
  host: string,
  port: number,
  signal: AbortSignal,
): Promise<Uint8Array<ArrayBuffer>> {
  signal.throwIfAborted();
  const socket = connect({
    host,
    port,
    servername: CERTIFICATE_NAME,
    rejectUnauthorized: false,
  });
  const abort = () => socket.destroy();
  signal.addEventListener("abort", abort);
  try {
    return await new Promise((resolve, reject) => {
      socket.once(
        "secureConnect",
        () => resolve(new Uint8Array(socket.getPeerCertificate().raw)),
      );
      socket.once("error", reject);
      socket.once("close", () => {
        reject(signal.reason ?? new Error("The listener hung up"));
      });
    });
  } finally {
    signal.removeEventListener("abort", abort);
    socket.destroy();
  }
}
