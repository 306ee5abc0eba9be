import {
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { encode } from "@std/msgpack";
import {
  BrokenPoolError,
  HostError,
  type HostSpec,
  type HostStep,
  Pool,
  type PoolOptions,
} from "../../mod.ts";
import { makeCertificate } from "../../src/hosts/certificate.ts";
import { CERTIFICATE_NAME } from "../../src/wire/connect.ts";
import { admitPool, PROTOCOL_VERSION } from "../../src/wire/handshake.ts";
import { startSpawnerServer, TOKEN } from "../spawner_server.ts";

/** For what never comes: long enough to find out, and short to wait for. */
const SHORT = 700;

const certificate = await makeCertificate();
const tls = { caCerts: [certificate.cert], serverName: CERTIFICATE_NAME };

/** Starts a pool at a host that can't be used, and checks what it says. */
async function assertFails(
  host: HostSpec,
  step: HostStep,
  words: readonly string[],
  options: PoolOptions = {},
): Promise<HostError> {
  await using pool = new Pool({ ...options, hosts: host });
  const run = assertRejects(() => pool.run(() => 1), BrokenPoolError);
  const error = await assertRejects(() => pool.ready, BrokenPoolError);
  await run;
  assertInstanceOf(error.cause, HostError);
  const { cause } = error;
  assertEquals(cause.step, step, cause.message);
  for (const word of words) assertStringIncludes(cause.message, word);
  assertStringIncludes(error.message, cause.message);
  assertEquals(pool.stats().hosts[0]!.error, cause);
  return cause;
}

/** Runs with the port of something that treats connections in its own way. */
async function withListener(
  treat: (connection: Deno.TcpConn) => Promise<void>,
  run: (port: number) => Promise<unknown>,
): Promise<void> {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const connections: Deno.Conn[] = [];
  const accepting = (async () => {
    for await (const connection of listener) {
      connections.push(connection);
      await treat(connection).catch(() => {});
    }
  })();
  try {
    await run(listener.addr.port);
  } finally {
    listener.close();
    await accepting;
    for (const connection of connections) {
      try {
        connection.close();
      } catch {
        // It was closed when it was treated.
      }
    }
  }
}

/** Writes a message of the handshake. */
async function say(
  connection: Deno.Conn,
  message: Parameters<typeof encode>[0],
): Promise<void> {
  const content = encode(message);
  const bytes = new Uint8Array(4 + content.length);
  new DataView(bytes.buffer).setUint32(0, content.length);
  bytes.set(content, 4);
  await connection.write(bytes);
}

Deno.test("SpawnerHost says so when no one listens", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  await assertFails(`127.0.0.1:${port}/2`, "connection", [
    `no spawner server listens at 127.0.0.1:${port}`,
    "deno run -A jsr:@distex/pool/server",
    `ssh://127.0.0.1:${port}`,
  ]);
});

Deno.test("SpawnerHost says so when the host name is not known", async () => {
  await assertFails("no-such-host.invalid/2", "name", [
    "the host name 'no-such-host.invalid' is not known",
  ]);
});

Deno.test("SpawnerHost says so when the token is missing or wrong", async () => {
  await using server = await startSpawnerServer({ token: TOKEN });
  const words = [`127.0.0.1:${server.port}`, "same token", "option 'token'"];
  await assertFails(server.spec(1), "key", words);
  await assertFails(server.spec(1), "key", words, { token: `${TOKEN}!` });
  await assertFails({ host: server.spec(1), token: "" }, "key", words, {
    token: TOKEN,
  });
  // The host's own comes first.
  const host = { host: server.spec(1), token: TOKEN };
  await using pool = new Pool({ hosts: host, token: "another" });
  assertEquals(await pool.run((x: number) => x + 1, 1), 2);
});

Deno.test("SpawnerHost takes a token with the line feed of its file", async () => {
  await using server = await startSpawnerServer({ token: `${TOKEN}\n` });
  const token = `${TOKEN}\n`;
  await using pool = new Pool({ hosts: server.spec(1), token });
  assertEquals(await pool.run((x: number) => x + 1, 1), 2);
  await using other = new Pool({ hosts: { host: server.spec(1), token } });
  assertEquals(await other.run((x: number) => x + 1, 1), 2);
});

Deno.test("SpawnerHost says so when the pool has a token and the server none", async () => {
  await using server = await startSpawnerServer();
  await assertFails(server.spec(1), "key", ["same token"], { token: TOKEN });
});

Deno.test("SpawnerHost says so when a web server answers", async () => {
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    () => new Response("hello"),
  );
  const { port } = server.addr;
  await assertFails(`127.0.0.1:${port}/1`, "connection", [
    `what listens at 127.0.0.1:${port} doesn't answer like a spawner server`,
    "'tls'",
  ]);
});

