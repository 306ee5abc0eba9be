import { assertEquals } from "@std/assert";
import { makeCertificate } from "../../src/transport/certificate.ts";
import { connect } from "../../src/transport/connect.ts";
import type { Connection } from "../../src/transport/connection.ts";
import { AgentPool, TOKEN } from "../helpers/agent_pool.ts";
import { AgentProcess } from "../helpers/agent_process.ts";
import { encodeHandshake, makeHello } from "../helpers/handshakes.ts";

/** The id of an agent without a launcher. */
const AGENT = 0x8000_0000;

/** More connections than a listener serves without authentication. */
const STRANGERS = 100;

/** Connects strangers who claim to be agents, and say nothing more. */
async function connectStrangers(
  port: number,
  certificate: string | undefined,
): Promise<Connection[]> {
  const address = {
    transport: certificate === undefined ? "tcp" : "tls",
    hostname: "127.0.0.1",
    port,
  } as const;
  const strangers: Connection[] = [];
  for (let count = 0; count < STRANGERS; count++) {
    const stranger = await connect(address, certificate ?? "");
    await stranger.write(encodeHandshake(makeHello({ id: AGENT })));
    strangers.push(stranger);
  }
  return strangers;
}

for (const transport of ["tcp", "tls"] as const) {
  Deno.test(`an agent joins while strangers claim to be agents (${transport})`, async () => {
    const certificate = transport === "tls"
      ? await makeCertificate()
      : undefined;
    await using pool = await AgentPool.listen(
      certificate === undefined ? {} : { certificate },
    );
    const strangers = await connectStrangers(pool.port, certificate?.cert);
    await using _agent = new AgentProcess(pool.args, { token: TOKEN });
    const joined = await pool.agent();
    await joined.open();
    const worker = await joined.start();
    assertEquals(await worker.call("() => 6 * 7"), 42);
    for (const stranger of strangers) stranger.close();
  });
}
