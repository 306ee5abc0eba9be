import { assertEquals, assertRejects } from "@std/assert";
import { Agent } from "../../src/spawner/agent.ts";
import type { AgentSettings } from "../../src/spawner/agent_settings.ts";
import { AgentPool, TOKEN } from "../helpers/agent_pool.ts";
import { flowingTime } from "../helpers/flowing_time.ts";

const WALL_TIME = 3_600_000;
const LEAVE_BEFORE = 60_000;

/** Makes an agent in this process, which began when it is made. */
function makeAgent(port: number): Agent {
  const settings: AgentSettings = {
    address: { transport: "tcp", hostname: "127.0.0.1", port },
    pin: undefined,
    token: TOKEN,
    group: 0,
    connectTimeout: 60_000,
    offer: { workers: 1, name: "node1", labels: {}, resources: {} },
    wallTime: WALL_TIME,
    leaveBefore: LEAVE_BEFORE,
  };
  const begin = Date.now();
  return new Agent(settings, {
    program: "",
    bundle: undefined,
    config: undefined,
    reaper: undefined,
    log: () => {},
    uptime: () => Date.now() - begin,
  });
}

Deno.test("Agent leaves the pool before its wall time is over", async () => {
  using time = flowingTime();
  await using pool = await AgentPool.listen();
  const ended = makeAgent(pool.port).run();
  const joined = await pool.agent();
  await joined.open();
  time.tick(WALL_TIME - LEAVE_BEFORE);
  const { reason, timeLeft } = await joined.remote.leaving;
  assertEquals(reason, "its wall time is over in 60 s");
  assertEquals(timeLeft > 0 && timeLeft <= LEAVE_BEFORE, true);
  joined.close();
  assertEquals(await ended, "The pool has closed the connection");
});

Deno.test("Agent ends when its wall time is over", async () => {
  using time = flowingTime();
  await using pool = await AgentPool.listen();
  const ended = makeAgent(pool.port).run();
  const joined = await pool.agent();
  await joined.open();
  time.tick(WALL_TIME - LEAVE_BEFORE);
  await joined.remote.leaving;
  time.tick(LEAVE_BEFORE);
  await assertRejects(
    () => ended,
    Error,
    "Ended before the pool had let it go: its wall time is over",
  );
  assertEquals(await joined.remote.closed, undefined);
});

Deno.test("Agent offers the wall time that is left when it joins", async () => {
  using time = flowingTime();
  await using pool = await AgentPool.listen();
  const agent = makeAgent(pool.port);
  time.tick(WALL_TIME / 2);
  const ended = agent.run();
  const joined = await pool.agent();
  const { wallTime } = await joined.offer();
  assertEquals(wallTime! > 0 && wallTime! <= WALL_TIME / 2, true);
  joined.close();
  await ended;
});

Deno.test("Agent doesn't join when its wall time is almost over", async () => {
  using time = flowingTime();
  await using pool = await AgentPool.listen();
  const agent = makeAgent(pool.port);
  time.tick(WALL_TIME - LEAVE_BEFORE);
  assertEquals(
    await agent.run(),
    "Left before it had reached the pool: its wall time is over in 60 s",
  );
});
