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
  makeAnswer,
  makeChallenge,
  makeHello,
  makeNonce,
  makePool,
  SECRET,
  Stranger,
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
    .map((end) => new Stranger(end)) as [Stranger, Stranger];
  await toPool.say(await toWorker.hear());
  await toWorker.say(await toPool.hear());
  await toPool.say(await toWorker.hear());
  await toWorker.say(await toPool.hear());
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

Deno.test("admitWorker() refuses a proof of another statement", async () => {
  for (const changes of [...OTHER_STATEMENTS, { role: "pool" } as const]) {
    await assertNotAdmitted(UNPROVEN, async (stranger) => {
      const hello = makeHello();
      await stranger.say(hello);
      const challenge = await stranger.hear();
      await stranger.say(await makeAnswer(hello, challenge, changes));
      await stranger.hearNothing();
    });
  }
});

Deno.test("introduceWorker() refuses a proof of another statement, and proves nothing", async () => {
  for (const changes of [...OTHER_STATEMENTS, { role: "worker" } as const]) {
    await assertNotTrusted(UNPROVEN, async (stranger, hello) => {
      await stranger.say(await makeChallenge(hello, changes));
      await stranger.hearNothing();
    });
  }
});

Deno.test("Handshakes refuse a proof that isn't an HMAC", async () => {
  const bytes = [0, 31, 32, 33, 500].map((length) => new Uint8Array(length));
  for (const proof of [...bytes, null, true, "proof", 0, [1], {}]) {
    await assertNotAdmitted(UNPROVEN, async (stranger) => {
      await stranger.say(makeHello());
      await stranger.hear();
      await stranger.say({ proof });
      await stranger.hearNothing();
    });
    await assertNotTrusted(UNPROVEN, async (stranger, hello) => {
      await stranger.say({ ...await makeChallenge(hello), proof });
      await stranger.hearNothing();
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
    await assertNotAdmitted(UNPROVEN, async (stranger) => {
      const hello = makeHello();
      await stranger.say(hello);
      const { proof } = await makeAnswer(hello, await stranger.hear());
      await stranger.say({ proof: spoil(proof) });
      await stranger.hearNothing();
    });
    await assertNotTrusted(UNPROVEN, async (stranger, hello) => {
      const challenge = await makeChallenge(hello);
      await stranger.say({ ...challenge, proof: spoil(challenge.proof) });
      await stranger.hearNothing();
    });
  }
});

Deno.test("admitWorker() refuses its own proof when it is reflected", async () => {
  await assertNotAdmitted(UNPROVEN, async (stranger) => {
    await stranger.say(makeHello());
    const { proof } = await stranger.hear();
    await stranger.say({ proof: proof! });
    await stranger.hearNothing();
  });
});

Deno.test("admitWorker() refuses its own message to another worker when it is reflected", async () => {
  const pool = makePool();
  await assertNotAdmitted(UNPROVEN, async (stranger) => {
    const hello = makeHello();
    await stranger.say(hello);
    const { nonce } = await stranger.hear();
    // The pool proves a statement with its own nonce.
    let proof = new Uint8Array();
    await assertNotAdmitted("The peer closed the connection", async (other) => {
      await other.say({ ...hello, nonce: nonce! });
      proof = new Uint8Array((await other.hear()).proof as Uint8Array);
      other.hangUp();
    }, pool);
    await stranger.say({ proof });
    await stranger.hearNothing();
  }, pool);
});

Deno.test("introduceWorker() refuses its own messages when they are reflected", async () => {
  await assertNotTrusted(UNPROVEN, async (stranger, hello) => {
    await stranger.say(hello);
    await stranger.hearNothing();
  });
});

Deno.test("admitWorker() refuses messages that are replayed", async () => {
  const { fromWorker } = await recordHandshake();
  await assertNotAdmitted(UNPROVEN, async (stranger) => {
    await stranger.write(fromWorker);
    await stranger.hear();
    await stranger.hearNothing();
  });
});

Deno.test("introduceWorker() refuses messages that are replayed", async () => {
  const { fromPool } = await recordHandshake();
  await assertNotTrusted(UNPROVEN, async (stranger) => {
    await stranger.write(fromPool);
    await stranger.hearNothing();
  });
});
