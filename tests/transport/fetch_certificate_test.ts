import { assertEquals, assertRejects } from "@std/assert";
import {
  type Certificate,
  makeCertificate,
} from "../../src/transport/certificate.ts";
import { connect } from "../../src/transport/connect.ts";
import { fetchCertificate } from "../../src/transport/fetch_certificate.ts";
import { fingerprintOf } from "../../src/transport/fingerprint.ts";
import { HandshakeError } from "../../src/transport/handshake_error.ts";
import { toPem } from "../../src/transport/pem.ts";
import { TlsServer } from "../../src/transport/tls_server.ts";
import { KeepAlive } from "../../src/util/keep_alive.ts";

const HOST = "127.0.0.1";

/** Where the private scalar of a P-256 key begins in its PKCS #8 encoding. */
const SCALAR = 36;

async function listen(certificate: Certificate): Promise<TlsServer> {
  return await TlsServer.listen(
    HOST,
    0,
    certificate,
    (connection) => connection.close(),
    () => 64,
  );
}

/** Calls a function while nothing else keeps the test alive. */
async function alive(run: () => Promise<void>): Promise<void> {
  const keepAlive = new KeepAlive();
  try {
    await keepAlive.during(run());
  } finally {
    keepAlive.close();
  }
}

Deno.test("fetchCertificate() returns the certificate that has the fingerprint", async () => {
  const certificate = await makeCertificate();
  const server = await listen(certificate);
  const { signal } = new AbortController();
  await alive(async () => {
    const fingerprint = await fingerprintOf(certificate.cert);
    assertEquals(
      await fetchCertificate(HOST, server.port, fingerprint, signal),
      certificate.cert,
    );
  });
  server.close();
});

Deno.test("fetchCertificate() refuses a certificate that has another fingerprint", async () => {
  const certificate = await makeCertificate();
  const expected = await fingerprintOf((await makeCertificate()).cert);
  const server = await listen(certificate);
  const { signal } = new AbortController();
  await alive(async () => {
    const error = await assertRejects(
      () => fetchCertificate(HOST, server.port, expected, signal),
      HandshakeError,
      `has the fingerprint ${await fingerprintOf(
        certificate.cert,
      )}, not ${expected}`,
    );
    assertEquals(error.code, "certificate");
  });
  server.close();
});

Deno.test("fetchCertificate() rejects when nobody listens, or not with TLS", async () => {
  const { signal } = new AbortController();
  const fingerprint = `sha256:${"0".repeat(64)}`;
  const listener = Deno.listen({ hostname: HOST, port: 0 });
  const { port } = listener.addr;
  const fetching = fetchCertificate(HOST, port, fingerprint, signal);
  const connection = await listener.accept();
  await connection.read(new Uint8Array(1_000));
  connection.close();
  await assertRejects(() => fetching, Error);
  listener.close();
  await assertRejects(
    () => fetchCertificate(HOST, port, fingerprint, signal),
    Error,
    "ECONNREFUSED",
  );
});

Deno.test("fetchCertificate() stops when its signal is aborted", async () => {
  const over = new AbortController();
  using listener = Deno.listen({ hostname: HOST, port: 0 });
  const { port } = listener.addr;
  const fetching = fetchCertificate(HOST, port, "sha256:", over.signal);
  using _connection = await listener.accept();
  over.abort(new Error("It is late"));
  await assertRejects(() => fetching, Error, "It is late");
  await assertRejects(
    () => fetchCertificate(HOST, port, "sha256:", over.signal),
    Error,
    "It is late",
  );
});

Deno.test({
  name:
    "connect() refuses a listener that has the certificate, but not its key",
  ignore: !hasOpenssl(),
  async fn() {
    const { cert, key } = await makeCertificate();
    const der = Uint8Array.fromBase64(key.replaceAll(/-----.*?-----/g, ""));
    // OpenSSL compares the certificate only with the public part of the key.
    der[SCALAR + 1]! ^= 0xff;
    const folder = await Deno.makeTempDir();
    try {
      await Deno.writeTextFile(`${folder}/cert`, cert);
      await Deno.writeTextFile(`${folder}/key`, toPem("PRIVATE KEY", der));
      await using server = await OpensslServer.start(folder);
      const address = {
        transport: "tls",
        hostname: HOST,
        port: server.port,
      } as const;
      using connection = await connect(address, cert) as Deno.TlsConn;
      await assertRejects(
        () => connection.handshake(),
        Deno.errors.InvalidData,
        "BadSignature",
      );
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

function hasOpenssl(): boolean {
  try {
    return new Deno.Command("openssl", { args: ["version"] }).outputSync()
      .success;
  } catch {
    return false;
  }
}

/** `openssl s_server` with the files `cert` and `key`. */
class OpensslServer implements AsyncDisposable {
  readonly port: number;
  readonly #child: Deno.ChildProcess;
  readonly #reading: Promise<void>;

  private constructor(
    child: Deno.ChildProcess,
    port: number,
    reading: Promise<void>,
  ) {
    this.#child = child;
    this.port = port;
    this.#reading = reading;
  }

  static async start(folder: string): Promise<OpensslServer> {
    const child = new Deno.Command("openssl", {
      args: [
        ...["s_server", "-accept", `${HOST}:0`],
        ...["-cert", `${folder}/cert`, "-key", `${folder}/key`],
      ],
      stdin: "piped",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    const listening = Promise.withResolvers<number>();
    const read = async () => {
      let text = "";
      const decoder = new TextDecoder();
      for await (const piece of child.stdout) {
        text += decoder.decode(piece);
        const [, port] = text.match(/^ACCEPT .*:(\d+)\s/m) ?? [];
        if (port !== undefined) listening.resolve(Number(port));
      }
      listening.reject(new Error(`It doesn't listen: ${text}`));
    };
    const reading = read();
    return new OpensslServer(child, await listening.promise, reading);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#child.stdin.close().catch(() => {});
    await this.#child.status;
    await this.#reading;
  }
}
