/**
 * A program that stands for a machine with many workers, all in one process.
 * {@linkcode Simulator} starts it with a folder, a name and a transport.
 *
 * Pools reach it like a spawner server, or, for the transport `unix`, through
 * the stand-in for `ssh`. It takes orders from the named pipe with its name in
 * the folder, and ends when nobody has that pipe open any more.
 *
 * @module
 */

import { admitPool } from "../../src/protocol/spawner_handshake.ts";
import { introduceWorker } from "../../src/protocol/worker_handshake.ts";
import type { Address } from "../../src/transport/address.ts";
import { AuthenticatedListener } from "../../src/transport/authenticated_listener.ts";
import { Channel } from "../../src/transport/channel.ts";
import { connect } from "../../src/transport/connect.ts";
import { SimulatedSpawner } from "./simulated_spawner.ts";

/** How workers connect to the pool. */
export type Transport = "unix" | "tcp" | "tls";

/** The files with the certificate of a machine and its private key. */
export const CERTIFICATE_FILES = { cert: "cert.pem", key: "key.pem" } as const;

const spawners = new Set<SimulatedSpawner>();

async function serve(spawner: SimulatedSpawner): Promise<void> {
  spawners.add(spawner);
  await spawner.serve();
  spawners.delete(spawner);
}

/** Listens for pools as a spawner server does; returns the port. */
function listen(folder: string, transport: "tcp" | "tls"): number {
  const address = { hostname: "127.0.0.1", port: 0 };
  const read = (name: string) => Deno.readTextFileSync(`${folder}/${name}`);
  const listener = transport === "tcp" ? Deno.listen(address) : Deno.listenTls({
    ...address,
    cert: read(CERTIFICATE_FILES.cert),
    key: read(CERTIFICATE_FILES.key),
  });
  new AuthenticatedListener({
    authenticate: (connection) => admitPool(connection, ""),
    onChannel: (secret, channel) =>
      serve(new SimulatedSpawner(channel, { secret })),
  }).serve(listener);
  return (listener.addr as Deno.NetAddr).port;
}

/** Connects to a pool as the program that it sends to an ssh host. */
async function dial(
  ssh: number,
  path: string,
  number: number,
  secret: Uint8Array<ArrayBuffer>,
): Promise<void> {
  const address: Address = { transport: "unix", path };
  const connection = await connect(address, "");
  await introduceWorker(connection, secret, number);
  const channel = new Channel(connection);
  await serve(new SimulatedSpawner(channel, { secret, address }));
  Deno.kill(ssh, "SIGTERM");
}

/** Kills workers, whichever pool has them. */
function kill(count: number): void {
  let left = count;
  for (const spawner of spawners) left -= spawner.kill(left);
}

function obey(order: string): void {
  const [name, ...args] = order.split(" ");
  switch (name) {
    case "dial": {
      const [ssh, path, number, secret] = args;
      dial(Number(ssh), path!, Number(number), Uint8Array.fromHex(secret!));
      return;
    }
    case "kill":
      return kill(Number(args[0]));
  }
}

/** Takes orders, one a line, until nobody can give any more. */
async function takeOrders(pipe: string): Promise<void> {
  const { readable } = await Deno.open(pipe);
  let rest = "";
  for await (const text of readable.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop()!;
    lines.forEach(obey);
  }
}

if (import.meta.main) {
  const [folder, name, transport] = Deno.args as [string, string, Transport];
  const port = transport === "unix" ? 0 : listen(folder, transport);
  console.log(JSON.stringify({ port }));
  await takeOrders(`${folder}/${name}`);
  Deno.exit(0);
}
