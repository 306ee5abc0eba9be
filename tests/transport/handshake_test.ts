import {
  assertEquals,
  assertMatch,
  assertNotEquals,
  assertRejects,
} from "@std/assert";
import type { ValueMap } from "@std/msgpack";
import { introduceWorker } from "../../src/protocol/worker_handshake.ts";
import {
  HandshakeError,
  type HandshakeFailure,
} from "../../src/transport/handshake_error.ts";
import { makeSecret } from "../../src/transport/secret.ts";
import { PROTOCOL_VERSION } from "../../src/transport/handshake.ts";
import { ConnectionPair, TRANSPORTS } from "../helpers/connections.ts";
import { concat, frameAround } from "../helpers/frames.ts";
import {
  assertNotAdmitted,
  assertNotTrusted,
  assertRefusedByBoth,
  connect,
  encodeHandshake,
  HandshakePeer,
  makeAdmission,
  makeAnswer,
  makeChallenge,
  makeHello,
  makePool,
  prove,
  SECRET,
  UNPROVEN,
  WELCOME,
} from "../helpers/handshakes.ts";

const HUNG_UP = "The peer closed the connection";

/** Makes a connection read and write a byte at a time. */
function slowDown(connection: Deno.Conn): void {
  const write = connection.write.bind(connection);
  connection.write = (bytes) => write(bytes.subarray(0, 1));
  const read = connection.read.bind(connection);
  connection.read = (bytes) => read(bytes.subarray(0, 1));
}

for (const transport of TRANSPORTS) {
  Deno.test(`admitDialer() admits a worker that knows the secret (${transport})`, async () => {
    const pool = makePool();
    for (const worker of [0, 1, 2 ** 31 - 1]) {
      using pair = await ConnectionPair.open(transport);
      const [admitted, welcome] = await Promise.all([
        pool.admit(pair.left),
        introduceWorker(pair.right, SECRET, worker),
      ]);
      assertEquals(admitted, worker);
      assertEquals(welcome, WELCOME);
    }
  });
}

Deno.test("admitDialer() admits many workers at the same time", async () => {
  const pool = makePool();
  await Promise.all([...Array(20).keys()].map(async (worker) => {
    using pair = await connect();
    const [admitted] = await Promise.all([
      pool.admit(pair.left),
      introduceWorker(pair.right, SECRET, worker),
    ]);
    assertEquals(admitted, worker);
  }));
});

Deno.test("admitDialer() sends and checks the messages of the protocol", async () => {
  using pair = await connect();
  const worker = new HandshakePeer(pair.right);
  const admission = makePool().admit(pair.left);
  const hello = makeHello({ id: 7 });
  await worker.send(hello);
  const challenge = await worker.receive();
  assertEquals(challenge.version, PROTOCOL_VERSION);
  assertEquals(challenge.proof, await prove("pool", hello, challenge.nonce));
  await worker.send(await makeAnswer(hello, challenge));
  assertEquals(await worker.receive(), { welcome: WELCOME });
  assertEquals(await admission, 7);
});

Deno.test("introduceWorker() sends and checks the messages of the protocol", async () => {
  using pair = await connect();
  const pool = new HandshakePeer(pair.right);
  const introduction = introduceWorker(pair.left, SECRET, 7);
  const hello = await pool.receive();
  assertEquals(hello, {
    version: PROTOCOL_VERSION,
    id: 7,
    nonce: hello.nonce!,
  });
  const challenge = await makeChallenge(hello);
  await pool.send(challenge);
  assertEquals(await pool.receive(), await makeAnswer(hello, challenge));
  await pool.send({ welcome: { a: 1 } });
  assertEquals(await introduction, { a: 1 });
});

Deno.test("Handshakes leave the bytes after them in the connection", async () => {
  using pair = await connect();
  const worker = new HandshakePeer(pair.right);
  const admission = makePool().admit(pair.left);
  const hello = makeHello();
  await worker.send(hello);
  const answer = await makeAnswer(hello, await worker.receive());
  await worker.write(concat([encodeHandshake(answer), [1, 2, 3]]));
  await admission;
  const rest = new Uint8Array(10);
  assertEquals(await pair.left.read(rest), 3);
  assertEquals([...rest.subarray(0, 3)], [1, 2, 3]);
});

Deno.test("Handshakes read messages that arrive byte by byte", async () => {
  using pair = await connect();
  slowDown(pair.left);
  slowDown(pair.right);
  const [admitted, welcome] = await Promise.all([
    makePool().admit(pair.left),
    introduceWorker(pair.right, SECRET, 5),
  ]);
  assertEquals(admitted, 5);
  assertEquals(welcome, WELCOME);
});

