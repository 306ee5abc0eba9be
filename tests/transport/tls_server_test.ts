import { assert, assertEquals, assertRejects } from "@std/assert";
import { deadline } from "@std/async/deadline";
import { makeCertificate } from "../../src/transport/certificate.ts";
import { TlsServer } from "../../src/transport/tls_server.ts";
import { CERTIFICATE_NAME, connect } from "../../src/transport/connect.ts";
import { KeepAlive } from "../../src/util/keep_alive.ts";
import type { Connection } from "../../src/transport/connection.ts";

/** How long a step that must not hang may take, in milliseconds. */
const TIMEOUT = 60_000;

const MEGABYTE = 2 ** 20;

const certificate = await makeCertificate();

/** A listener, and the connections that it accepts. */
interface Listening extends Disposable {
  readonly port: number;
  /** Returns the next connection. */
  accept(): Promise<Connection>;
}

async function listen(): Promise<Listening> {
  // Neither the listener nor its connections keep the test alive.
  const keepAlive = new KeepAlive();
  keepAlive.hold();
  const all: Connection[] = [];
  const waiting: Connection[] = [];
  let wake = () => {};
  const listener = await TlsServer.listen(
    "127.0.0.1",
    0,
    certificate,
    (connection) => {
      all.push(connection);
      waiting.push(connection);
      wake();
    },
    () => 64,
  );
  return {
    port: listener.port,
    async accept() {
      while (waiting.length === 0) {
        await new Promise<void>((resolve) => wake = resolve);
      }
      return waiting.shift()!;
    },
    [Symbol.dispose]() {
      listener.close();
      for (const connection of all) connection.close();
      keepAlive.close();
    },
  };
}

async function connectTo(port: number): Promise<Connection> {
  const address = { transport: "tls", hostname: "127.0.0.1", port } as const;
  const connection = await connect(address, certificate.cert);
  await (connection as Deno.TlsConn).handshake();
  return connection;
}

/** Opens a connection; the test must close the client's end. */
async function connectBoth(
  { port, accept }: Listening,
): Promise<[server: Connection, client: Connection]> {
  const [server, client] = await Promise.all([accept(), connectTo(port)]);
  server.trust?.();
  return [server, client];
}

async function writeAll(
  connection: Connection,
  bytes: Uint8Array,
): Promise<void> {
  for (let at = 0; at < bytes.length;) {
    at += await connection.write(bytes.subarray(at));
  }
}

/** Reads a number of bytes, or until the end. */
async function readAll(
  connection: Connection,
  most = Infinity,
): Promise<Uint8Array<ArrayBuffer>> {
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  const buffer = new Uint8Array(65_536);
  for (let received = 0; received < most;) {
    const count = await connection.read(buffer);
    if (count === null) break;
    received += count;
    pieces.push(buffer.slice(0, count));
  }
  return new Uint8Array(await new Blob(pieces).arrayBuffer());
}

/** Makes bytes without repetitions. */
function makeBytes(length: number): Uint8Array<ArrayBuffer> {
  const words = new Uint32Array(length / 4);
  let word = crypto.getRandomValues(new Uint32Array(1))[0]!;
  for (let index = 0; index < words.length; index++) {
    word = Math.imul(word, 1_664_525) + 1_013_904_223;
    words[index] = word;
  }
  return new Uint8Array(words.buffer);
}

async function digest(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
}

Deno.test("TlsServer carries 32 MB in both directions at once", async () => {
  using site = await listen();
  const ends = await connectBoth(site);
  const sent = [makeBytes(32 * MEGABYTE), makeBytes(32 * MEGABYTE)];
  const [, , ...received] = await Promise.all([
    writeAll(ends[0], sent[0]!),
    writeAll(ends[1], sent[1]!),
    readAll(ends[1], sent[0]!.length),
    readAll(ends[0], sent[1]!.length),
  ]) as [void, void, Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>];
  for (let end = 0; end < 2; end++) {
    assertEquals(received[end]!.length, sent[end]!.length);
    assertEquals(await digest(received[end]!), await digest(sent[end]!));
  }
  ends[1].close();
});

Deno.test("TlsServer sends everything that was written when a connection is closed", async () => {
  using site = await listen();
  for (const size of [5 * 4, 8 * MEGABYTE]) {
    const [server, client] = await connectBoth(site);
    const bytes = makeBytes(size);
    // Unread data doesn't matter.
    await client.write(new Uint8Array(10));
    const received = readAll(client);
    await writeAll(server, bytes);
    server.close();
    assertEquals(await digest(await received), await digest(bytes));
    assertEquals(await client.read(new Uint8Array(1)), null);
    client.close();
  }
});

