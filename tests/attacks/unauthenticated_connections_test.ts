import { assert, assertEquals, assertRejects } from "@std/assert";
import { makeCertificate } from "../../src/transport/certificate.ts";
import { AuthenticatedListener } from "../../src/transport/authenticated_listener.ts";
import { PrivateFolder } from "../../src/hosts/private_folder.ts";
import { SpawnerServer } from "../../src/spawner/spawner_server.ts";
import type { Address } from "../../src/transport/address.ts";
import type { Channel } from "../../src/transport/channel.ts";
import { connect } from "../../src/transport/connect.ts";
import type { Connection } from "../../src/transport/connection.ts";
import { introduceWorker } from "../../src/protocol/worker_handshake.ts";
import { introducePool } from "../../src/protocol/spawner_handshake.ts";
import { makeSecret } from "../../src/transport/secret.ts";
import { hangUp } from "../helpers/connections.ts";
import { encodeHandshake, makeHello, makePool } from "../helpers/handshakes.ts";

const SECRET = makeSecret();
const MAX_UNEXPECTED = 64;

/** How long connections may take to authenticate themselves, in milliseconds. */
const HANDSHAKE_TIMEOUT = 1_500;

const TOKEN = "a token of the tests";

/** Messages of peers that don't know the secret. */
const MESSAGES: readonly Uint8Array[] = [
  new Uint8Array(),
  new TextEncoder().encode("GET / HTTP/1.1\r\n\r\n"),
  encodeHandshake(makeHello()),
  encodeHandshake(makeHello()).subarray(0, 20),
  encodeHandshake({ proof: new Uint8Array(32) }),
  new Uint8Array([255, 255, 255, 255, 1, 2, 3]),
];

/** A pool's listener, and the workers that it admitted. */
class Gatekeeper implements Disposable {
  readonly arrived: number[] = [];
  readonly #channels: Channel[] = [];
  readonly #listener = new AuthenticatedListener({
    authenticate: makePool(SECRET).admit,
    onChannel: (worker, channel) => {
      this.arrived.push(worker);
      this.#channels.push(channel);
    },
    expected: () => this.expected,
    handshakeTimeout: HANDSHAKE_TIMEOUT,
  });
  /** How many workers are expected. */
  expected = 0;

  listen(
    address: Address,
    ...certificate: Parameters<AuthenticatedListener<number>["listen"]>[1][]
  ): Promise<Address> {
    return this.#listener.listen(address, ...certificate);
  }

  [Symbol.dispose](): void {
    this.#listener.close();
    for (const channel of this.#channels) channel.close();
  }
}

const ANYWHERE = { hostname: "127.0.0.1", port: 0 };

async function assertHungUp(connection: Connection): Promise<void> {
  try {
    while (await connection.read(new Uint8Array(500)) !== null);
  } catch (error) {
    assert(error instanceof Deno.errors.ConnectionReset, `${error}`);
  }
}

async function comeIn(
  address: Address,
  certificate: string,
  worker: number,
): Promise<Connection> {
  const connection = await connect(address, certificate);
  await introduceWorker(connection, SECRET, worker);
  return connection;
}

for (const transport of ["tcp", "tls"] as const) {
  Deno.test(`AuthenticatedListener closes unauthenticated connections in time, and admits workers meanwhile (${transport})`, async () => {
    const certificate = await makeCertificate();
    const { cert } = certificate;
    using pool = new Gatekeeper();
    const address = await pool.listen(
      { transport, ...ANYWHERE },
      certificate,
    );
    const peers = await Promise.all(MESSAGES.map(async (message) => {
      const connection = await connect(address, cert);
      if (message.length > 0) await connection.write(message);
      return connection;
    }));
    const worker = await comeIn(address, cert, 3);
    await Promise.all(peers.map(assertHungUp));
    assertEquals(pool.arrived, [3]);
    for (const connection of [worker, ...peers]) connection.close();
  });

  Deno.test(`AuthenticatedListener closes the oldest of too many unauthenticated connections (${transport})`, async () => {
    const certificate = await makeCertificate();
    using pool = new Gatekeeper();
    const address = await pool.listen(
      { transport, ...ANYWHERE },
      certificate,
    ) as Address & { port: number };
    // Connections count before their TLS handshake too.
    const { port } = address;
    const plain = { ...ANYWHERE, transport: "tcp", port } as const;
    const first = await connect(plain, "");
    const others: Connection[] = [];
    for (let count = 0; count < MAX_UNEXPECTED + 1; count++) {
      others.push(await connect(plain, ""));
    }
    await assertHungUp(first);
    const worker = await comeIn(address, certificate.cert, 5);
    assertEquals(pool.arrived, [5]);
    for (const connection of [first, worker, ...others]) connection.close();
  });
}

for (const transport of ["tcp", "tls"] as const) {
  Deno.test(`AuthenticatedListener admits all expected workers when they connect at once (${transport})`, async () => {
    const certificate = await makeCertificate();
    using pool = new Gatekeeper();
    pool.expected = 2 * MAX_UNEXPECTED;
    const address = await pool.listen({ transport, ...ANYWHERE }, certificate);
    const numbers = Array.from({ length: pool.expected }, (_, n) => n);
    const workers = await Promise.all(
      numbers.map(() => connect(address, certificate.cert)),
    );
    await Promise.all(
      workers.map((worker, number) => introduceWorker(worker, SECRET, number)),
    );
    assertEquals(pool.arrived.toSorted((a, b) => a - b), numbers);
    for (const worker of workers) worker.close();
  });
}