Deno.test("admitDialer() makes a new nonce for each connection", async () => {
  const pool = makePool();
  const nonces = new Set<string>();
  for (let round = 0; round < 3; round++) {
    await assertNotAdmitted(HUNG_UP, async (peer) => {
      await peer.send(makeHello());
      const { nonce } = await peer.receive();
      nonces.add((nonce as Uint8Array).toHex());
      peer.hangUp();
    }, pool);
  }
  assertEquals(nonces.size, 3);
  for (const nonce of nonces) assertMatch(nonce, /^[0-9a-f]{64}$/);
});

Deno.test("introduceWorker() makes a new nonce for each connection", async () => {
  const nonces = new Set<string>();
  for (let round = 0; round < 3; round++) {
    await assertNotTrusted(HUNG_UP, (peer, { nonce }) => {
      nonces.add((nonce as Uint8Array).toHex());
      peer.hangUp();
      return Promise.resolve();
    });
  }
  assertEquals(nonces.size, 3);
  for (const nonce of nonces) assertMatch(nonce, /^[0-9a-f]{64}$/);
});

Deno.test("makeSecret() makes a new secret each time", () => {
  assertEquals(makeSecret().length, 32);
  assertNotEquals(makeSecret(), makeSecret());
});

Deno.test("admitDialer() refuses workers of another version", async () => {
  for (const version of [PROTOCOL_VERSION + 1, 0, "1", null]) {
    const reason =
      `The pool speaks version ${PROTOCOL_VERSION} of the protocol and the worker version ${version}`;
    await assertNotAdmitted(reason, async (peer) => {
      await peer.send(makeHello({ version }));
      assertEquals(await peer.receive(), { version: PROTOCOL_VERSION });
      await peer.assertEnds();
    });
  }
});

Deno.test("introduceWorker() refuses pools of another version", async () => {
  for (const version of [PROTOCOL_VERSION + 1, 0, "1", null]) {
    const reason =
      `The worker speaks version ${PROTOCOL_VERSION} of the protocol and the pool version ${version}`;
    await assertNotTrusted(reason, async (peer, hello) => {
      await peer.send({ ...await makeChallenge(hello), version });
      await peer.assertEnds();
    });
  }
});

Deno.test("admitDialer() refuses workers without an id", async () => {
  for (const id of ["1", null, 1n, [1]]) {
    await assertNotAdmitted("The worker sent no valid id", async (peer) => {
      await peer.send(makeHello({ id }));
      await peer.assertEnds();
    });
  }
});

Deno.test("admitDialer() refuses ids that aren't 32-bit integers", async () => {
  for (const id of [-1, 0.5, 2 ** 32, 2 ** 32 + 1, NaN, Infinity]) {
    await assertNotAdmitted("The worker sent no valid id", async (peer) => {
      await peer.send(makeHello({ id }));
      await peer.assertEnds();
    });
  }
});

Deno.test("Handshakes refuse an invalid nonce", async () => {
  const lengths = [0, 31, 33].map((length) => new Uint8Array(length));
  for (const nonce of [...lengths, "x".repeat(32), null, [1]]) {
    const reason = "The peer sent no valid nonce";
    await assertNotAdmitted(reason, async (peer) => {
      await peer.send(makeHello({ nonce }));
      await peer.assertEnds();
    });
    await assertNotTrusted(reason, async (peer, hello) => {
      await peer.send({ ...await makeChallenge(hello), nonce });
      await peer.assertEnds();
    });
  }
});

Deno.test("introduceWorker() refuses a pool without a welcome", async () => {
  for (const welcome of [null, 1, "text", [1], new Uint8Array(3)]) {
    await assertNotTrusted(
      "The pool sent no welcome",
      async (peer, hello) => {
        await peer.send(await makeChallenge(hello));
        await peer.receive();
        await peer.send({ welcome });
      },
    );
  }
});

Deno.test("Handshakes refuse messages that aren't maps", async () => {
  for (const content of [[0x01], [0x90], [0xc0], [0xc4, 0], [0xa1, 0x61]]) {
    await assertRefusedByBoth(
      "A handshake message must be a map",
      async (peer) => {
        await peer.write(frameAround(content));
        await peer.assertEnds();
      },
    );
  }
});