Deno.test("TlsServer ends a connection when either end is closed", async () => {
  using site = await listen();
  const [server, client] = await connectBoth(site);
  const reading = server.read(new Uint8Array(1));
  server.close();
  assertEquals(await reading, null);
  assertEquals(await server.read(new Uint8Array(1)), null);
  await assertRejects(() => server.write(new Uint8Array(1)), Error);
  client.close();
  const [other, otherClient] = await connectBoth(site);
  await otherClient.write(Uint8Array.of(1, 2, 3));
  otherClient.close();
  assertEquals(await readAll(other), Uint8Array.of(1, 2, 3));
});

Deno.test("TlsServer sends small pieces without delay", async () => {
  using site = await listen();
  const [server, client] = await connectBoth(site);
  const answers = (async () => {
    for (let round = 0; round < 50; round++) {
      await readAll(client, 2);
      await client.write(Uint8Array.of(round));
    }
  })();
  for (let round = 0; round < 50; round++) {
    await server.write(Uint8Array.of(1));
    await server.write(Uint8Array.of(2));
    assertEquals(await readAll(server, 1), Uint8Array.of(round));
  }
  await answers;
  client.close();
});

interface Peer extends AsyncDisposable {
  readonly child: Deno.ChildProcess;
  /** Waits for its next line. */
  hear(): Promise<string>;
}

/** Starts the program at the other end. */
async function startPeer(ending: string, port = 0): Promise<Peer> {
  const program = new URL("../programs/spawner_tls_peer.ts", import.meta.url);
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", program.href, ending, String(port)],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  await new Response(certificate.cert).body!.pipeTo(child.stdin);
  return {
    child,
    hear: async () => (await reader.read()).value ?? "",
    async [Symbol.asyncDispose]() {
      try {
        child.kill("SIGKILL");
      } catch {
        // It has ended already.
      }
      await reader.cancel();
      await child.status;
    },
  };
}

Deno.test("TlsServer doesn't keep a program alive by itself", async () => {
  await using peer = await startPeer("listen");
  const { success } = await deadline(peer.child.status, TIMEOUT);
  assert(success);
});

Deno.test("TlsServer doesn't keep a program alive when a connection is idle", async () => {
  await using peer = await startPeer("idle");
  const { port, cert } = JSON.parse(await peer.hear());
  const address = { transport: "tls", hostname: "127.0.0.1", port } as const;
  const connection = await connect(address, cert);
  await (connection as Deno.TlsConn).handshake();
  const { success } = await deadline(peer.child.status, TIMEOUT);
  assert(success);
  connection.close();
});

/** Resolves when the connection has ended or is broken. */
async function endOf(connection: Connection): Promise<void> {
  await readAll(connection).catch(() => {});
}

for (const ending of ["exit", "stay"]) {
  Deno.test(`TlsServer ends a connection when the program at the other end ${ending === "exit" ? "exits" : "is killed"}`, async () => {
    using site = await listen();
    await using peer = await startPeer(ending, site.port);
    const connection = await site.accept();
    const end = endOf(connection);
    await connection.write(Uint8Array.of(1));
    assertEquals(await peer.hear(), "read\n");
    // This is more than the system buffers.
    const writing = connection.write(new Uint8Array(64 * MEGABYTE))
      .then(() => {}, () => {});
    if (ending === "stay") peer.child.kill("SIGKILL");
    await deadline(end, TIMEOUT);
    await deadline(writing, TIMEOUT);
  });
}

Deno.test("TlsServer refuses clients without TLS or with another certificate", async () => {
  using site = await listen();
  const { port } = site;
  using plain = await Deno.connect({ hostname: "127.0.0.1", port });
  await plain.write(new TextEncoder().encode("GET / HTTP/1.1\r\n\r\n"));
  await readAll(plain).catch(() => {});
  const { cert } = await makeCertificate();
  const tcp = await Deno.connect({ hostname: "127.0.0.1", port });
  using wrong = await Deno.startTls(tcp, {
    hostname: CERTIFICATE_NAME,
    caCerts: [cert],
  });
  await assertRejects(() => wrong.handshake(), Error, "BadSignature");
  const hangUp = await Deno.connect({ hostname: "127.0.0.1", port });
  hangUp.close();
  // The first connection that it accepts is the good one.
  const [server, client] = await connectBoth(site);
  await client.write(Uint8Array.of(7));
  assertEquals(await readAll(server, 1), Uint8Array.of(7));
  client.close();
});
