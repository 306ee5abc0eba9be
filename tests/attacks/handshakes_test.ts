import { assertEquals, assertRejects } from "@std/assert";
import {
  admitPool,
  introducePool,
} from "../../src/protocol/spawner_handshake.ts";
import { introduceAgent } from "../../src/protocol/agent_handshake.ts";
import { admitDialer, type Dialer } from "../../src/protocol/admit_dialer.ts";
import { introduceWorker } from "../../src/protocol/worker_handshake.ts";
import { makeSecret } from "../../src/transport/secret.ts";
import type { Connection } from "../../src/transport/connection.ts";
import {
  HandshakePeer,
  makeAdmission,
  makeHello,
  prove,
} from "../helpers/handshakes.ts";
import { MemoryConnection } from "../helpers/memory_connection.ts";
import { relay } from "../fuzz/handshakes_target.ts";

const SECRETS = [makeSecret(), makeSecret()] as const;
const TOKEN = "a token of the tests";
const UNPROVEN = "The peer does not know";

const pool = makeAdmission((worker) => SECRETS[worker]);

/** Admits worker 0, and the agents of group 0, with the same secret. */
function admitBoth(connection: Connection): Promise<Dialer> {
  const secretOf = (id: number) => id === 0 ? SECRETS[0] : undefined;
  const secrets = { ofWorker: secretOf, ofGroup: secretOf };
  return admitDialer(connection, secrets, {});
}

/** Runs both ends of a handshake, with a relay between them. */
async function relayed(
  connector: (connection: Connection) => Promise<unknown>,
  acceptor: (connection: Connection) => Promise<unknown>,
  change: Parameters<typeof relay>[2] = (message) => message,
): Promise<PromiseSettledResult<unknown>[]> {
  const [outer, toConnector] = MemoryConnection.pair();
  const [toAcceptor, inner] = MemoryConnection.pair();
  const relaying = relay(toConnector, toAcceptor, change);
  const outcomes = await Promise.allSettled([
    connector(outer).finally(() => outer.close()),
    acceptor(inner).finally(() => inner.close()),
  ]);
  await relaying;
  return outcomes;
}

function reasons(outcomes: PromiseSettledResult<unknown>[]): unknown[] {
  return outcomes.map((outcome) =>
    outcome.status === "rejected" ? outcome.reason : undefined
  );
}

Deno.test("admitDialer() refuses a worker that knows another worker's secret", async () => {
  const [outer, inner] = MemoryConnection.pair();
  const admission = pool.admit(inner).finally(() => inner.close());
  const introduction = introduceWorker(outer, SECRETS[0], 1)
    .finally(() => outer.close());
  await assertRejects(() => introduction, Error, UNPROVEN);
  await assertRejects(() => admission, Error, "The peer closed the connection");
});

Deno.test("admitDialer() refuses a handshake when its id is changed on the way", async () => {
  const same = makeAdmission(() => SECRETS[0]);
  // Both workers have the same secret; only the id is changed on the way.
  const outcomes = await relayed(
    (connection) => introduceWorker(connection, SECRETS[0], 1),
    (connection) => same.admit(connection),
    (message, index) => {
      if (index !== 0) return message;
      const key = new TextEncoder().encode("id");
      const at = findBytes(message, key) + key.length;
      assertEquals(message[at], 1);
      message[at] = 0;
      return message;
    },
  );
  assertEquals(outcomes.map(({ status }) => status), ["rejected", "rejected"]);
});

Deno.test("admitDialer() refuses a handshake for a spawner server", async () => {
  const secret = new Uint8Array(
    await crypto.subtle.digest("SHA-256", new TextEncoder().encode(TOKEN)),
  );
  const same = makeAdmission(() => secret);
  const outcomes = await relayed(
    (connection) => introducePool(connection, TOKEN),
    (connection) => same.admit(connection),
  );
  const [reason] = reasons(outcomes);
  await assertRejects(() => Promise.reject(reason), Error, UNPROVEN);
  assertEquals(outcomes[1]!.status, "rejected");
});

Deno.test("admitPool() refuses a handshake for a pool", async () => {
  const secret = new Uint8Array(
    await crypto.subtle.digest("SHA-256", new TextEncoder().encode(TOKEN)),
  );
  const outcomes = await relayed(
    (connection) => introduceWorker(connection, secret, 0),
    (connection) => admitPool(connection, TOKEN),
  );
  const [reason] = reasons(outcomes);
  await assertRejects(() => Promise.reject(reason), Error, UNPROVEN);
  assertEquals(outcomes[1]!.status, "rejected");
});