const STRANGERS = {
  "hangs up": (connection) => {
    connection.close();
    return Promise.resolve();
  },
  "hangs up once it has heard something": async (connection) => {
    await connection.read(new Uint8Array(4_096));
    connection.close();
  },
  "sends bytes that make no sense": async (connection) => {
    await connection.write(new Uint8Array(2_000).fill(0xc1));
  },
  "sends a message that is no map": async (connection) => {
    await say(connection, [1, 2]);
  },
  "gives no nonce": async (connection) => {
    await say(connection, { version: PROTOCOL_VERSION });
  },
} satisfies Record<string, (connection: Deno.TcpConn) => Promise<void>>;

for (const [does, treat] of Object.entries(STRANGERS)) {
  Deno.test(`SpawnerHost says so when what answers ${does}`, async () => {
    await withListener(
      treat,
      (port) =>
        assertFails(`127.0.0.1:${port}/1`, "connection", [
          `what listens at 127.0.0.1:${port} doesn't answer like a spawner server`,
        ]),
    );
  });
}

Deno.test("SpawnerHost says so when what answers claims to know the token", async () => {
  const treat = (connection: Deno.Conn) =>
    say(connection, {
      version: PROTOCOL_VERSION,
      nonce: new Uint8Array(32),
      proof: new Uint8Array(32),
    });
  await withListener(
    treat,
    (port) =>
      assertFails(`127.0.0.1:${port}/1`, "key", ["same token"], {
        token: TOKEN,
      }),
  );
});

for (const secured of [false, true]) {
  const how = secured ? "with TLS" : "without TLS";
  Deno.test(`SpawnerHost says so when what is reached ${how} is silent`, async () => {
    const treat = () => Promise.resolve();
    await withListener(treat, (port) =>
      assertFails(
        { host: `127.0.0.1:${port}/1`, tls: secured },
        "connection",
        [
          `the spawner server at 127.0.0.1:${port} didn't answer within ${SHORT} ms`,
        ],
        { startTimeout: SHORT },
      ));
  });
}

Deno.test("SpawnerHost says so when the server hangs up before it is ready", async () => {
  const treat = async (connection: Deno.Conn) => {
    await admitPool(connection, "");
    await connection.read(new Uint8Array(4_096));
    connection.close();
  };
  await withListener(
    treat,
    (port) =>
      assertFails(`127.0.0.1:${port}/1`, "connection", [
        `the connection to the spawner server at 127.0.0.1:${port} ended`,
      ]),
  );
});

for (const secured of [false, true]) {
  const how = secured ? "with TLS" : "without TLS";
  Deno.test(`SpawnerHost says so when this machine can't listen ${how}`, async () => {
    await using server = await startSpawnerServer(
      secured ? { certificate } : {},
    );
    const host = { host: server.spec(1), tls: secured && tls };
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port: localport } = listener.addr;
    const words = ["this machine can't listen at", "'localhost'"];
    await assertFails(host, "worker", [
      ...words,
      `127.0.0.1:${localport}`,
      "in use",
      "'localport'",
    ], { localport });
    // One of those that no machine has.
    const localhost = "203.0.113.9";
    await assertFails(host, "worker", [...words, localhost], { localhost });
  });
}

Deno.test("SpawnerHost says so when the server speaks another version", async () => {
  const version = PROTOCOL_VERSION + 1;
  const treat = async (connection: Deno.Conn) => {
    await say(connection, { version, nonce: new Uint8Array(32) });
  };
  await withListener(
    treat,
    (port) =>
      assertFails(`127.0.0.1:${port}/1`, "version", [
        `version ${PROTOCOL_VERSION}`,
        `version ${version}`,
        "same release",
      ]),
  );
});

Deno.test("SpawnerHost says so when it wants TLS and the server has none", async () => {
  await using server = await startSpawnerServer();
  await assertFails({ host: server.spec(1), tls }, "host key", [
    `there is no TLS connection to the server at 127.0.0.1:${server.port}`,
    "--tls-cert and --tls-key",
  ]);
});

Deno.test("SpawnerHost says so when the server wants TLS", async () => {
  await using server = await startSpawnerServer({ certificate });
  await assertFails(server.spec(1), "connection", [
    "it may want TLS (the host's option 'tls')",
  ]);
});

