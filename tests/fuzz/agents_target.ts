import { assert, assertEquals } from "@std/assert";
import { RemoteAgent } from "../../src/hosts/remote/remote_agent.ts";
import { SpawnerMessageType } from "../../src/protocol/spawner_messages.ts";
import { PoolSession } from "../../src/spawner/pool_session.ts";
import { Channel } from "../../src/transport/channel.ts";
import { MemoryConnection } from "../helpers/memory_connection.ts";
import type { Random } from "../helpers/random.ts";
import { spoil } from "./endpoints_target.ts";
import type { Outcome } from "./fuzz.ts";

const { HELLO, LEAVE, REFUSE, READY, ENDED, OUTPUT, PONG } = SpawnerMessageType;
const { CONNECTED, OPEN, START, KILL, PING } = SpawnerMessageType;

const OFFER = { workers: 2, name: "node1", labels: {}, resources: { gpu: 1 } };
const MACHINE = { deno: "2.9.6", platform: "linux", cpus: 8, memory: 1 };
const MEMORY = { kind: "limit", bytes: 2, limit: 1 };
const REQUEST = { address: "tcp::1", grants: {}, denoArgs: [], env: {} };

/** Checks that a `RemoteAgent` refuses messages that no agent sends. */
export async function tryRemoteAgent(random: Random): Promise<Outcome> {
  const [left, right] = MemoryConnection.pair();
  const remote = new RemoteAgent(new Channel(left), () => {}, Infinity);
  const ends = [0, 1].map((worker) => remote.start(worker, "worker").ended);
  let offers = 0;
  const offered = remote.offer.then(({ workers }) => {
    offers++;
    assert(Number.isInteger(workers) && workers > 0, "workers");
  }, () => {});
  const messages = random.list(5, () => fromAgent(random));
  if (random.below(4) > 0) messages.unshift([HELLO, { ...OFFER }]);
  await sendAll(right, messages);
  const reason = await remote.closed;
  await offered;
  if (reason !== undefined) assert(reason instanceof RangeError, `${reason}`);
  // Each worker is reported once, whatever the agent has sent.
  assertEquals((await Promise.all(ends)).length, 2);
  if (reason !== undefined) return "refused";
  assertEquals(offers, messages.length > 0 ? 1 : 0, "offers");
  return "accepted";
}

/** Checks that an agent's `PoolSession` refuses messages that no pool sends. */
export async function tryAgentSession(random: Random): Promise<Outcome> {
  const [left, right] = MemoryConnection.pair();
  let begun = 0;
  const session = new PoolSession(new Channel(left), {
    program: "",
    config: undefined,
    secret: new Uint8Array(32),
    reaper: undefined,
    peer: "127.0.0.1",
    probed: { transport: "tcp", hostname: "127.0.0.1", port: 1 },
    silence: Infinity,
    offer: OFFER,
    beginWorker: () => {
      begun++;
      return "was refused";
    },
  });
  const serving = session.serve();
  const messages = random.list(5, () => fromPool(random));
  if (random.below(4) > 0) messages.unshift([OPEN, { ...REQUEST }]);
  const isOpen = messages.some(([type]) => type === OPEN);
  await sendAll(right, messages);
  const reason = await serving;
  if (begun > 0) assert(isOpen, "A worker began before the session was open");
  return reason.startsWith("The connection to the pool broke")
    ? "refused"
    : "accepted";
}

async function sendAll(
  connection: MemoryConnection,
  messages: unknown[][],
): Promise<void> {
  const channel = new Channel(connection);
  for (const message of messages) channel.writer.message(message);
  await channel.drained();
  channel.close();
}

/** Makes a message as an agent sends it, or a broken one. */
function fromAgent(random: Random): unknown[] {
  return spoil(
    random,
    random.pick<unknown[]>([
      [HELLO, { ...OFFER, wallTime: random.below(9) }],
      [LEAVE, "it got SIGTERM", random.below(9)],
      [READY, { ...MACHINE }],
      [ENDED, random.below(3), "exit code 0", "", undefined],
      [ENDED, random.below(3), "signal SIGKILL", "", { ...MEMORY }],
      [OUTPUT, random.below(3), "stdout", new Uint8Array(3)],
      [PONG, random.below(3), 1],
    ]),
  );
}

/** Makes a message as a pool sends it to an agent, or a broken one. */
function fromPool(random: Random): unknown[] {
  return spoil(
    random,
    random.pick<unknown[]>([
      [OPEN, { ...REQUEST }],
      [START, random.below(3)],
      [KILL, random.below(3)],
      [CONNECTED, random.below(3)],
      [PING, random.below(9)],
      [REFUSE, "it is full"],
    ]),
  );
}
