import { assert } from "@std/assert";
import {
  admitPool,
  introducePool,
} from "../../src/protocol/spawner_handshake.ts";
import { admitDialer } from "../../src/protocol/admit_dialer.ts";
import { introduceAgent } from "../../src/protocol/agent_handshake.ts";
import { introduceWorker } from "../../src/protocol/worker_handshake.ts";
import type { Connection } from "../../src/transport/connection.ts";
import { MemoryConnection } from "../helpers/memory_connection.ts";
import { Random } from "../helpers/random.ts";
import { type Conversation, mutate, pieces } from "./fuzz.ts";

/** The secret of the honest peers. */
const SECRET: Uint8Array<ArrayBuffer> = new Random(1).bytes(32);
const TOKEN = "a token of the tests";
const WORKER = 7;
const AGENTS_SECRET: Uint8Array<ArrayBuffer> = new Random(2).bytes(32);
const GROUP = 3;

/** One end of a handshake. */
export type Side = (connection: Connection) => Promise<unknown>;

/** Both sides of each handshake; the connecting one comes first. */
export const HANDSHAKES: readonly [Handshake, ...Handshake[]] = [
  [
    (connection) => introduceWorker(connection, SECRET, WORKER),
    admit,
  ],
  [
    (connection) => introduceAgent(connection, AGENTS_SECRET, GROUP),
    admit,
  ],
  [
    (connection) => introducePool(connection, TOKEN),
    (connection) => admitPool(connection, TOKEN),
  ],
];

function admit(connection: Connection): Promise<unknown> {
  const secrets = {
    ofWorker: (worker: number) => worker === WORKER ? SECRET : undefined,
    ofGroup: (group: number) => group === GROUP ? AGENTS_SECRET : undefined,
  };
  return admitDialer(connection, secrets, { concurrency: 4 });
}

type Handshake = readonly [connector: Side, acceptor: Side];

/** The messages of one side of a handshake. */
interface Recording {
  readonly to: Side;
  readonly said: Conversation;
}

/** Records the messages of both sides in one handshake of each kind. */
export async function recordHandshakes(): Promise<
  [Recording, ...Recording[]]
> {
  const recordings: Recording[] = [];
  for (const [connector, acceptor] of HANDSHAKES) {
    const [left, right] = MemoryConnection.pair();
    const [one, other] = [new Recorder(left), new Recorder(right)];
    await Promise.all([connector(one), acceptor(other)]);
    recordings.push({ to: acceptor, said: one.written });
    recordings.push({ to: connector, said: other.written });
  }
  return recordings as [Recording, ...Recording[]];
}

/** Checks that no side accepts messages that were meant for another. */
export async function tryReplay(
  random: Random,
  recordings: [Recording, ...Recording[]],
): Promise<void> {
  const { to } = random.pick(recordings);
  const { said } = random.pick(recordings);
  const bytes = random.below(8) === 0
    ? random.bytes(random.below(200))
    : mutate(random, said, random.pick(recordings).said);
  const [left, right] = MemoryConnection.pair();
  for (const piece of pieces(random, bytes)) right.write(piece);
  right.close();
  await assertRefuses(to(new Listening(left)));
}

/** Checks that both sides refuse a proof that was changed on the way. */
export async function tryMiddle(random: Random): Promise<void> {
  const [connector, acceptor] = random.pick(HANDSHAKES);
  const [outer, toConnector] = MemoryConnection.pair();
  const [toAcceptor, inner] = MemoryConnection.pair();
  const at = random.below(3);
  let isSame = false;
  const change: Change = (message, index) => {
    if (index !== at) return message;
    const changed = mutate(random, [message], [message]);
    // Bytes after a message aren't part of it.
    isSame = message.every((byte, position) => byte === changed[position]);
    return changed;
  };
  const relaying = relay(toConnector, toAcceptor, change);
  const [one, other] = [
    connector(new Listening(outer)),
    acceptor(new Listening(inner)),
  ].map((side) => side.finally(() => (outer.close(), inner.close())));
  const outcomes = await Promise.allSettled([one, other]);
  await relaying;
  if (isSame) return;
  await assertRefuses(one!);
  await assertRefuses(other!);
  assert(outcomes.every(({ status }) => status === "rejected"));
}

/** Changes a message between both sides. */
export type Change = (
  message: Uint8Array<ArrayBuffer>,
  index: number,
) => Uint8Array<ArrayBuffer>;

/**
 * Relays messages in turn until one side hangs up or one message was changed.
 */
export async function relay(
  one: Connection,
  other: Connection,
  change: Change,
): Promise<void> {
  let [from, to] = [one, other];
  const buffer = new Uint8Array(4_096);
  for (let index = 0; index < 4; index++) {
    const count = await from.read(buffer);
    if (count === null) break;
    const message = buffer.slice(0, count);
    const changed = change(message.slice(), index);
    await to.write(changed);
    if (
      changed.length !== message.length ||
      changed.some((byte, at) => byte !== message[at])
    ) break;
    [from, to] = [to, from];
  }
  one.close();
  other.close();
}

/** Checks that a handshake was refused with an error message. */
async function assertRefuses(side: Promise<unknown>): Promise<void> {
  try {
    await side;
  } catch (error) {
    assert(error instanceof Error && error.message.length < 500, `${error}`);
    return;
  }
  throw new Error("It was believed");
}

/** Records what is written, message by message. */
class Recorder implements Connection {
  readonly written: Uint8Array<ArrayBuffer>[] = [];
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  read(buffer: Uint8Array): Promise<number | null> {
    return this.#connection.read(buffer);
  }

  write(bytes: Uint8Array): Promise<number> {
    this.written.push(Uint8Array.from(bytes));
    return this.#connection.write(bytes);
  }

  close(): void {
    this.#connection.close();
  }

  unref(): void {}
}

/** Drops messages to a peer that has hung up. */
export class Listening extends Recorder {
  override async write(bytes: Uint8Array): Promise<number> {
    await super.write(bytes).catch(() => {});
    return bytes.length;
  }
}
