import { assertRejects } from "@std/assert";
import { introduceWorker } from "../../src/protocol/worker_handshake.ts";
import { makeSecret } from "../../src/transport/secret.ts";
import { PROTOCOL_VERSION } from "../../src/transport/handshake.ts";
import { hangUp } from "../helpers/connections.ts";
import { concat } from "../helpers/frames.ts";
import {
  assertNotAdmitted,
  assertNotTrusted,
  connect,
  HandshakePeer,
  makeAnswer,
  makeChallenge,
  makeHello,
  makeNonce,
  makePool,
  SECRET,
  UNPROVEN,
} from "../helpers/handshakes.ts";

/** Changes to the statement that a proof must cover. */
const OTHER_STATEMENTS = [
  { secret: makeSecret() },
  { version: PROTOCOL_VERSION + 1 },
  { worker: 2 },
  { workerNonce: makeNonce() },
  { poolNonce: makeNonce() },
];

/** Returns the bytes that both ends of a good handshake sent. */
async function recordHandshake() {
  using pool = await connect();
  using worker = await connect();
  const admission = makePool().admit(pool.left);
  const introduction = introduceWorker(worker.left, SECRET, 1);
  const [toPool, toWorker] = [pool.right, worker.right]
    .map((end) => new HandshakePeer(end)) as [HandshakePeer, HandshakePeer];
  await toPool.send(await toWorker.receive());
  await toWorker.send(await toPool.receive());
  await toPool.send(await toWorker.receive());
  await toWorker.send(await toPool.receive());
  await Promise.all([admission, introduction]);
  return {
    fromPool: concat(toPool.received),
    fromWorker: concat(toWorker.received),
  };
}

Deno.test("introduceWorker() refuses the pool when the secrets differ", async () => {
  using pair = await connect();
  const admission = makePool(makeSecret()).admit(pair.left);
  const introduction = introduceWorker(pair.right, SECRET, 1)
    .finally(() => hangUp(pair.right));
  await Promise.all([
    assertRejects(() => introduction, Error, UNPROVEN),
    assertRejects(() => admission, Error, "The peer closed the connection"),
  ]);
});

Deno.test("admitDialer() refuses a proof of another statement", async () => {
  for (const changes of [...OTHER_STATEMENTS, { role: "pool" } as const]) {
    await assertNotAdmitted(UNPROVEN, async (peer) => {
      const hello = makeHello();
      await peer.send(hello);
      const challenge = await peer.receive();
      await peer.send(await makeAnswer(hello, challenge, changes));
      await peer.assertEnds();
    });
  }
});

Deno.test("introduceWorker() refuses a proof of another statement, and proves nothing", async () => {
  for (const changes of [...OTHER_STATEMENTS, { role: "worker" } as const]) {
    await assertNotTrusted(UNPROVEN, async (peer, hello) => {
      await peer.send(await makeChallenge(hello, changes));
      await peer.assertEnds();
    });
  }
});

Deno.test("Handshakes refuse a proof that isn't an HMAC", async () => {
  const bytes = [0, 31, 32, 33, 500].map((length) => new Uint8Array(length));
  for (const proof of [...bytes, null, true, "proof", 0, [1], {}]) {
    await assertNotAdmitted(UNPROVEN, async (peer) => {
      await peer.send(makeHello());
      await peer.receive();
      await peer.send({ proof });
      await peer.assertEnds();
    });
    await assertNotTrusted(UNPROVEN, async (peer, hello) => {
      await peer.send({ ...await makeChallenge(hello), proof });
      await peer.assertEnds();
    });
  }
});

Deno.test("Handshakes refuse a good proof when a byte of it is changed", async () => {
  for (const index of [0, 15, 31]) {
    const spoil = (proof: unknown) => {
      const spoilt = new Uint8Array(proof as Uint8Array);
      spoilt[index]! ^= 1;
      return spoilt;
    };
    await assertNotAdmitted(UNPROVEN, async (peer) => {
      const hello = makeHello();
      await peer.send(hello);
      const { proof } = await makeAnswer(hello, await peer.receive());
      await peer.send({ proof: spoil(proof) });
      await peer.assertEnds();
    });
    await assertNotTrusted(UNPROVEN, async (peer, hello) => {
      const challenge = await makeChallenge(hello);
      await peer.send({ ...challenge, proof: spoil(challenge.proof) });
      await peer.assertEnds();
    });
  }
});

Deno.test("admitDialer() refuses its own proof when it is reflected", async () => {
  await assertNotAdmitted(UNPROVEN, async (peer) => {
    await peer.send(makeHello());
    const { proof } = await peer.receive();
    await peer.send({ proof: proof! });
    await peer.assertEnds();
  });
});

Deno.test("admitDialer() refuses its own message to another worker when it is reflected", async () => {
  const pool = makePool();
  await assertNotAdmitted(UNPROVEN, async (peer) => {
    const hello = makeHello();
    await peer.send(hello);
    const { nonce } = await peer.receive();
    // The pool proves a statement with its own nonce.
    let proof = new Uint8Array();
    await assertNotAdmitted("The peer closed the connection", async (other) => {
      await other.send({ ...hello, nonce: nonce! });
      proof = new Uint8Array((await other.receive()).proof as Uint8Array);
      other.hangUp();
    }, pool);
    await peer.send({ proof });
    await peer.assertEnds();
  }, pool);
});

Deno.test("introduceWorker() refuses its own messages when they are reflected", async () => {
  await assertNotTrusted(UNPROVEN, async (peer, hello) => {
    await peer.send(hello);
    await peer.assertEnds();
  });
});

Deno.test("admitDialer() refuses messages that are replayed", async () => {
  const { fromWorker } = await recordHandshake();
  await assertNotAdmitted(UNPROVEN, async (peer) => {
    await peer.write(fromWorker);
    await peer.receive();
    await peer.assertEnds();
  });
});

Deno.test("introduceWorker() refuses messages that are replayed", async () => {
  const { fromPool } = await recordHandshake();
  await assertNotTrusted(UNPROVEN, async (peer) => {
    await peer.write(fromPool);
    await peer.assertEnds();
  });
});
