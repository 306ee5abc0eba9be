import { Pool } from "../mod.ts";
import { type SshServer, startSshServer } from "../tests/helpers/ssh_server.ts";
import { bareTrips, compareTrips, runTrips } from "./latency.ts";
import { MessageExchange } from "./limits.ts";
import {
  compare,
  type Effort,
  type Row,
  scaled,
  type Section,
} from "./measure.ts";
import { canUseSsh, sshHost } from "./ssh_host.ts";
import { SshTunnel } from "./ssh_tunnel.ts";
import { runAll, singleMap, WINDOW } from "./throughput.ts";

const LATENCY = ["ssh-echo/p50", "ssh-run/p50"];
const THROUGHPUT = ["ssh-limit", "ssh-single/map", "ssh-single/run"];

/** Compares a pool with an ssh host and a plain `ssh -R`, on this machine. */
export const remote: Section = {
  title:
    "Over ssh to this machine: round trip, 1 worker; throughput, 2 workers",
  names: [...LATENCY, ...THROUGHPUT],
  run,
};

async function run(
  wanted: ReadonlySet<string>,
  effort: Effort,
): Promise<Row[]> {
  if (!canUseSsh(remote.names, wanted)) return [];
  await using server = await startSshServer();
  const rows: Row[] = [];
  const isWanted = (name: string) => wanted.has(name);
  if (LATENCY.some(isWanted)) rows.push(...await latency(server, effort));
  if (THROUGHPUT.some(isWanted)) {
    rows.push(...await throughput(server, wanted, effort));
  }
  return rows;
}

async function latency(server: SshServer, effort: Effort): Promise<Row[]> {
  await using tunnel = await SshTunnel.start(server, "echo", 1);
  await using pool = new Pool({ workers: 0, hosts: sshHost(server, 1) });
  await pool.ready;
  return await compareTrips(
    bareTrips("ssh-echo", tunnel.connections[0]!),
    runTrips("ssh-run", pool),
    ["p50"],
    effort,
  );
}

async function throughput(
  server: SshServer,
  wanted: ReadonlySet<string>,
  effort: Effort,
): Promise<Row[]> {
  await using tunnel = await SshTunnel.start(server, "frames", 2);
  using exchange = new MessageExchange(tunnel.connections);
  await using pool = new Pool({ workers: 0, hosts: sshHost(server, 2) });
  await pool.ready;
  const limit = {
    name: "ssh-limit",
    measure: () => exchange.rate(scaled(300_000, effort), WINDOW),
  };
  const candidates = [
    singleMap("ssh-single/map", pool, effort),
    runAll("ssh-single/run", pool, effort),
  ].filter(({ name }) => wanted.has(name));
  return await compare([limit], candidates, "/s", effort);
}