Deno.test("Handshakes refuse garbage", async () => {
  const garbage = [
    new TextEncoder().encode("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"),
    frameAround([]),
    frameAround([0xc1]),
    frameAround([0x81]),
    frameAround([0xdf, 0xff, 0xff, 0xff, 0xff]),
    frameAround([0xdd, 0xff, 0xff, 0xff, 0xff, 1]),
    frameAround([0x80, 0x80]),
    frameAround(new Uint8Array(1_024).fill(0x91)),
  ];
  for (const bytes of garbage) {
    await assertRefusedByBoth("", async (peer) => {
      await peer.write(bytes);
      await peer.assertEnds();
    });
  }
});

Deno.test("Handshakes refuse a message as soon as it announces too many bytes", async () => {
  const reason = "A handshake message can have at most 1024 bytes";
  for (const length of [1_025, 2 ** 31, 2 ** 32 - 1]) {
    const prefix = new Uint8Array(4);
    new DataView(prefix.buffer).setUint32(0, length);
    await assertRefusedByBoth(reason, async (peer) => {
      await peer.write(prefix);
      await peer.assertEnds();
    });
  }
});

Deno.test("Handshakes read a message of the largest size", async () => {
  const pad = (message: ValueMap) => {
    const padded = { ...message, padding: "x".repeat(500) };
    const lacking = 4 + 1_024 - encodeHandshake(padded).length;
    return { ...message, padding: "x".repeat(500 + lacking) };
  };
  assertEquals(encodeHandshake(pad(makeHello())).length, 1_028);
  await assertNotAdmitted(UNPROVEN, async (peer) => {
    await peer.send(pad(makeHello()));
    await peer.receive();
    await peer.send({});
  });
  await assertNotTrusted(HUNG_UP, async (peer, hello) => {
    await peer.send(pad(await makeChallenge(hello)));
    await peer.receive();
    peer.hangUp();
  });
});

Deno.test("admitDialer() fails when the worker hangs up at any byte", async () => {
  const hello = encodeHandshake(makeHello());
  const pool = makePool();
  for (let length = 0; length <= hello.length; length++) {
    await assertNotAdmitted(HUNG_UP, async (peer) => {
      await peer.write(hello.subarray(0, length));
      if (length === hello.length) await peer.receive();
      peer.hangUp();
    }, pool);
  }
});

Deno.test("introduceWorker() fails when the pool hangs up at any byte", async () => {
  const { length } = encodeHandshake(await makeChallenge(makeHello()));
  for (let end = 0; end <= length; end++) {
    await assertNotTrusted(HUNG_UP, async (peer, hello) => {
      const challenge = encodeHandshake(await makeChallenge(hello));
      await peer.write(challenge.subarray(0, end));
      if (end === length) await peer.receive();
      peer.hangUp();
    });
  }
});

Deno.test("admitDialer() fails when the worker is gone before its welcome", async () => {
  using pair = await connect();
  const worker = new HandshakePeer(pair.right);
  const admission = makePool().admit(pair.left);
  const hello = makeHello();
  await worker.send(hello);
  const challenge = await worker.receive();
  pair.left.write = () => Promise.reject(new Deno.errors.BrokenPipe());
  await worker.send(await makeAnswer(hello, challenge));
  await assertRejects(() => admission, Deno.errors.BrokenPipe);
});

/** How dialers fail, by the code of the listener's error. */
const FAILURES: Record<
  Exclude<HandshakeFailure, "certificate">,
  (peer: HandshakePeer) => Promise<void>
> = {
  version: (peer) => peer.send(makeHello({ version: PROTOCOL_VERSION + 1 })),
  id: (peer) => peer.send(makeHello({ id: -1 })),
  secret: async (peer) => {
    await peer.send(makeHello());
    await peer.send({ proof: new Uint8Array(32) });
  },
  malformed: (peer) => peer.write(frameAround([0xc1])),
  closed: (peer) => {
    peer.hangUp();
    return Promise.resolve();
  },
};

for (const [code, act] of Object.entries(FAILURES)) {
  Deno.test(`HandshakeError has the code "${code}" for such a failure`, async () => {
    using pair = await connect();
    const admission = makePool().admit(pair.left);
    await act(new HandshakePeer(pair.right));
    const error = await assertRejects(() => admission, HandshakeError);
    assertEquals(error.code, code);
  });
}

Deno.test("HandshakeError has the code of an unexpected id", async () => {
  using pair = await connect();
  const admission = makeAdmission(() => undefined).admit(pair.left);
  await new HandshakePeer(pair.right).send(makeHello());
  const error = await assertRejects(() => admission, HandshakeError);
  assertEquals([error.code, error.message], ["id", "No worker 1 is expected"]);
});
