import {
  assertEquals,
  assertNotEquals,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import {
  type Certificate,
  makeCertificate,
} from "../../src/transport/certificate.ts";
import { CERTIFICATE_NAME } from "../../src/transport/connect.ts";

const HELLO = new TextEncoder().encode("hello");
const GOODBYE = new TextEncoder().encode("goodbye");

/** Connects by IP address, and does the TLS handshake at both ends. */
async function withConnections(
  certificate: Certificate,
  options: Deno.StartTlsOptions,
  run: (server: Deno.TlsConn, client: Deno.TlsConn) => Promise<void>,
): Promise<void> {
  using listener = Deno.listenTls({
    hostname: "127.0.0.1",
    port: 0,
    cert: certificate.cert,
    key: certificate.key,
  });
  const { hostname, port } = listener.addr as Deno.NetAddr;
  const [server, connection] = await Promise.all([
    listener.accept(),
    Deno.connect({ hostname, port }),
  ]);
  using _server = server;
  using client = await Deno.startTls(connection, options);
  const handshakes = [client.handshake(), server.handshake()];
  const outcomes = await Promise.allSettled(handshakes);
  // The client's error has more details.
  for (const outcome of outcomes) {
    if (outcome.status === "rejected") throw outcome.reason;
  }
  await run(server, client);
}

async function assertRefused(
  certificate: Certificate,
  options: Deno.StartTlsOptions,
  reason: string,
): Promise<void> {
  const unreachable = () => Promise.reject(new Error("It was accepted"));
  const error = await assertRejects(
    () => withConnections(certificate, options, unreachable),
    Deno.errors.InvalidData,
  );
  assertStringIncludes(error.message, reason);
}

/** Reads until the expected number of bytes has arrived. */
async function assertReceives(
  connection: Deno.Conn,
  expected: Uint8Array,
): Promise<void> {
  const bytes = new Uint8Array(expected.length);
  for (let length = 0; length < bytes.length;) {
    length += (await connection.read(bytes.subarray(length)))!;
  }
  assertEquals(bytes, expected);
}

Deno.test("makeCertificate() makes a certificate that a client can pin", async () => {
  const certificate = await makeCertificate();
  const options = { hostname: CERTIFICATE_NAME, caCerts: [certificate.cert] };
  await withConnections(certificate, options, async (server, client) => {
    await client.write(HELLO);
    await assertReceives(server, HELLO);
    await server.write(GOODBYE);
    await assertReceives(client, GOODBYE);
  });
});

Deno.test("makeCertificate() makes a certificate that a client refuses when it pins another", async () => {
  const [certificate, { cert }] = await Promise.all([
    makeCertificate(),
    makeCertificate(),
  ]);
  const options = { hostname: CERTIFICATE_NAME, caCerts: [cert] };
  await assertRefused(certificate, options, "BadSignature");
});

Deno.test("makeCertificate() makes a certificate that a client refuses when it pins none", async () => {
  const certificate = await makeCertificate();
  const options = { hostname: CERTIFICATE_NAME };
  await assertRefused(certificate, options, "UnknownIssuer");
});

Deno.test("makeCertificate() makes a certificate that a client refuses for another name", async () => {
  const certificate = await makeCertificate();
  const options = { hostname: "localhost", caCerts: [certificate.cert] };
  await assertRefused(certificate, options, "not valid for name");
});

Deno.test("makeCertificate() makes a new certificate and key each time", async () => {
  const first = await makeCertificate();
  const second = await makeCertificate();
  assertNotEquals(first.cert, second.cert);
  assertNotEquals(first.key, second.key);
});
