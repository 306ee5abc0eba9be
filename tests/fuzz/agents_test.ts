import { tryAgentSession, tryRemoteAgent } from "./agents_target.ts";
import { fuzzBoth, SCALE } from "./fuzz.ts";

Deno.test("RemoteAgent refuses what no agent sends", async () => {
  await fuzzBoth("RemoteAgent", 1_000 * SCALE, tryRemoteAgent);
});

Deno.test("PoolSession of an agent refuses what no pool sends", async () => {
  await fuzzBoth("PoolSession", 1_000 * SCALE, tryAgentSession);
});