Deno.test("AuthenticatedListener reads no more than a handshake from an unauthenticated peer", async () => {
  using pool = new Gatekeeper();
  const address = await pool.listen({ transport: "tcp", ...ANYWHERE });
  const connection = await connect(address, "");
  // It announces 1,024 bytes, and sends more than any system buffers.
  await connection.write(new Uint8Array([0, 0, 4, 0]));
  let sent = 0;
  const bytes = new Uint8Array(2 ** 20).fill(0xc0);
  const sending = async () => {
    for (;;) sent += await connection.write(bytes);
  };
  await assertRejects(sending);
  assert(sent < 2 ** 26, `${sent} bytes were taken`);
  assertEquals(pool.arrived, []);
  connection.close();
});

Deno.test("AuthenticatedListener limits unread bytes of an unauthenticated peer over TLS", async () => {
  const certificate = await makeCertificate();
  const admitted = Promise.withResolvers<Connection>();
  const outcome = Promise.withResolvers<number>();
  const listener = new AuthenticatedListener({
    authenticate: (connection: Connection) => {
      admitted.resolve(connection);
      return outcome.promise;
    },
    onChannel: () => {},
  });
  const address = await listener.listen(
    { transport: "tls", ...ANYWHERE },
    certificate,
  );
  const connection = await connect(address, certificate.cert);
  let sent = 0;
  const sending = (async () => {
    for (;;) sent += await connection.write(new Uint8Array(65_536));
  })();
  await admitted.promise;
  await assertRejects(() => sending);
  assert(sent < 2 ** 26, `${sent} bytes were taken`);
  listener.close();
  outcome.reject(new Error("It is closed"));
  connection.close();
});

Deno.test("SpawnerServer closes unauthenticated connections in time, and admits pools meanwhile", async () => {
  const lines: string[] = [];
  await using server = new SpawnerServer({
    ...ANYWHERE,
    token: TOKEN,
    maxWorkers: 1,
    maxWorkersPerPool: 1,
    tls: undefined,
    config: undefined,
    log: (line) => lines.push(line),
    handshakeTimeout: HANDSHAKE_TIMEOUT,
  });
  const connect = () => Deno.connect({ port: server.port });
  const evil = { ...makeHello(), id: 0, version: "1\n2026 pool has come" };
  const peers = await Promise.all(
    [...MESSAGES, encodeHandshake(evil)].map(async (message) => {
      const connection = await connect();
      if (message.length > 0) await connection.write(message);
      return connection;
    }),
  );
  const pool = await connect();
  await introducePool(pool, TOKEN);
  await Promise.all(peers.map(assertHungUp));
  assertEquals(lines.filter((line) => line.includes("connected")).length, 1);
  const late = `did not authenticate itself within ${HANDSHAKE_TIMEOUT} ms`;
  assert(lines.some((line) => line.includes(late)), lines.join("|"));
  // Unauthenticated peers can't add lines to the log.
  assert(lines.every((line) => !line.includes("\n")), lines.join("|"));
  for (const connection of [pool, ...peers]) hangUp(connection);
});

Deno.test("AuthenticatedListener doesn't keep a program alive when connections are unauthenticated", async () => {
  const [listener, certificate] = ["authenticated_listener", "certificate"]
    .map((name) => import.meta.resolve(`../../src/transport/${name}.ts`));
  const script = `
    import { AuthenticatedListener } from ${JSON.stringify(listener)};
    import { makeCertificate } from ${JSON.stringify(certificate)};
    const certificate = await makeCertificate();
    const came = Promise.withResolvers();
    let waits = true;
    const authenticate = async (connection) => {
      came.resolve();
      await connection.read(new Uint8Array(1)).catch(() => {});
      waits = false;
    };
    for (const transport of ["tls", "tcp"]) {
      const pool = new AuthenticatedListener({ authenticate, onChannel() {} });
      const address = { transport, hostname: "127.0.0.1", port: 0 };
      console.log((await pool.listen(address, certificate)).port);
    }
    await new Response(Deno.stdin.readable).text();
    await came.promise;
    globalThis.addEventListener("unload", () => console.log(waits));
  `;
  const child = new Deno.Command(Deno.execPath(), {
    args: ["eval", script],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const output = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  while (text.split("\n").length < 3) text += (await output.read()).value;
  const peers = await Promise.all(
    text.trim().split("\n").map((port) => Deno.connect({ port: Number(port) })),
  );
  await child.stdin.close();
  const last = await output.read();
  assertEquals(last.value, "true\n");
  await child.status;
  for (const peer of peers) peer.close();
  assert((await output.read()).done);
});

Deno.test({
  name: "PrivateFolder keeps other users from the socket",
  ignore: Deno.build.os === "windows" || Deno.uid() !== 0,
  async fn() {
    using pool = new Gatekeeper();
    const folder = await PrivateFolder.make();
    try {
      const path = folder.socketPath;
      await pool.listen({ transport: "unix", path });
      const script =
        `exec 2>&1; test -x ${folder.path} && echo in; ls ${folder.path}; cat ${path}; true`;
      const { stdout } = await new Deno.Command("sh", {
        args: ["-c", script],
        uid: 65_534,
        gid: 65_534,
        cwd: "/",
      }).output();
      const said = new TextDecoder().decode(stdout);
      assertEquals(said.match(/Permission denied/g)?.length, 2, said);
      assert(!said.includes("in\n"), said);
      // The same user can connect, but still needs the secret.
      const connection = await connect({ transport: "unix", path }, "");
      await assertRejects(() => introduceWorker(connection, makeSecret(), 1));
      connection.close();
      assertEquals(pool.arrived, []);
    } finally {
      await folder.remove();
    }
  },
});
