/**
 * A pool that takes one agent, and keeps one of its workers busy. Prints its
 * port, and then the worker's process id.
 *
 * @module
 */

import { AgentPool } from "../helpers/agent_pool.ts";

const pool = await AgentPool.listen();
console.log(pool.port);
const agent = await pool.agent();
await agent.open();
const worker = await agent.start();
const pid = await worker.pid();
const busy = worker.call("() => { console.log('busy'); for (;;); }");
while (agent.output !== "busy\n") await agent.remote.ping();
console.log(pid);
await busy;
