/**
 * The program that the pool sends to an ssh host as one file. It runs there as
 * the spawner, which starts the same file again for each worker.
 *
 * @module
 */

import { parseArgs } from "@std/cli/parse-args";
import { introduceWorker } from "../protocol/worker_handshake.ts";
import type { Address } from "../transport/address.ts";
import { Channel } from "../transport/channel.ts";
import { connect } from "../transport/connect.ts";
import { runWorker } from "../worker/run_worker.ts";
import { probeUntilUnreachable } from "./liveness_probe.ts";
import { PoolSession } from "./pool_session.ts";
import { Reaper } from "./reaper.ts";

/** Serves the pool until it ends, then removes the pool's files here. */
async function runSpawner(folder: string, number: number): Promise<never> {
  const reaper = new Reaper(folder);
  const line = await new Response(Deno.stdin.readable).text();
  const secret = Uint8Array.fromHex(line.trimEnd());
  const probed = socketAddress(`${folder}/probe.sock`);
  try {
    const pool = socketAddress(`${folder}/pool.sock`);
    const channel = await connectTo(pool, secret, number, probed);
    const session = new PoolSession(channel, {
      program: import.meta.filename!,
      config: undefined,
      secret,
      reaper,
      peer: "",
      probed,
      folder,
    });
    await session.serve();
  } finally {
    await reaper.close();
  }
  return Deno.exit(0);
}

/**
 * Connects to the pool. Waits without a limit, as the program may be busy.
 *
 * @throws {Error} If the pool refuses, or can't be reached any more.
 */
async function connectTo(
  pool: Address,
  secret: Uint8Array<ArrayBuffer>,
  number: number,
  probed: Address,
): Promise<Channel> {
  const over = new AbortController();
  const connected = (async () => {
    const connection = await connect(pool, "");
    await introduceWorker(connection, secret, number);
    return new Channel(connection);
  })();
  const unreachable = probeUntilUnreachable(probed, over.signal)
    .then((reason) => {
      throw new Error(reason);
    });
  try {
    return await Promise.race([connected, unreachable]);
  } finally {
    over.abort();
  }
}

function socketAddress(path: string): Address {
  return { transport: "unix", path };
}

const { folder, number } = parseArgs(Deno.args, {
  string: ["folder", "number"],
});
if (folder === undefined) await runWorker(Deno.args);
else await runSpawner(folder, Number(number));
