import { assert, assertEquals, assertRejects } from "@std/assert";
import { RemoteAgent } from "../../../src/hosts/remote/remote_agent.ts";
import { SpawnerMessageType } from "../../../src/protocol/spawner_messages.ts";
import { Channel } from "../../../src/transport/channel.ts";
import { receiveAll } from "../../helpers/channels.ts";
import { MemoryConnection } from "../../helpers/memory_connection.ts";

const { HELLO, LEAVE, PONG, REFUSE } = SpawnerMessageType;

const OFFER = { workers: 2, name: "node1", labels: {}, resources: {} };

/** An agent's end of a connection, and the pool's. */
function begin(): { agent: Channel; remote: RemoteAgent } {
  const [left, right] = MemoryConnection.pair();
  const remote = new RemoteAgent(new Channel(left), () => {}, Infinity);
  return { agent: new Channel(right), remote };
}

async function say(agent: Channel, ...message: unknown[]): Promise<void> {
  agent.writer.message(message);
  await agent.drained();
}

Deno.test("RemoteAgent.offer resolves to what the agent offers", async () => {
  const { agent, remote } = begin();
  await say(agent, HELLO, OFFER);
  assertEquals(await remote.offer, OFFER);
  remote.close();
});

Deno.test("RemoteAgent.leaving resolves when the agent wants to end", async () => {
  const { agent, remote } = begin();
  await say(agent, HELLO, OFFER);
  await say(agent, LEAVE, "it got SIGTERM", Infinity);
  assertEquals(await remote.leaving, {
    reason: "it got SIGTERM",
    timeLeft: Infinity,
  });
  remote.close();
});

Deno.test("RemoteAgent.refuse() sends the reason, and then hangs up", async () => {
  const { agent, remote } = begin();
  const received = receiveAll(agent);
  await say(agent, HELLO, OFFER);
  await remote.offer;
  await remote.refuse("it is full");
  assertEquals(await received, [[REFUSE, "it is full"]]);
});

Deno.test("RemoteAgent.offer rejects when the agent hangs up", async () => {
  const { agent, remote } = begin();
  agent.close();
  await assertRejects(
    () => remote.offer,
    Error,
    "The agent has closed the connection",
  );
});

for (
  const [problem, ...messages] of [
    ["begins with another message", [PONG, 0, 1], [HELLO, OFFER]],
    ["leaves before it has joined", [LEAVE, "it got SIGTERM", 0]],
    ["joins twice", [HELLO, OFFER], [HELLO, OFFER]],
    ["offers no worker", [HELLO, { ...OFFER, workers: 0 }]],
  ] as const
) {
  Deno.test(`RemoteAgent hangs up when the agent ${problem}`, async () => {
    const { agent, remote } = begin();
    for (const message of messages) await say(agent, ...message);
    assert(await remote.closed instanceof RangeError);
  });
}