Deno.test("SpawnerHost says so when the certificate isn't accepted", async () => {
  await using server = await startSpawnerServer({ certificate });
  const host = server.spec(1);
  const { cert } = await makeCertificate();
  const { caCerts, serverName } = tls;
  await assertFails({ host, tls: true }, "host key", ["'tls.caCerts'"]);
  await assertFails({ host, tls: { serverName } }, "host key", [
    "UnknownIssuer",
    "'tls.caCerts'",
  ]);
  await assertFails(
    { host, tls: { serverName, caCerts: [cert] } },
    "host key",
    ["BadSignature", "'tls.caCerts'"],
  );
  await assertFails({ host, tls: { caCerts } }, "host key", [
    "not valid for name",
    "for '127.0.0.1'",
    "'tls.serverName'",
  ]);
  const pem = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
  await assertFails({ host, tls: { caCerts: [pem] } }, "host key", [
    "BadEncoding",
  ]);
  await assertFails({ host, tls: { serverName: "no name" } }, "host key", [
    "no name",
  ]);
});

Deno.test("SpawnerHost doesn't keep a program from ending when what is reached is silent", async () => {
  const program = new URL("../programs/spawner_fail.ts", import.meta.url).href;
  await withListener(() => Promise.resolve(), async (port) => {
    for (const tls of ["tls", ""]) {
      const { code, stdout } = await new Deno.Command(Deno.execPath(), {
        args: ["run", "-A", program, `127.0.0.1:${port}/1`, tls],
        stdout: "piped",
        stderr: "inherit",
      }).output();
      assertEquals(code, 0);
      assertStringIncludes(
        new TextDecoder().decode(stdout),
        "didn't answer within",
      );
    }
  });
});

Deno.test("SpawnerHost says so when a pool may not have so many workers", async () => {
  const args = ["--max-workers", "3", "--max-workers-per-pool", "2"];
  await using server = await startSpawnerServer({ args });
  await assertFails(server.spec(3), "worker", [
    "was refused",
    "at most 2",
    "--max-workers-per-pool",
  ]);
  await using pool = new Pool(0, server.spec(2));
  await pool.ready;
  await assertFails(server.spec(2), "worker", [
    "was refused",
    "at most 3 in all",
    "--max-workers",
  ]);
  await server.logged(/pool 3 .*was refused/);
  assertEquals(await pool.map((x: number) => x + 1, [1]).toArray(), [2]);
  await pool.shutdown();
  await server.logged(/pool 2 .* is gone/);
  // There is room again.
  await using other = new Pool(0, server.spec(2));
  assertEquals((await other.runOnAll(() => 1)).length, 2);
});

Deno.test("SpawnerHost says so when workers don't connect in time", async () => {
  await using server = await startSpawnerServer();
  const startTimeout = 2_000;
  await assertFails(
    server.spec(2),
    "worker",
    ["2 were started but have not connected", `${startTimeout} ms`],
    { denoArgs: ["--inspect-wait=127.0.0.1:0"], startTimeout },
  );
  await server.logged(/pool 1 .* is gone/);
});

Deno.test("SpawnerHost says so when workers can't start", async () => {
  await using server = await startSpawnerServer();
  await assertFails(
    server.spec(1),
    "worker",
    ["before it connected", "exit code 1", "unexpected argument '--no-such"],
    { denoArgs: ["--no-such-flag"] },
  );
  await assertFails(
    { host: server.spec(1), cwd: "/no/such/folder" },
    "worker",
    ["could not be started", "/no/such/folder"],
  );
  // The server goes on.
  await using pool = new Pool(0, server.spec(1));
  assertEquals(await pool.run((x: number) => x + 1, 1), 2);
});

Deno.test("Pool goes on without a spawner server that can't be used on demand", async () => {
  await using server = await startSpawnerServer({ token: TOKEN });
  await using pool = new Pool({
    workers: 1,
    hosts: [
      { host: server.spec(1), name: "closed" },
      { host: server.spec(1), token: TOKEN, name: "open" },
    ],
    onHostError: "continue",
  });
  assertEquals((await pool.runOnAll(() => 1)).length, 2);
  const [local, closed, open] = pool.stats().hosts;
  assertEquals([local!.workers, closed!.workers, open!.workers], [1, 0, 1]);
  assertInstanceOf(closed!.error, HostError);
  assertEquals(open!.error, undefined);
  const error = await assertRejects(
    () => pool.options({ host: "closed" }).run(() => 1),
    BrokenPoolError,
  );
  assertStringIncludes(error.message, "no worker at the host 'closed'");
});

Deno.test("Pool that can't start leaves nothing at the hosts that it could use", async () => {
  await using server = await startSpawnerServer();
  const treat = async (connection: Deno.Conn) => {
    await server.logged(/pool 1 .* has connected/);
    connection.close();
  };
  await withListener(treat, async (port) => {
    await using pool = new Pool({
      hosts: [server.spec(2), `127.0.0.1:${port}/1`],
    });
    await assertRejects(() => pool.ready, BrokenPoolError);
  });
  // It says so when the workers have ended.
  await server.logged(/pool 1 .* is gone/);
});
