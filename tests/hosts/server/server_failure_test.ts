import {
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { encode } from "@std/msgpack";
import { BrokenPoolError, HostError, Pool } from "../../../mod.ts";
import { makeCertificate } from "../../../src/transport/certificate.ts";
import { CERTIFICATE_NAME } from "../../../src/transport/connect.ts";
import { admitPool } from "../../../src/protocol/spawner_handshake.ts";
import { PROTOCOL_VERSION } from "../../../src/transport/handshake.ts";
import { startSpawnerServer, TOKEN } from "../../helpers/spawner_server.ts";
import { assertFails, withListener } from "../../helpers/spawner_failures.ts";

/** A timeout for an answer that never arrives, in milliseconds. */
const SHORT = 700;

const certificate = await makeCertificate();
const tls = { caCerts: [certificate.cert], serverName: CERTIFICATE_NAME };

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

Deno.test("ServerConnector explains a refused connection", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  await assertFails(`127.0.0.1:${port}/2`, "connection", [
    `no spawner server listens on 127.0.0.1:${port}`,
    "deno run -A jsr:@distex/pool/server",
    `ssh://127.0.0.1:${port}`,
  ]);
});

Deno.test("ServerConnector explains an unknown host name", async () => {
  await assertFails("no-such-host.invalid/2", "name", [
    "the host name 'no-such-host.invalid' is not known",
  ]);
});

Deno.test("ServerConnector explains a missing or wrong token", async () => {
  await using server = await startSpawnerServer({ token: TOKEN });
  const words = [`127.0.0.1:${server.port}`, "same token", "option 'token'"];
  await assertFails(server.spec(1), "key", words);
  await assertFails(server.spec(1), "key", words, { token: `${TOKEN}!` });
  await assertFails({ host: server.spec(1), token: "" }, "key", words, {
    token: TOKEN,
  });
  // The host's own token takes precedence.
  const host = { host: server.spec(1), token: TOKEN };
  await using pool = new Pool({ workers: 0, hosts: host, token: "another" });
  assertEquals(await pool.run((x: number) => x + 1, 1), 2);
});

Deno.test("ServerConnector accepts a token with the line feed of its file", async () => {
  await using server = await startSpawnerServer({ token: `${TOKEN}\n` });
  const token = `${TOKEN}\n`;
  await using pool = new Pool({ workers: 0, hosts: server.spec(1), token });
  assertEquals(await pool.run((x: number) => x + 1, 1), 2);
  await using other = new Pool({
    workers: 0,
    hosts: { host: server.spec(1), token },
  });
  assertEquals(await other.run((x: number) => x + 1, 1), 2);
});

Deno.test("ServerConnector explains that the pool has a token and the server has none", async () => {
  await using server = await startSpawnerServer();
  await assertFails(server.spec(1), "key", ["same token"], { token: TOKEN });
});

Deno.test("ServerConnector explains that a web server answers", async () => {
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    () => new Response("hello"),
  );
  const { port } = server.addr;
  await assertFails(`127.0.0.1:${port}/1`, "connection", [
    `the program at 127.0.0.1:${port} doesn't answer like a spawner server`,
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
  Deno.test(`ServerConnector explains a peer that ${does}`, async () => {
    await withListener(
      treat,
      (port) =>
        assertFails(`127.0.0.1:${port}/1`, "connection", [
          `the program at 127.0.0.1:${port} doesn't answer like a spawner server`,
        ]),
    );
  });
}

Deno.test("ServerConnector explains a peer that pretends to know the token", async () => {
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
  Deno.test(`ServerConnector explains a peer that is silent ${how}`, async () => {
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

Deno.test("ServerConnector explains a server that hangs up before it is ready", async () => {
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
  Deno.test(`ServerConnector explains why this machine can't listen ${how}`, async () => {
    await using server = await startSpawnerServer(
      secured ? { certificate } : {},
    );
    const host = { host: server.spec(1), tls: secured && tls };
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = listener.addr;
    const words = ["this machine can't listen on", "'listen'"];
    await assertFails(host, "worker", [
      ...words,
      `127.0.0.1:${port}`,
      "in use",
    ], { listen: { port } });
    // No machine has this address.
    const hostname = "203.0.113.9";
    await assertFails(host, "worker", [...words, hostname], {
      listen: { hostname },
    });
  });
}

Deno.test("ServerConnector explains another version of the protocol", async () => {
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

Deno.test("ServerConnector explains that the server has no TLS", async () => {
  await using server = await startSpawnerServer();
  await assertFails({ host: server.spec(1), tls }, "host key", [
    `the TLS connection to the server at 127.0.0.1:${server.port} failed`,
    "--tls-cert and --tls-key",
  ]);
});

Deno.test("ServerConnector explains that the server may require TLS", async () => {
  await using server = await startSpawnerServer({ certificate });
  await assertFails(server.spec(1), "connection", [
    "it may require TLS (the host's option 'tls')",
  ]);
});

Deno.test("ServerConnector explains why the certificate isn't accepted", async () => {
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

Deno.test("ServerConnector doesn't keep a program alive when the peer is silent", async () => {
  const program =
    new URL("../../programs/spawner_fail.ts", import.meta.url).href;
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

Deno.test("Pool continues without an unusable spawner server when onHostError is 'continue'", async () => {
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
    () => pool.with({ host: "closed" }).run(() => 1),
    BrokenPoolError,
  );
  assertStringIncludes(error.message, "no worker on the host 'closed'");
});

Deno.test("Pool leaves no worker on other hosts when it can't start", async () => {
  await using server = await startSpawnerServer();
  const treat = async (connection: Deno.Conn) => {
    await server.logged(/pool 1 .* has connected/);
    connection.close();
  };
  await withListener(treat, async (port) => {
    await using pool = new Pool({
      workers: 0,
      hosts: [server.spec(2), `127.0.0.1:${port}/1`],
    });
    await assertRejects(() => pool.ready, BrokenPoolError);
  });
  // The server logs this after the workers have ended.
  await server.logged(/pool 1 .* is gone/);
});