for (
  const { name, introduce, otherId } of [
    {
      name: "an agent whose id is changed to that of a worker",
      introduce: introduceAgent,
      otherId: 0,
    },
    {
      name: "a worker whose id is changed to that of an agent",
      introduce: introduceWorker,
      otherId: 0x8000_0000,
    },
  ]
) {
  Deno.test(`admitDialer() refuses ${name}`, async () => {
    const [outer, toDialer] = MemoryConnection.pair();
    const [toPool, inner] = MemoryConnection.pair();
    const admission = admitBoth(inner).finally(() => inner.close());
    const introduction = introduce(outer, SECRETS[0], 0)
      .finally(() => outer.close());
    const [dialer, pool] = [
      new HandshakePeer(toDialer),
      new HandshakePeer(toPool),
    ];
    await pool.send({ ...await dialer.receive(), id: otherId });
    // The pool's proof covers the id that the pool has got.
    await dialer.send(await pool.receive());
    await assertRejects(() => introduction, Error, UNPROVEN);
    toPool.close();
    await assertRejects(() => admission, Error, "The peer closed");
  });
}

Deno.test("admitDialer() refuses a worker's proof from an agent, and an agent's from a worker", async () => {
  for (const [id, role] of [[0x8000_0000, "worker"], [0, "agent"]] as const) {
    const [outer, inner] = MemoryConnection.pair();
    const admission = admitBoth(inner).finally(() => inner.close());
    const peer = new HandshakePeer(outer);
    const hello = makeHello({ id });
    await peer.send(hello);
    const { nonce } = await peer.receive();
    const proof = await prove(role, hello, nonce, { secret: SECRETS[0] });
    await peer.send({ proof });
    await assertRejects(() => admission, Error, UNPROVEN);
    outer.close();
  }
});

Deno.test("admitDialer() refuses an agent of a group that isn't expected", async () => {
  const [outer, inner] = MemoryConnection.pair();
  const admission = admitBoth(inner).finally(() => inner.close());
  const introduction = introduceAgent(outer, SECRETS[0], 1)
    .finally(() => outer.close());
  await assertRejects(() => introduction, Error, "The peer closed");
  await assertRejects(
    () => admission,
    Error,
    "No agent 2147483649 is expected",
  );
});

Deno.test("admitDialer() derives another secret for each agent", async () => {
  const secrets: string[] = [];
  for (let agent = 0; agent < 2; agent++) {
    const [outer, inner] = MemoryConnection.pair();
    const [secret, dialer] = await Promise.all([
      introduceAgent(outer, SECRETS[0], 0),
      admitBoth(inner),
    ]);
    assertEquals(dialer, { kind: "agent", group: 0, secret });
    secrets.push(secret.toHex());
  }
  assertEquals(new Set([...secrets, SECRETS[0].toHex()]).size, 3);
});

Deno.test("admitDialer() admits a worker that knows its secret", async () => {
  const [outer, inner] = MemoryConnection.pair();
  const [, dialer] = await Promise.all([
    introduceWorker(outer, SECRETS[0], 0),
    admitBoth(inner),
  ]);
  assertEquals(dialer, { kind: "worker", number: 0 });
});

Deno.test("introducePool(), introduceWorker() and introduceAgent() refuse their own messages when they are reflected", async () => {
  for (
    const connect of [
      (connection: Connection) => introducePool(connection, TOKEN),
      (connection: Connection) => introduceWorker(connection, SECRETS[0], 0),
      (connection: Connection) => introduceAgent(connection, SECRETS[0], 0),
    ]
  ) {
    const [outer, mirror] = MemoryConnection.pair();
    const reflecting = (async () => {
      const buffer = new Uint8Array(2_000);
      for (;;) {
        const count = await mirror.read(buffer);
        if (count === null) return;
        await mirror.write(buffer.slice(0, count));
      }
    })();
    const connecting = connect(outer).finally(() => outer.close());
    await assertRejects(() => connecting, Error, UNPROVEN);
    await reflecting;
  }
});

Deno.test("admitPool() derives another secret for each session", async () => {
  const secrets: Uint8Array[] = [];
  for (let session = 0; session < 2; session++) {
    const [outer, inner] = MemoryConnection.pair();
    const both = await Promise.all([
      introducePool(outer, TOKEN),
      admitPool(inner, TOKEN),
    ]);
    assertEquals(both[0], both[1]);
    secrets.push(both[0]);
  }
  assertEquals(secrets[0]!.toHex() === secrets[1]!.toHex(), false);
});

Deno.test("Handshakes pass through a relay, as they don't encrypt", async () => {
  // The relay learns no secret, but can read and change the messages that follow
  // on a channel that isn't encrypted.
  const outcomes = await relayed(
    (connection) => introduceWorker(connection, SECRETS[1], 1),
    (connection) => pool.admit(connection),
  );
  assertEquals(reasons(outcomes), [undefined, undefined]);
});

function findBytes(bytes: Uint8Array, sought: Uint8Array): number {
  const at = bytes.findIndex((_, start) =>
    sought.every((byte, index) => bytes[start + index] === byte)
  );
  assertEquals(at >= 0, true, "It isn't there");
  return at;
}
